import { assert } from '../assert.ts';
import { Instruction, OrderType, Phase, TimeInForce } from './layout.ts';

/**
 * The kinds of orders: the legal combinations of order type, time in force and
 * terms. Day and GoodTillDate count as GoodTillCancel: they add an end. A Command alone can express the first five, whose kind is its
 * `time_in_force`. The others need a CommandExtension.
 */
export const OrderKind = {
  GoodTillCancel: TimeInForce.GoodTillCancel,
  ImmediateOrCancel: TimeInForce.ImmediateOrCancel,
  FillOrKill: TimeInForce.FillOrKill,
  Market: TimeInForce.Market,
  PostOnly: TimeInForce.PostOnly,
  MarketFillOrKill: 5,
  ImmediateOrCancelMinimum: 6,
  MarketMinimum: 7,
} as const;
export type OrderKind = (typeof OrderKind)[keyof typeof OrderKind];

/** The last kind that does not need an extension. */
export const LAST_SHORT_KIND = OrderKind.PostOnly;

/** One kind of order. */
export interface OrderKindRow {
  readonly kind: OrderKind;
  /** Name in documentation and messages. */
  readonly name: string;
  readonly orderType: OrderType;
  /** GoodTillCancel, ImmediateOrCancel or FillOrKill: the short forms are a kind's name, not its time in force. */
  readonly timeInForce: TimeInForce;
  /** Instruction bits. */
  readonly instructions: number;
  /** True if it has a minimum quantity. */
  readonly minQuantity: boolean;
  /** True if it has a limit price. Otherwise its price must be 0. */
  readonly needsPrice: boolean;
  /** True if the remainder rests after the match. Otherwise it is cancelled. */
  readonly rests: boolean;
  /** Phases in which it is accepted. Halted and Closed accept none. */
  readonly phases: readonly Phase[];
}

const { Limit, Market } = OrderType;
const { GoodTillCancel, ImmediateOrCancel, FillOrKill, Day, GoodTillDate } = TimeInForce;
const { Continuous, Auction } = Phase;

/** Row `k` is kind `k`. Wire check, checks before the book, client and documentation use this table. */
// biome-ignore format: a table
export const ORDER_KINDS: readonly OrderKindRow[] = [
  { kind: OrderKind.GoodTillCancel,           name: 'limit gtc',             orderType: Limit,  timeInForce: GoodTillCancel,    instructions: 0,                    minQuantity: false, needsPrice: true,  rests: true,  phases: [Continuous, Auction] },
  { kind: OrderKind.ImmediateOrCancel,        name: 'limit ioc',             orderType: Limit,  timeInForce: ImmediateOrCancel, instructions: 0,                    minQuantity: false, needsPrice: true,  rests: false, phases: [Continuous] },
  { kind: OrderKind.FillOrKill,               name: 'limit fok',             orderType: Limit,  timeInForce: FillOrKill,        instructions: 0,                    minQuantity: false, needsPrice: true,  rests: false, phases: [Continuous] },
  { kind: OrderKind.Market,                   name: 'market ioc',            orderType: Market, timeInForce: ImmediateOrCancel, instructions: 0,                    minQuantity: false, needsPrice: false, rests: false, phases: [Continuous] },
  { kind: OrderKind.PostOnly,                 name: 'limit gtc post-only',   orderType: Limit,  timeInForce: GoodTillCancel,    instructions: Instruction.PostOnly, minQuantity: false, needsPrice: true,  rests: true,  phases: [Continuous] },
  { kind: OrderKind.MarketFillOrKill,         name: 'market fok',            orderType: Market, timeInForce: FillOrKill,        instructions: 0,                    minQuantity: false, needsPrice: false, rests: false, phases: [Continuous] },
  { kind: OrderKind.ImmediateOrCancelMinimum, name: 'limit ioc min-quantity',  orderType: Limit,  timeInForce: ImmediateOrCancel, instructions: 0,                    minQuantity: true,  needsPrice: true,  rests: false, phases: [Continuous] },
  { kind: OrderKind.MarketMinimum,            name: 'market ioc min-quantity', orderType: Market, timeInForce: ImmediateOrCancel, instructions: 0,                    minQuantity: true,  needsPrice: false, rests: false, phases: [Continuous] },
];
for (const [i, { kind }] of ORDER_KINDS.entries()) assert(kind === i, 'a row of ORDER_KINDS stands at its kind');

