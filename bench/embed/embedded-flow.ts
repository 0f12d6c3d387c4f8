import { createExchange } from '../../engine/embed/create-exchange.ts';
import type { EmbeddedExchange } from '../../engine/embed/embedded-exchange.ts';
import { OrderResult } from '../../engine/embed/order-result.ts';
import type { Limits } from '../../engine/limits.ts';
import { getI64 } from '../../engine/units.ts';
import { Command, CommandKind } from '../../engine/wire/layout.ts';
import { SIDE_NAMES, TIME_IN_FORCE_NAMES } from '../../engine/wire/names.ts';
import { CORE_ACCOUNTS } from '../core/core-flow.ts';

/** How a program uses the exchange. */
export const USES = {
  reused: 'ids and integers, one result reused',
  results: 'ids and integers, a result for each command',
  text: 'names and decimal text, a result for each command',
  events: 'ids and integers, a result for each command, callbacks of reports, trades and books',
} as const;
export type Use = keyof typeof USES;

const WORDS = Command.bytes / 4;
const DEPOSIT = 8e12;

/** An embedded exchange that gets the commands of the scope `core`, as calls. */
export class EmbeddedFlow {
  readonly exchange: EmbeddedExchange;
  /** Commands that were accepted, and events that callbacks saw. */
  accepted = 0;
  seen = 0;
  readonly #use: Use;
  readonly #into = new OrderResult();
  /** By id: names of accounts. */
  readonly #names: readonly string[];
  /** Of a window: prices and quantities as text. */
  readonly #prices: string[] = [];
  readonly #quantities: string[] = [];
  /** By ticks and by lots. */
  readonly #priceTexts = new Map<number, string>();
  readonly #quantityTexts = new Map<number, string>();

  constructor(limits: Limits, use: Use) {
    // Names are strings like literals of a program: V8 has each of these once.
    const names = Object.keys(Object.fromEntries(Array.from({ length: CORE_ACCOUNTS + 1 }, (_, id) => [`a${id}`, id])));
    this.#names = names;
    this.#use = use;
    // The definitions of CoreFlow.
    this.exchange = createExchange({
      limits,
      assets: [
        { name: 'USD', decimals: 5 },
        { name: 'BTC', decimals: 3 },
      ],
      symbols: [{ name: 'BTC-USD', base: 'BTC', quote: 'USD', tickSize: '0.01', lotSize: '0.001', takerFeePpm: 250, makerFeePpm: 100 }],
      accounts: names.slice(1).map((name) => ({ name, deposits: { USD: DEPOSIT, BTC: DEPOSIT } })),
    });
    if (use !== 'events') return;
    const see = (): void => {
      this.seen++;
    };
    this.exchange.on('report', see);
    this.exchange.on('trade', see);
    this.exchange.on('book', see);
  }

  /** What a program has before it calls: text, if it uses that. Not measured, so neither is its garbage: text is made once for each number. */
  prepare(words: Int32Array, count: number): void {
    if (this.#use !== 'text') return;
    const units = this.exchange.units('BTC-USD');
    for (let slot = 0; slot < count; slot++) {
      const at = slot * WORDS;
      // Definitions have other values there.
      if ((words[at] & 0xff) > CommandKind.Amend) continue;
      this.#prices[slot] = textOf(this.#priceTexts, getI64(words, at + Command.price / 4), (ticks) => units.price(ticks));
      this.#quantities[slot] = textOf(this.#quantityTexts, getI64(words, at + Command.quantity / 4), (lots) => units.quantity(lots));
    }
  }

  /** The commands of orders among the first `count`. @returns milliseconds */
  run(words: Int32Array, count: number): number {
    const from = performance.now();
    if (this.#use === 'text') this.#runText(words, count);
    else this.#runNumbers(words, count);
    return performance.now() - from;
  }

  #runNumbers(words: Int32Array, count: number): void {
    const { exchange } = this;
    const reused = this.#use === 'reused' ? this.#into : undefined;
    for (let slot = 0; slot < count; slot++) {
      const at = slot * WORDS;
      const kind = words[at] & 0xff;
      const account = words[at + Command.account / 4];
      const orderId = getI64(words, at + Command.orderId / 4);
      const price = words[at + Command.price / 4];
      const quantity = words[at + Command.quantity / 4];
      let result: OrderResult;
      if (kind === CommandKind.New) {
        const side = SIDE_NAMES[(words[at] >>> 8) & 0xff];
        const timeInForce = TIME_IN_FORCE_NAMES[(words[at] >>> 16) & 0xff];
        const clientOrderId = getI64(words, at + Command.clientOrderId / 4);
        exchange.advanceTo(getI64(words, at + Command.timeUs / 4));
        result = exchange.place({ account, symbol: 1, side, price, quantity, timeInForce, clientOrderId }, reused);
      } else if (kind === CommandKind.Amend) {
        exchange.advanceTo(getI64(words, at + Command.timeUs / 4));
        result = exchange.amend({ account, orderId, price, quantity }, reused);
      } else if (kind === CommandKind.Cancel) {
        exchange.advanceTo(getI64(words, at + Command.timeUs / 4));
        result = exchange.cancel({ account, orderId }, reused);
      } else continue;
      if (result.accepted) this.accepted++;
    }
  }

  #runText(words: Int32Array, count: number): void {
    const { exchange } = this;
    for (let slot = 0; slot < count; slot++) {
      const at = slot * WORDS;
      const kind = words[at] & 0xff;
      const account = this.#names[words[at + Command.account / 4]];
      const orderId = getI64(words, at + Command.orderId / 4);
      const price = this.#prices[slot];
      const quantity = this.#quantities[slot];
      let result: OrderResult;
      if (kind === CommandKind.New) {
        const side = SIDE_NAMES[(words[at] >>> 8) & 0xff];
        const timeInForce = TIME_IN_FORCE_NAMES[(words[at] >>> 16) & 0xff];
        const clientOrderId = getI64(words, at + Command.clientOrderId / 4);
        exchange.advanceTo(getI64(words, at + Command.timeUs / 4));
        result = exchange.place({ account, symbol: 'BTC-USD', side, price, quantity, timeInForce, clientOrderId });
      } else if (kind === CommandKind.Amend) {
        exchange.advanceTo(getI64(words, at + Command.timeUs / 4));
        result = exchange.amend({ account, symbol: 'BTC-USD', orderId, price, quantity });
      } else if (kind === CommandKind.Cancel) {
        exchange.advanceTo(getI64(words, at + Command.timeUs / 4));
        result = exchange.cancel({ account, symbol: 'BTC-USD', orderId });
      } else continue;
      if (result.accepted) this.accepted++;
    }
  }
}

function textOf(texts: Map<number, string>, value: number, make: (value: number) => string): string {
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = make(value);
  texts.set(value, text);
  return text;
}
