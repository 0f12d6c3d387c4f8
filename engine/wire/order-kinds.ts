import { assert } from '../assert.ts';
import { Instruction, OrderType, Phase, TimeInForce } from './layout.ts';
import { ORDER_TYPE_NAMES } from './names.ts';
import { PEG_INSTRUCTIONS, pegKindOf } from './peg-terms.ts';

/**
 * The kinds of orders, as the matching distinguishes them. Day and GoodTillDate count as GoodTillCancel: they add an end. A stop has the kind
 * of the order that it becomes. A Command alone can express the first five, whose kind is its
 * `time_in_force`. The others need a CommandExtension. {@link orderKindOf} says which combinations of terms are legal.
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
  PostOnlyReprice: 8,
  /** At the open or at the close. */
  AuctionLimit: 9,
  AuctionMarket: 10,
  /** Follows a price; see PegKind. It never trades on arrival. */
  Pegged: 11,
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
const { GoodTillCancel, ImmediateOrCancel, FillOrKill, Day, AtTheOpen } = TimeInForce;
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
  { kind: OrderKind.PostOnlyReprice,          name: 'limit gtc post-only reprice', orderType: Limit, timeInForce: GoodTillCancel, instructions: Instruction.PostOnly | Instruction.Reprice, minQuantity: false, needsPrice: true, rests: true, phases: [Continuous] },
  { kind: OrderKind.AuctionLimit,             name: 'limit at-the-open',     orderType: Limit,  timeInForce: AtTheOpen,         instructions: 0,                    minQuantity: false, needsPrice: true,  rests: true,  phases: [Continuous, Auction] },
  { kind: OrderKind.AuctionMarket,            name: 'market at-the-open',    orderType: Market, timeInForce: AtTheOpen,         instructions: 0,                    minQuantity: false, needsPrice: false, rests: true,  phases: [Continuous, Auction] },
  { kind: OrderKind.Pegged,                   name: 'limit gtc pegged',      orderType: Limit,  timeInForce: GoodTillCancel,    instructions: Instruction.PegPrimary, minQuantity: false, needsPrice: true, rests: true,  phases: [Continuous, Auction] },
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
/** `time_in_force` of its command in the log: the short form if one exists, also of a post-only order that needs an extension. */
export const KIND_TIME_IN_FORCE = column(({ kind, timeInForce, instructions }) => {
  if (kind <= LAST_SHORT_KIND) return kind;
  return (instructions & Instruction.PostOnly) !== 0 ? TimeInForce.PostOnly : timeInForce;
});
/** New orders of this kind and those after it have checks of their own. */
export const FIRST_SPECIAL_KIND = OrderKind.PostOnlyReprice;

/** The times in force that a Command without an extension can have: up to this one. */
export const LAST_SHORT_TIME_IN_FORCE = Day;
const DAY = Day;
/** Of an order's record, beside the time in force: the order is post-only, and its time in force does not say so. */
export const POST_ONLY_BIT = 0x80;
/** The same bit of an order at the open or at the close: it is a market order. */
export const AUCTION_MARKET_BIT = POST_ONLY_BIT;
/** Position of the SelfTradeMode beside the time in force, and the bits that it has there. */
export const SELF_TRADE_SHIFT = 4;
const SELF_TRADE_MASK = 7;
/** Of an order, above these bits: it displays a part of its quantity at a time. */
export const ICEBERG_BIT = 0x100;
/** It is hidden; and how far this bit is from the bit in the byte of the side of the order's record. */
export const HIDDEN_BIT = 0x200;
export const HIDDEN_TO_SIDE_BYTE = 5;
/** It is pegged. */
export const PEG_BIT = 0x400;
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

/** The kinds of open orders, by time in force and the bits beside it, as in their records. A market order of an auction has one of which no other amend than to less is accepted. */
export const RESTING_KINDS = Uint8Array.from({ length: 256 }, (_, lifetime) => {
  if (isAuctionOnly(lifetime & 15)) return (lifetime & AUCTION_MARKET_BIT) === 0 ? OrderKind.AuctionLimit : OrderKind.Market;
  return (lifetime & POST_ONLY_BIT) === 0 ? shortKindOf(lifetime & 15) : OrderKind.PostOnly;
});

/** The SelfTradeMode in the bits beside a time in force. */
export function selfTradeModeOf(lifetimeBits: number): number {
  return (lifetimeBits >> SELF_TRADE_SHIFT) & SELF_TRADE_MASK;
}

/** True if the order rests until an end that it has. */
export function expires(timeInForce: number): boolean {
  return timeInForce === DAY || timeInForce === TimeInForce.GoodTillDate;
}

/** True if the order takes part in one kind of auction only. */
export function isAuctionOnly(timeInForce: number): boolean {
  return timeInForce >= AtTheOpen;
}