function column(value: (row: OrderKindRow) => number | boolean): Uint8Array {
  return Uint8Array.from(ORDER_KINDS, (row) => Number(value(row)));
}

// The table for the hot path: one column per property, indexed by OrderKind.
/** 1: has a limit price. 0: its price is 0. */
export const KIND_NEEDS_PRICE = column(({ needsPrice }) => needsPrice);
/** 1: the remainder rests after the match. */
export const KIND_RESTS = column(({ rests }) => rests);
/** Bit `1 << Phase` for each phase in which it is accepted. */
export const KIND_PHASES = column(({ phases }) => phases.reduce<number>((bits, phase) => bits | (1 << phase), 0));
/** 1: accepted in an auction. */
export const KIND_AUCTION = column(({ phases }) => phases.includes(Auction));
/** 1: trades immediately in full, or not at all. */
export const KIND_FILL_OR_KILL = column(({ timeInForce }) => timeInForce === FillOrKill);
/** 1: rejected if it would trade on arrival. */
export const KIND_POST_ONLY = column(({ instructions }) => (instructions & Instruction.PostOnly) !== 0);
/** 1: has a minimum quantity, in its extension. */
export const KIND_MIN_QUANTITY = column(({ minQuantity }) => minQuantity);
/** `order_type` of its extension. */
export const KIND_ORDER_TYPE = column(({ orderType }) => orderType);
/** Instruction bits of its extension. */
export const KIND_INSTRUCTIONS = column(({ instructions }) => instructions);
/** `time_in_force` of its command in the log: the short form if one exists. */
export const KIND_TIME_IN_FORCE = column(({ kind, timeInForce }) => (kind <= LAST_SHORT_KIND ? kind : timeInForce));

/** The times in force that a Command without an extension can have: up to this one. */
export const LAST_SHORT_TIME_IN_FORCE = Day;
const DAY = Day;
/** Of an order's record, beside the time in force: the order is post-only, and its time in force does not say so. */
export const POST_ONLY_BIT = 0x80;
/** Position of the SelfTradeMode beside the time in force, and the bits that it has there. */
export const SELF_TRADE_SHIFT = 4;
const SELF_TRADE_MASK = 7;
/** All bits beside the time in force. */
export const LIFETIME_BITS = 0xf0;

/** The kind of an order without an extension. A limit order until the end of the session, or until a time, is treated as one until it is cancelled. */
export function shortKindOf(timeInForce: number): number {
  return timeInForce < DAY ? timeInForce : 0;
}

/** True if a Command alone can express an order of this kind and time in force. */
export function isShort(kind: number, timeInForce: number): boolean {
  return expires(timeInForce) ? timeInForce === DAY && kind === OrderKind.GoodTillCancel : kind <= LAST_SHORT_KIND;
}

/** The kinds of resting orders, by time in force and the bits beside it, as in their records. */
export const RESTING_KINDS = Uint8Array.from({ length: 256 }, (_, lifetime) =>
  (lifetime & POST_ONLY_BIT) === 0 ? shortKindOf(lifetime & 15) : OrderKind.PostOnly,
);

/** The SelfTradeMode in the bits beside a time in force. */
export function selfTradeModeOf(lifetimeBits: number): number {
  return (lifetimeBits >> SELF_TRADE_SHIFT) & SELF_TRADE_MASK;
}

/** True if the order rests until an end that it has. */
export function expires(timeInForce: number): boolean {
  return timeInForce >= DAY;
}

/** Result of `orderKindOf` for a combination without a row. */
export const NO_KIND = 255;

