import { Prng } from '../../feeds/simulator/prng.ts';

/** Share of each message in 100: about that of a day of NASDAQ. */
const SHARES = { A: 44, F: 1, D: 40, U: 7, E: 5, C: 1, X: 1, P: 1 };
const LENGTHS = { R: 39, A: 36, F: 40, E: 31, C: 36, X: 23, D: 19, U: 35, P: 44 };
const STOCKS = 64;
const ORDERS_AT_START = 20_000;
const SEED = 7;

/** A stream of ITCH 5.0 with the messages of orders, all of them valid: the same bytes in each run. */
export function itchFlow(messages: number): Uint8Array {
  const prng = new Prng(SEED);
  const next = (limit: number) => prng.below(limit);
  const out = Buffer.alloc((messages + ORDERS_AT_START + STOCKS) * 46);
  let at = 0;
  let ns = 34_200_000_000_000;
  let lastId = 0;
  const live: { id: number; stock: number; shares: number; price: number; buy: boolean }[] = [];

  const begin = (type: keyof typeof LENGTHS, stock: number): number => {
    out.writeUInt16BE(LENGTHS[type], at);
    out.write(type, at + 2, 'latin1');
    out.writeUInt16BE(stock, at + 3);
    ns += 1 + next(5000);
    out.writeUIntBE(ns, at + 7, 6);
    const from = at + 13;
    at += 2 + LENGTHS[type];
    return from;
  };
  const name = (stock: number) => `S${stock}`.padEnd(8);
  const id = (value: number, offset: number) => out.writeBigUInt64BE(BigInt(value), offset);
  const terms = () => {
    const buy = next(2) === 0;
    const price = 1_000_000 + (buy ? -100 : 100) * (1 + Math.min(next(40), next(40)));
    return { id: ++lastId, stock: 1 + next(STOCKS), shares: 100 * (1 + next(9)), price, buy };
  };
  const add = (type: 'A' | 'F') => {
    const order = terms();
    const from = begin(type, order.stock);
    id(order.id, from);
    out.write(order.buy ? 'B' : 'S', from + 8, 'latin1');
    out.writeUInt32BE(order.shares, from + 9);
    out.write(name(order.stock), from + 13, 'latin1');
    out.writeUInt32BE(order.price, from + 21);
    if (type === 'F') out.write('GSCO', from + 25, 'latin1');
    live.push(order);
  };

  for (let stock = 1; stock <= STOCKS; stock++) out.write(name(stock), begin('R', stock), 'latin1');
  for (let i = 0; i < ORDERS_AT_START; i++) add('A');
  const kinds = Object.entries(SHARES).flatMap(([type, share]) => new Array<string>(share).fill(type));
  for (let i = 0; i < messages; i++) {
    const type = kinds[next(kinds.length)] as keyof typeof SHARES;
    if (type === 'A' || type === 'F') {
      add(type);
      continue;
    }
    const index = next(live.length);
    const order = live[index];
    const gone = () => {
      live[index] = live[live.length - 1];
      live.pop();
    };
    const from = begin(type, order.stock);
    id(type === 'P' ? 0 : order.id, from);
    if (type === 'D') {
      gone();
    } else if (type === 'U') {
      order.id = ++lastId;
      id(order.id, from + 8);
      out.writeUInt32BE(order.shares, from + 16);
      out.writeUInt32BE(order.price, from + 20);
    } else if (type === 'P') {
      out.write('B', from + 8, 'latin1');
      out.writeUInt32BE(100, from + 9);
      out.write(name(order.stock), from + 13, 'latin1');
      out.writeUInt32BE(order.price, from + 21);
      id(i, from + 25);
    } else {
      const shares = type === 'X' && order.shares > 1 ? order.shares >> 1 : order.shares;
      out.writeUInt32BE(shares, from + 8);
      if (type !== 'X') id(i, from + 12);
      if (type === 'C') {
        out.write('Y', from + 20, 'latin1');
        out.writeUInt32BE(order.price, from + 21);
      }
      order.shares -= shares;
      if (order.shares === 0) gone();
    }
  }
  return out.subarray(0, at);
}