/** True if the bits are those of a market order at the open or at the close. @param lifetime the time in force and the bits beside it */
export function isAuctionMarket(lifetime: number): boolean {
  return isAuctionOnly(lifetime & 15) && (lifetime & AUCTION_MARKET_BIT) !== 0;
}

/** Result of `orderKindOf` for a combination that is not legal. */
export const NO_KIND = 255;

/** True if an order of this type waits for its trigger. */
export function isStop(orderType: number): boolean {
  return orderType >= OrderType.Stop;
}

/** True if the stop price of an order of this type follows the trigger price. */
export function isTrailing(orderType: number): boolean {
  return orderType >= OrderType.TrailingStop;
}

/** The highest offset in parts per million. */
export const MAX_TRAIL_PPM = 999_999;

/** The kind of a market order by its time in force. A stop that becomes one may have any. */
export function marketKindOf(timeInForce: number): number {
  return timeInForce === FillOrKill ? OrderKind.MarketFillOrKill : OrderKind.Market;
}

const TIME_IN_FORCE_WORDS = ['gtc', 'ioc', 'fok', 'market', 'post-only', 'day', 'gtd', 'at-the-open', 'at-the-close'] as const;
/** The terms of an order. */
export const TERMS = [
  ...ORDER_TYPE_NAMES,
  'gtc',
  'day',
  'gtd',
  'ioc',
  'fok',
  'at-the-open',
  'at-the-close',
  'post-only',
  'reprice',
  'min-quantity',
  'iceberg',
  'hidden',
  'trigger-now',
  'trail-ppm',
  'report-trail',
  'pegged',
  'linked',
  'parent',
  'child',
] as const;
assert(TERMS.length <= 32, 'a term is a bit of an int32');
export type Term = (typeof TERMS)[number];
/** What an order is in its list; empty = it is in none. */
export type LinkTerm = '' | 'linked' | 'parent' | 'child';

/** Which terms exclude which: a combination is legal if none of its pairs is here. docs/ORDER-ENTRY.md has the table. */
export const EXCLUDES: readonly (readonly [Term, readonly Term[]])[] = [
  ['limit', ['trigger-now', 'trail-ppm', 'report-trail']],
  ['market', ['gtc', 'day', 'gtd', 'post-only', 'reprice', 'iceberg', 'hidden', 'trigger-now', 'trail-ppm', 'report-trail']],
  ['stop', ['at-the-open', 'at-the-close', 'post-only', 'reprice', 'min-quantity', 'iceberg', 'hidden', 'trail-ppm', 'report-trail']],
  ['stop-limit', ['at-the-open', 'at-the-close', 'min-quantity', 'trail-ppm', 'report-trail']],
  ['trailing-stop', ['at-the-open', 'at-the-close', 'post-only', 'reprice', 'min-quantity', 'iceberg', 'hidden', 'trigger-now']],
  ['trailing-stop-limit', ['at-the-open', 'at-the-close', 'min-quantity', 'trigger-now']],
  ['gtc', ['min-quantity']],
  ['day', ['min-quantity']],
  ['gtd', ['min-quantity']],
  ['ioc', ['post-only', 'reprice', 'iceberg', 'hidden']],
  ['fok', ['post-only', 'reprice', 'min-quantity', 'iceberg', 'hidden']],
  ['at-the-open', ['post-only', 'reprice', 'min-quantity', 'iceberg', 'hidden', 'trigger-now', 'trail-ppm', 'report-trail']],
  ['at-the-close', ['post-only', 'reprice', 'min-quantity', 'iceberg', 'hidden', 'trigger-now', 'trail-ppm', 'report-trail']],
  ['post-only', ['min-quantity']],
  ['reprice', ['min-quantity', 'hidden']],
  ['min-quantity', ['iceberg', 'hidden', 'report-trail']],
  ['iceberg', ['hidden']],
  ['trigger-now', ['report-trail']],
  [
    'pegged',
    [
      'market',
      'stop',
      'stop-limit',
      'trailing-stop',
      'trailing-stop-limit',
      'ioc',
      'fok',
      'at-the-open',
      'at-the-close',
      'reprice',
      'min-quantity',
      'iceberg',
      'hidden',
      'trigger-now',
      'trail-ppm',
      'report-trail',
    ],
  ],
  [
    'linked',
    ['parent', 'child', 'market', 'ioc', 'fok', 'at-the-open', 'at-the-close', 'reprice', 'min-quantity', 'trigger-now', 'pegged'],
  ],
  ['parent', ['child', 'at-the-open', 'at-the-close', 'pegged']],
  ['child', ['market', 'ioc', 'fok', 'min-quantity', 'at-the-open', 'at-the-close', 'reprice', 'trigger-now', 'pegged']],
];

