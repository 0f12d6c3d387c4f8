import { assert } from './assert.ts';

/** Version of the rules of this build. Logs of versions 1 (before rules were logged) and 2 are replayed under the rules in force when they were written. */
export const RULES = 7;

/** Capacities that can affect the outcome of a command. They are logged and never decrease; see docs/JOURNAL.md. */
export const CAPACITIES = ['orders', 'pages', 'accounts', 'assets', 'symbols', 'rememberedOrders', 'rememberedKeys'] as const;
export type Capacities = { -readonly [Name in (typeof CAPACITIES)[number]]: number };

/**
 * The most that one account may have of a capacity, so that it cannot use up
 * what all share. They apply from rules 3 on. They are logged like
 * capacities, but may be lowered: an account that has more keeps it, and gets no more.
 */
export const SHARES = ['ordersPerAccount', 'pagesPerAccount', 'rememberedOrdersPerAccount', 'rememberedKeysPerAccount'] as const;
export type ShareName = (typeof SHARES)[number];
export type Shares = { -readonly [Name in ShareName]: number };
/** The capacity that each share is of. */
export const SHARED_CAPACITY = {
  ordersPerAccount: 'orders',
  pagesPerAccount: 'pages',
  rememberedOrdersPerAccount: 'rememberedOrders',
  rememberedKeysPerAccount: 'rememberedKeys',
} as const satisfies Record<ShareName, (typeof CAPACITIES)[number]>;
/** A share has 21 bits in the log. */
export const LARGEST_SHARE = 2 ** 21 - 1;
const SHARE_DIVISOR = 8;
const SMALLEST_DEFAULT_SHARE = 4096;

/** The share if none is configured: an eighth of the capacity, but at least 4,096, or all of a smaller capacity. */
export function defaultShare(capacity: number): number {
  return Math.min(capacity, Math.max(Math.floor(capacity / SHARE_DIVISOR), SMALLEST_DEFAULT_SHARE), LARGEST_SHARE);
}

/** Sizes of the engine's memory, fixed when the engine starts. All are counts. */
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
  /** Deposits and withdrawals whose idempotency keys are remembered. */
  readonly rememberedKeys: number;
  /** Shares of one account; see {@link SHARES}. */
  readonly ordersPerAccount: number;
  readonly pagesPerAccount: number;
  readonly rememberedOrdersPerAccount: number;
  readonly rememberedKeysPerAccount: number;
  /** Slots, powers of two. */
  readonly commandRing: number;
  readonly reportRing: number;
  readonly marketRing: number;
}

export const DEFAULT_LIMITS: Omit<Limits, ShareName> = {
  orders: 2 ** 20,
  pages: 2 ** 15,
  accounts: 2 ** 14,
  assets: 32,
  symbols: 1024,
  rememberedOrders: 2 ** 20,
  rememberedKeys: 2 ** 16,
  commandRing: 2 ** 14,
  reportRing: 2 ** 16,
  marketRing: 2 ** 16,
};

/** Fills in defaults and checks the relations between limits that the engine relies on. @throws InvariantError that names the broken relation */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  const sizes = { ...DEFAULT_LIMITS, ...given };
  const shares = Object.fromEntries(SHARES.map((name) => [name, given[name] ?? defaultShare(sizes[SHARED_CAPACITY[name]])])) as Shares;
  const limits: Limits = { ...sizes, ...shares };
  for (const [name, value] of Object.entries(limits)) {
    const least = name in shares ? 1 : 2;
    assert(Number.isSafeInteger(value) && value >= least, `limits.${name} is a whole number from ${least}`);
  }
  for (const name of SHARES) assert(limits[name] <= LARGEST_SHARE, `limits.${name} is at most ${LARGEST_SHARE}`);
  assert(limits.orders <= 2 ** 24, 'limits.orders is at most 2^24');
  assert(limits.accounts <= 2 ** 22, 'limits.accounts is at most 2^22');
  assert(limits.symbols <= 2 ** 16, 'limits.symbols is at most 2^16');
  assert(
    limits.rememberedOrders <= 2 ** 27 && limits.rememberedKeys <= 2 ** 24,
    'limits: 2^27 orders and 2^24 keys are remembered at most',
  );
  assert(limits.accounts * limits.assets <= 2 ** 26, 'limits: accounts x assets is at most 2^26');
  assert(limits.reportRing >= 2 * limits.commandRing, 'limits: the report ring holds at least two reports a command slot');
  return limits;
}

/** The capacities among the limits. */
export function capacitiesOf(limits: Limits): Capacities {
  return Object.fromEntries(CAPACITIES.map((name) => [name, limits[name]])) as Capacities;
}

/** The shares among the limits. */
export function sharesOf(limits: Limits): Shares {
  return Object.fromEntries(SHARES.map((name) => [name, limits[name]])) as Shares;
}

/** Capacities of ids count id 0, which names nothing. The configuration names the highest id. */
const OF_IDS: ReadonlySet<string> = new Set(['accounts', 'assets', 'symbols']);

/** A capacity as the configuration has it. */
export function capacityText(name: keyof Capacities, value: number): string {
  return String(OF_IDS.has(name) ? value - 1 : value);
}

/** The log needs larger capacities than this start has. Log and snapshots are unchanged. */
export class CapacityError extends Error {
  readonly code = 'CAPACITY_BELOW_LOG';
  readonly needed: Capacities;

  /** @param needed capacities in force in the log @param given capacities of this start */
  constructor(needed: Capacities, given: Limits) {
    const short = CAPACITIES.filter((name) => needed[name] > given[name]);
    const list = short.map((name) => `${name} ${capacityText(name, needed[name])} (given: ${capacityText(name, given[name])})`).join(', ');
    super(
      `The log was written with larger capacities than this start has: ${list}. ` +
        'Capacities in a log only grow, because they decided what was rejected. Log and snapshots are unchanged. Raise them to at least these values in the configuration.',
    );
    this.name = 'CapacityError';
    this.needed = needed;
  }
}

/** The log was written by a release whose rules this build does not support. Nothing was changed. */
export class NewerRulesError extends Error {
  readonly code = 'RULES_NEWER';

  constructor(rules: number, seq: number) {
    super(
      `The log was written by a newer openbell: command ${seq} puts rules ${rules} in force, and this release supports rules 1 to ${RULES}. ` +
        'Nothing was changed. Start the release that wrote it, or a newer one.',
    );
    this.name = 'NewerRulesError';
  }
}
