import { assert } from './assert.ts';

/** Capacities, fixed when the engine starts. All are counts. */
export interface Limits {
  /** Resting orders of the shard. */
  readonly orders: number;
  /** Ladder pages of 64 ticks, shared by all books. */
  readonly pages: number;
  /** Account ids are below it. */
  readonly accounts: number;
  /** Asset ids are below it. */
  readonly assets: number;
  /** Symbol ids are below it. */
  readonly symbols: number;
  /** Finished orders whose client order ids are remembered; see ClientOrderIds. */
  readonly rememberedOrders: number;
  /** Slots, powers of two. */
  readonly commandRing: number;
  readonly reportRing: number;
  readonly marketRing: number;
}

export const DEFAULT_LIMITS: Limits = {
  orders: 2 ** 20,
  pages: 2 ** 15,
  accounts: 2 ** 14,
  assets: 32,
  symbols: 1024,
  rememberedOrders: 2 ** 20,
  commandRing: 2 ** 14,
  reportRing: 2 ** 16,
  marketRing: 2 ** 16,
};

/** Fills in defaults and proves the relations that the engine counts on. @throws InvariantError naming the broken one */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  for (const [name, value] of Object.entries(limits)) {
    assert(Number.isSafeInteger(value) && value >= 2, `limits.${name} is a whole number from 2`);
  }
  assert(limits.orders <= 2 ** 24, 'limits.orders is at most 2^24');
  assert(limits.accounts <= 2 ** 22, 'limits.accounts is at most 2^22');
  assert(limits.symbols <= 2 ** 16, 'limits.symbols is at most 2^16');
  assert(limits.accounts * limits.assets <= 2 ** 26, 'limits: accounts x assets is at most 2^26');
  assert(limits.reportRing >= 2 * limits.commandRing, 'limits: the report ring holds at least two reports a command slot');
  return limits;
}