/** A bit for each term. */
const TERM_BITS = Object.fromEntries(TERMS.map((term, i) => [term, 1 << i])) as Record<Term, number>;
/** The bits of what a term excludes. Every thread fills the tables below when it starts, so that look-ups must be fast. */
const EXCLUDED = Object.fromEntries(TERMS.map((term) => [term, 0])) as Record<Term, number>;
for (const [term, others] of EXCLUDES) {
  for (const other of others) {
    EXCLUDED[term] |= TERM_BITS[other];
    EXCLUDED[other] |= TERM_BITS[term];
  }
}

/** True if an order can have both terms. */
export function canCombine(one: Term, other: Term): boolean {
  return (EXCLUDED[one] & TERM_BITS[other]) === 0;
}

/** The order types of this release are below it, and its instruction bits. */
export const ORDER_TYPES = OrderType.TrailingStopLimit + 1;
const OF_KIND = Instruction.PostOnly | Instruction.Reprice | Instruction.Hidden | Instruction.TriggerNow | Instruction.TrailPpm;
export const INSTRUCTIONS = OF_KIND | Instruction.ReportTrail | PEG_INSTRUCTIONS;
const INSTRUCTION_BITS = 5;
const TIME_IN_FORCE_BITS = 4;

const kinds = new Uint8Array(ORDER_TYPES << (TIME_IN_FORCE_BITS + 1 + INSTRUCTION_BITS)).fill(NO_KIND);
/** 1: the combination of `kinds` may have a displayed quantity. */
const displays = new Uint8Array(kinds.length);
for (let orderType = 0; orderType < ORDER_TYPES; orderType++) {
  for (const timeInForce of Object.values(TimeInForce)) {
    for (let instructions = 0; instructions <= OF_KIND; instructions++) {
      if ((instructions & ~OF_KIND) !== 0) continue;
      for (const minQuantity of [false, true]) {
        if (illegalPair(orderType, timeInForce, instructions, minQuantity) !== '') continue;
        const index = indexOf(orderType, timeInForce, instructions, minQuantity);
        kinds[index] = kindOf(orderType, timeInForce, instructions, minQuantity);
        displays[index] = Number(illegalPair(orderType, timeInForce, instructions, minQuantity, true) === '');
      }
    }
  }
}

/**
 * The kind of an order with an extension, or NO_KIND. The kind of a stop is that of the order that it becomes.
 *
 * @param orderType below {@link ORDER_TYPES}
 * @param timeInForce any of the enum; short forms are expanded
 * @param instructions of the bits {@link INSTRUCTIONS}
 */
export function orderKindOf(
  orderType: number,
  timeInForce: number,
  instructions: number,
  hasMinQuantity: boolean,
  hasDisplayed = false,
): number {
  if ((instructions & PEG_INSTRUCTIONS) !== 0)
    return canPeg(orderType, timeInForce, instructions) && !hasMinQuantity && !hasDisplayed ? OrderKind.Pegged : NO_KIND;
  if ((instructions & Instruction.ReportTrail) !== 0 && !isTrailing(orderType)) return NO_KIND;
  const index = indexOf(orderType, timeInForce, instructions & OF_KIND, hasMinQuantity);
  return hasDisplayed && displays[index] === 0 ? NO_KIND : kinds[index];
}

const LINK_TERMS: readonly LinkTerm[] = ['linked', 'parent', 'child'];
/** By all terms: whether such an order can be in a list. Filled when a combination comes first. */
const linkable = new Map<number, boolean>();

/** True if a legal order with these terms can be in a list. @param link what it is in it @param orderType @param timeInForce @param instructions as of {@link orderKindOf} */
export function canLink(
  orderType: number,
  timeInForce: number,
  instructions: number,
  hasMinQuantity: boolean,
  hasDisplayed: boolean,
  link: LinkTerm,
): boolean {
  const terms =
    (LINK_TERMS.indexOf(link) << 24) |
    (((instructions << TIME_IN_FORCE_BITS) | timeInForce) << 5) |
    (orderType << 2) |
    (Number(hasMinQuantity) << 1) |
    Number(hasDisplayed);
  let can = linkable.get(terms);
  if (can === undefined) {
    can = illegalPair(orderType, timeInForce, instructions, hasMinQuantity, hasDisplayed, link) === '';
    linkable.set(terms, can);
  }
  return can;
}

/** Whether a pegged order can have these terms. */
function canPeg(orderType: number, timeInForce: number, instructions: number): boolean {
  if (orderType !== Limit || pegKindOf(instructions) === 0) return false;
  const rests = timeInForce === GoodTillCancel || timeInForce === TimeInForce.PostOnly || expires(timeInForce);
  return rests && (instructions & ~(PEG_INSTRUCTIONS | Instruction.PostOnly)) === 0;
}

