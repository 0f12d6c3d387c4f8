import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Prng } from '../../feeds/simulator/prng.ts';
import type { ViewedOrder } from './crash-audit.ts';
import type { ExchangeProcess } from './exchange-process.ts';

const SYMBOL = 'BTC-USD';
const DAY_MS = 86_400_000;
const PAGE = 1000;
/** Auctions until the market is continuous again. */
const ATTEMPTS = 10;

type Step = readonly [path: string, body: object];

const phase = (name: string, subPhase?: string): Step => [`symbols/${SYMBOL}/phase`, { phase: name, ...(subPhase && { subPhase }) }];
const uncross: Step = [`symbols/${SYMBOL}/uncross`, {}];
const auction = (kind?: string): Step[] => [phase('auction', kind), uncross, phase('continuous')];
const onAndOff = (path: string): Step[] => [true, false].map((on) => [path, { on }] as const);

/** What an operator does on a day, in steps. */
const ACTIONS: readonly (readonly Step[])[] = [
  auction(),
  [phase('auction', 'pre-open'), ...auction('opening-auction')],
  auction('closing-auction'),
  [...auction('closing-auction').slice(0, 2), phase('closed'), ...auction('opening-auction')],
  [phase('halted'), phase('continuous')],
  onAndOff(`symbols/${SYMBOL}/kill-switch`),
  onAndOff('accounts/4/kill-switch'),
  onAndOff('kill-switch'),
  [
    ['accounts/3/suspend', { cancel: true }],
    ['accounts/3/resume', {}],
  ],
  [['accounts/2/cancel-orders', {}]],
  [[`symbols/${SYMBOL}/parameters`, { 'reference-price': '60000.05' }]],
];
/** Ends what an action left behind that the kill interrupted. */
const RESUMED: readonly Step[] = [
  ['accounts/3/resume', {}],
  ...[`symbols/${SYMBOL}/kill-switch`, 'accounts/4/kill-switch', 'kill-switch'].map((path) => [path, { on: false }] as const),
];

/** The operator of an exchange that is killed. */
export class CrashOperator {
  readonly #url: string;
  readonly #prng: Prng;

  constructor({ ports }: ExchangeProcess, prng: Prng) {
    this.#url = `http://127.0.0.1:${ports.http}/v1`;
    this.#prng = prng;
  }

  /** Sets the session of day orders, and bands that some orders leave. */
  async begin(): Promise<void> {
    const volatility = { 'dynamic-band': '0.0003%', duration: 1 };
    await this.#must(`symbols/${SYMBOL}/parameters`, { 'session-end': new Date(Date.now() + DAY_MS).toISOString(), volatility });
  }

  /** The market is continuous again, whatever came before. */
  async resume(): Promise<void> {
    for (const [path, body] of RESUMED) await this.#must(path, body);
    // What becomes live with the fills of an uncross may cross the book again.
    for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
      for (const [path, body] of auction()) await this.#post(path, body);
      if ((await this.#post(...phase('continuous'))).status === 200) return;
    }
    await this.#must(...phase('continuous'));
  }

  /** Steps of one action, within about that time. */
  async act(withinMs: number): Promise<void> {
    const steps = ACTIONS[this.#prng.below(ACTIONS.length)];
    for (const [path, body] of steps) {
      await sleep(this.#prng.below(withinMs / steps.length));
      await this.#post(path, body);
    }
  }

  async takeSnapshot(): Promise<void> {
    await this.#post('snapshot', {});
  }

  async openOrders(account: number): Promise<ViewedOrder[]> {
    const all: ViewedOrder[] = [];
    for (;;) {
      const answer = await fetch(`${this.#url}/accounts/${account}/open-orders?limit=${PAGE}&after=${all.at(-1)?.orderId ?? 0}`);
      assert.equal(answer.status, 200);
      const { orders, complete } = (await answer.json()) as { orders: ViewedOrder[]; complete: boolean };
      all.push(...orders);
      if (complete) return all;
    }
  }

  /** The status; 0 if the exchange was killed meanwhile, as intended. */
  async #post(path: string, body: object): Promise<{ status: number; text: string }> {
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    try {
      const answer = await fetch(`${this.#url}/${path}`, request);
      return { status: answer.status, text: await answer.text() };
    } catch (error) {
      assert.ok(error instanceof TypeError);
      return { status: 0, text: '' };
    }
  }

  async #must(path: string, body: object): Promise<void> {
    const { status, text } = await this.#post(path, body);
    assert.equal(status, 200, `${path} ${JSON.stringify(body)}: ${text}`);
  }
}