const kinds = new Uint8Array(128).fill(NO_KIND);
for (const orderType of [Limit, Market]) {
  for (const timeInForce of Object.values(TimeInForce)) {
    for (const instructions of [0, Instruction.PostOnly]) {
      for (const minQuantity of [false, true]) {
        const kind = kindInTable(orderType, timeInForce, instructions, minQuantity);
        if (kind !== undefined) kinds[indexOf(orderType, timeInForce, instructions, minQuantity)] = kind;
      }
    }
  }
}

/**
 * The kind of an order with an extension, or NO_KIND.
 *
 * @param orderType Limit or Market
 * @param timeInForce any of the enum; short forms are expanded
 * @param instructions bits of `Instruction`
 */
export function orderKindOf(orderType: number, timeInForce: number, instructions: number, hasMinQuantity: boolean): number {
  return kinds[indexOf(orderType, timeInForce, instructions, hasMinQuantity)];
}

function indexOf(orderType: number, timeInForce: number, instructions: number, hasMinQuantity: boolean): number {
  return (orderType << 6) | (timeInForce << 2) | (instructions << 1) | Number(hasMinQuantity);
}

function kindInTable(orderType: OrderType, timeInForce: TimeInForce, instructions: number, minQuantity: boolean): OrderKind | undefined {
  // The short form Market includes the order type, so another order type contradicts it.
  if (timeInForce === TimeInForce.Market && orderType !== Market) return undefined;
  const terms = withoutShortForms(timeInForce, instructions);
  const lifetime = expires(terms.timeInForce) ? GoodTillCancel : terms.timeInForce;
  return ORDER_KINDS.find(
    (row) =>
      row.orderType === orderType &&
      row.timeInForce === lifetime &&
      row.instructions === terms.instructions &&
      row.minQuantity === minQuantity,
  )?.kind;
}

function withoutShortForms(timeInForce: number, instructions: number): { timeInForce: number; instructions: number } {
  if (timeInForce === TimeInForce.Market) return { timeInForce: ImmediateOrCancel, instructions };
  if (timeInForce === TimeInForce.PostOnly) return { timeInForce: GoodTillCancel, instructions: instructions | Instruction.PostOnly };
  return { timeInForce, instructions };
}

const ORDER_TYPE_WORDS = ['limit', 'market'] as const;
const TIME_IN_FORCE_WORDS = ['gtc', 'ioc', 'fok', 'market', 'post-only', 'day', 'gtd'] as const;

/**
 * Returns two terms that exclude each other, such as `market and gtc`, for a combination without a kind. Of several pairs, it is the
 * one with the most special terms: `gtc` and `limit` are often defaults that the user did not write. Cold.
 */
export function illegalPair(orderType: number, timeInForce: number, instructions: number, hasMinQuantity: boolean): string {
  if (timeInForce === TimeInForce.Market && orderType !== Market) return 'limit and market';
  const all = termsOf(orderType, timeInForce, instructions, hasMinQuantity);
  // A short form is one word: the time in force that it stands for was not written.
  const written = withoutShortForms(timeInForce, instructions).timeInForce === timeInForce;
  const requested = written ? all : all.filter((_, index) => index !== 1);
  const legal = ORDER_KINDS.flatMap((row) => {
    const lifetimes = row.timeInForce === GoodTillCancel ? [GoodTillCancel, Day, GoodTillDate] : [row.timeInForce];
    return lifetimes.map((lifetime) => termsOf(row.orderType, lifetime, row.instructions, row.minQuantity));
  });
  for (let last = requested.length - 1; last > 0; last--) {
    for (let first = last - 1; first >= 0; first--) {
      const [one, other] = [requested[first], requested[last]];
      if (!legal.some((terms) => terms.includes(one) && terms.includes(other))) return `${one} and ${other}`;
    }
  }
  return requested.join(', ');
}

function termsOf(orderType: number, timeInForce: number, instructions: number, hasMinQuantity: boolean): string[] {
  const plain = withoutShortForms(timeInForce, instructions);
  const terms: string[] = [ORDER_TYPE_WORDS[orderType], TIME_IN_FORCE_WORDS[plain.timeInForce]];
  if ((plain.instructions & Instruction.PostOnly) !== 0) terms.push('post-only');
  if (hasMinQuantity) terms.push('min-quantity');
  return terms;
}
