/**
 * The resident memory of the state machine with orders of one kind, as a process with `--expose-gc`: arguments are the kind and the
 * number of orders; prints bytes per order. What the machine has without orders is measured with a small one and does not count.
 */
import { assert } from '../../engine/assert.ts';
import { LinkKind, OrderType, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { linkWord } from '../../engine/wire/list-link.ts';
import { FAR, FAR_US, MIDDLE, order, resting, times, trailingStop, waitingStop } from './orders.ts';
import { type LongCommand, MeasuredMachine } from './state-machine.ts';

const SMALL = 4096;
const CHUNK = 256;
/** Ids that are remembered: few, so that the table of client order ids is that of the open orders. */
const REMEMBERED = 1024;

const MAKERS: Readonly<Record<string, (id: number, i: number) => LongCommand>> = {
  limit: (id, i) => resting(id, i),
  dated: (id, i) => resting(id, i, { expiryUs: FAR_US + i }, TimeInForce.GoodTillDate),
  iceberg: (id, i) => resting(id, i, { displayedQuantity: 2 }),
  stop: waitingStop,
  trailing: trailingStop,
  list: (id, i) => {
    const link = linkWord(LinkKind.OneCancelsOther, 1 + (i & 1), 2);
    const account = 1 + ((i >> 1) % 16);
    if ((i & 1) === 0) return order(id, account, Side.Sell, MIDDLE + 1 + ((i * 7919) % 400), 10, { link });
    return order(id, account, Side.Sell, 0, 10, { orderType: OrderType.Stop, stopPrice: MIDDLE - FAR - (i % 50_000), link });
  },
};

const [, , kind, count] = process.argv;
const make = MAKERS[kind];
assert(make !== undefined, `no such kind: ${kind}`);

function resident(): number {
  for (let n = 0; n < 3; n++) globalThis.gc?.();
  const { rss, heapTotal } = process.memoryUsage();
  return rss - heapTotal;
}

function filled(orders: number): MeasuredMachine {
  const machine = new MeasuredMachine(orders, REMEMBERED);
  machine.run([order(1, 1, Side.Buy, MIDDLE, 1), order(1, 2, Side.Sell, MIDDLE, 1)]);
  for (let first = 0; first < orders; first += CHUNK)
    machine.run(times(Math.min(CHUNK, orders - first), (i) => make(10 + first + i, first + i)));
  assert(machine.rejects === 0 && machine.exchange.slab.count === orders, `${kind}: all orders are open`);
  return machine;
}

const machines = [filled(SMALL)];
const compiled = resident();
machines.push(filled(SMALL));
const small = resident();
machines.push(filled(Number(count)));
const full = resident();
assert(machines.length === 3, 'all machines are in use until here');
console.log((full - small - (small - compiled)) / (Number(count) - SMALL));