/** Whether the field of the minimum quantity has the offset of such an order. */
export function hasOffset(orderType: number, instructions: number): boolean {
  return isTrailing(orderType) || (instructions & PEG_INSTRUCTIONS) !== 0;
}

function indexOf(orderType: number, timeInForce: number, instructions: number, hasMinQuantity: boolean): number {
  return (((orderType << TIME_IN_FORCE_BITS) | timeInForce) << (INSTRUCTION_BITS + 1)) | (instructions << 1) | Number(hasMinQuantity);
}

function kindOf(orderType: number, timeInForce: number, instructions: number, minQuantity: boolean): number {
  const plain = withoutShortForms(timeInForce, instructions);
  const market = orderType === Market || orderType === OrderType.Stop || orderType === OrderType.TrailingStop;
  if (isAuctionOnly(timeInForce)) return market ? OrderKind.AuctionMarket : OrderKind.AuctionLimit;
  if (minQuantity) return market ? OrderKind.MarketMinimum : OrderKind.ImmediateOrCancelMinimum;
  if (market) return marketKindOf(plain.timeInForce);
  if ((plain.instructions & Instruction.Reprice) !== 0) return OrderKind.PostOnlyReprice;
  if ((plain.instructions & Instruction.PostOnly) !== 0) return OrderKind.PostOnly;
  return expires(plain.timeInForce) ? OrderKind.GoodTillCancel : plain.timeInForce;
}

/** Time in force and instructions without the short forms Market and PostOnly. */
export function withoutShortForms(timeInForce: number, instructions: number): { timeInForce: number; instructions: number } {
  if (timeInForce === TimeInForce.Market) return { timeInForce: ImmediateOrCancel, instructions };
  if (timeInForce === TimeInForce.PostOnly) return { timeInForce: GoodTillCancel, instructions: instructions | Instruction.PostOnly };
  return { timeInForce, instructions };
}

/**
 * Returns two terms that exclude each other, such as `market and gtc`; empty if the combination is legal. Of several pairs, it is the
 * one with the most special terms: `gtc` and `limit` are often defaults that the user did not write. Cold.
 */
export function illegalPair(
  orderType: number,
  timeInForce: number,
  instructions: number,
  hasMinQuantity: boolean,
  hasDisplayed = false,
  link: LinkTerm = '',
): string {
  // The short form Market includes the order type, so another order type contradicts it.
  if (timeInForce === TimeInForce.Market && orderType !== Market) return `${ORDER_TYPE_NAMES[orderType]} and market`;
  const all = termsOf(orderType, timeInForce, instructions, hasMinQuantity, hasDisplayed);
  if (link !== '') all.push(link);
  // A short form is one word: the time in force that it stands for was not written.
  const written = withoutShortForms(timeInForce, instructions).timeInForce === timeInForce;
  const requested = written ? all : [all[1], all[0], ...all.slice(2)];
  for (let last = all.length - 1; last > 0; last--) {
    for (let first = last - 1; first >= 0; first--) {
      const [one, other] = [requested[first], requested[last]];
      if (!canCombine(one, other)) return `${one} and ${other}`;
    }
  }
  // It says how the order is post-only.
  if ((instructions & Instruction.Reprice) !== 0 && !all.includes('post-only')) return `${all[0]} and reprice`;
  if ((instructions & Instruction.PegTowards) !== 0 && !all.includes('pegged')) return `${all[0]} and peg-towards`;
  return '';
}

function termsOf(orderType: number, timeInForce: number, instructions: number, hasMinQuantity: boolean, hasDisplayed: boolean): Term[] {
  const plain = withoutShortForms(timeInForce, instructions);
  const terms: Term[] = [ORDER_TYPE_NAMES[orderType], TIME_IN_FORCE_WORDS[plain.timeInForce] as Term];
  if ((plain.instructions & Instruction.PostOnly) !== 0) terms.push('post-only');
  if ((plain.instructions & Instruction.Reprice) !== 0) terms.push('reprice');
  if (hasMinQuantity) terms.push('min-quantity');
  if (hasDisplayed) terms.push('iceberg');
  if ((plain.instructions & Instruction.Hidden) !== 0) terms.push('hidden');
  if ((plain.instructions & Instruction.TriggerNow) !== 0) terms.push('trigger-now');
  if ((plain.instructions & Instruction.TrailPpm) !== 0) terms.push('trail-ppm');
  if ((plain.instructions & Instruction.ReportTrail) !== 0) terms.push('report-trail');
  if (pegKindOf(plain.instructions) !== 0) terms.push('pegged');
  return terms;
}
