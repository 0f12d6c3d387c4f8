import { createExchange } from '../../engine/embed/create-exchange.ts';
import type { EmbeddedExchange } from '../../engine/embed/embedded-exchange.ts';
import { OrderResult } from '../../engine/embed/order-result.ts';
import type { Limits } from '../../engine/limits.ts';
import { CommandKind } from '../../engine/wire/layout.ts';
import { SIDE_NAMES, TIME_IN_FORCE_NAMES } from '../../engine/wire/names.ts';
import { CORE_ACCOUNTS } from '../core/core-flow.ts';
import type { OrderInputs } from './order-inputs.ts';

/** How a program uses the exchange. */
export const USES = {
  reused: 'ids and integers, one result reused',
  results: 'ids and integers, a result for each command',
  text: 'names and decimal text, a result for each command',
  events: 'ids and integers, a result for each command, callbacks of reports, trades and books',
} as const;
export type Use = keyof typeof USES;

const DEPOSIT = 8e12;

/** An embedded exchange that gets the orders of the scope `core` as calls. */
export class EmbeddedFlow {
  readonly exchange: EmbeddedExchange;
  /** Commands that were accepted, and events that callbacks saw. */
  accepted = 0;
  seen = 0;
  readonly #use: Use;
  readonly #into = new OrderResult();
  /** By id: names of accounts. */
  readonly #names: readonly string[];
  /** By place in the inputs: prices and quantities as text. */
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
  prepare(inputs: OrderInputs): void {
    if (this.#use !== 'text') return;
    const units = this.exchange.units('BTC-USD');
    for (let i = 0; i < inputs.count; i++) {
      this.#prices[i] = textOf(this.#priceTexts, inputs.price[i], (ticks) => units.price(ticks));
      this.#quantities[i] = textOf(this.#quantityTexts, inputs.quantity[i], (lots) => units.quantity(lots));
    }
  }

  /** @returns milliseconds */
  run(inputs: OrderInputs): number {
    const from = performance.now();
    if (this.#use === 'text') this.#runText(inputs);
    else this.#runNumbers(inputs);
    return performance.now() - from;
  }

  #runNumbers(inputs: OrderInputs): void {
    const { exchange } = this;
    const reused = this.#use === 'reused' ? this.#into : undefined;
    for (let i = 0; i < inputs.count; i++) {
      const kind = inputs.kind[i];
      const account = inputs.account[i];
      const orderId = inputs.orderId[i];
      const price = inputs.price[i];
      const quantity = inputs.quantity[i];
      let result: OrderResult;
      exchange.advanceTo(inputs.timeUs[i]);
      if (kind === CommandKind.New) {
        const side = SIDE_NAMES[inputs.side[i]];
        const timeInForce = TIME_IN_FORCE_NAMES[inputs.timeInForce[i]];
        const clientOrderId = inputs.clientOrderId[i];
        result = exchange.place({ account, symbol: 1, side, price, quantity, timeInForce, clientOrderId }, reused);
      } else if (kind === CommandKind.Amend) result = exchange.amend({ account, orderId, price, quantity }, reused);
      else result = exchange.cancel({ account, orderId }, reused);
      if (result.accepted) this.accepted++;
    }
  }

  #runText(inputs: OrderInputs): void {
    const { exchange } = this;
    for (let i = 0; i < inputs.count; i++) {
      const kind = inputs.kind[i];
      const account = this.#names[inputs.account[i]];
      const orderId = inputs.orderId[i];
      const price = this.#prices[i];
      const quantity = this.#quantities[i];
      let result: OrderResult;
      exchange.advanceTo(inputs.timeUs[i]);
      if (kind === CommandKind.New) {
        const side = SIDE_NAMES[inputs.side[i]];
        const timeInForce = TIME_IN_FORCE_NAMES[inputs.timeInForce[i]];
        const clientOrderId = inputs.clientOrderId[i];
        result = exchange.place({ account, symbol: 'BTC-USD', side, price, quantity, timeInForce, clientOrderId });
      } else if (kind === CommandKind.Amend) result = exchange.amend({ account, symbol: 'BTC-USD', orderId, price, quantity });
      else result = exchange.cancel({ account, symbol: 'BTC-USD', orderId });
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
