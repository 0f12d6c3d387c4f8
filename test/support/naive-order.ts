import type { CommandFields } from '../../engine/machine/command.ts';
import { Instruction, TimeInForce } from '../../engine/wire/layout.ts';
import type { LongCommandFields } from './exchange-fixture.ts';
import type { FeeAccount } from './naive-fees.ts';
import type { NaiveIceberg } from './naive-icebergs.ts';
import type { NaivePeg } from './naive-pegs.ts';
import type { NaiveStop } from './naive-stops.ts';
import type { NaiveTrail } from './naive-trails.ts';

export interface NaiveOrder {
  /** At the open or at the close, outside the book. */
  waits?: boolean;
  /** Of a stop, as long as it waits. */
  stop?: NaiveStop['stop'];
  link?: { partner: NaiveOrder; kind: number };
  /** Of a child: its parent and sibling while they are open, and the lots that are due. */
  family?: { parent?: NaiveOrder; sibling?: NaiveOrder; due: number };
  /** Of a parent: lots of its fills that its children got, and those that they can get in all. */
  parentOf?: { children: NaiveOrder[]; passed: number; size: number };
  unreserved?: boolean;
  iceberg?: NaiveIceberg;
  /** Of a pegged order. */
  peg?: NaivePeg;
  /** Market data shows nothing of it. */
  hidden?: boolean;
  /** Id of the arrival at its price, if it lost its place. */
  arrivalId?: number;
  /** When it came to its price; a further part does not count. */
  arrived: number;
  fees: FeeAccount;
  id: number;
  client: number;
  account: number;
  side: number;
  tif: number;
  /** Also by an instruction. */
  postOnly: boolean;
  /** It rests behind the other side instead of being rejected. */
  reprice: boolean;
  /** SelfTradeMode that it was sent with. */
  selfTrade: number;
  /** Number of the session whose end cancels it; 0 = none. */
  session: number;
  /** Time at which it expires; infinite if it does not. */
  end: number;
  tag: number;
  market: boolean;
  /** Minimum quantity that must trade at once. */
  least: number;
  price: number;
  open: number;
  filled: number;
  /** All terms that it was sent with. */
  terms: string;
}

/** The part of NaiveChildren that the others use. */
export interface Children {
  /** Whether lots of any are due. */
  readonly areDue: boolean;
  readonly waiting: readonly NaiveOrder[];
  later(o: NaiveOrder): number;
  comes(o: NaiveOrder): boolean;
  parentChanged(parent: NaiveOrder): void;
  parentEnded(parent: NaiveOrder): void;
  triggered(o: NaiveOrder): void;
  forget(o: NaiveOrder): NaiveOrder | undefined;
  settle(o: NaiveOrder): void;
  parks(o: NaiveOrder): boolean;
  cancel(o: NaiveOrder, code: number): void;
  begin(parent: NaiveOrder, children: NaiveOrder[]): void;
  run(): boolean;
  rows(lifetime: (o: NaiveOrder) => number): number[][];
}

export interface Remembered {
  account: number;
  client: number;
  orderId: number;
  code: number;
  side: number;
  tif: number;
  price: number;
  quantity: number;
  filled: number;
  terms: string;
  symbol: number;
}

export interface NaiveReport {
  kind: number;
  flags: number;
  code: number;
  account: number;
  clientOrderId: number;
  orderId: number;
  price: number;
  quantity: number;
  leaves: number;
  filled: number;
  fee: number;
  tradeId: number;
  contraOrderId: number;
  retryUs: number;
  stopPrice: number;
  trigger: number;
  reportNo: number;
}

/** An order that waits for its trigger. */
export type StopOrder = NaiveOrder & { stop: NaiveStop['stop'] };

export type NewFields = Required<Pick<CommandFields, 'account' | 'side' | 'price' | 'quantity' | 'symbol' | 'tag'>> & {
  clientOrderId: number;
  timeInForce: number;
  extension?: LongCommandFields['extension'];
  session?: number;
};

export function termsOf({ symbol, side, timeInForce, price, quantity, extension }: NewFields): string {
  return JSON.stringify([symbol, side, timeInForce, price, quantity, extension]);
}

export function trailOf({ price, extension }: NewFields): NaiveTrail {
  const { stopPrice = 0, minQuantity = 0, instructions = 0 } = extension ?? {};
  const offset = (instructions & Instruction.TrailPpm) !== 0 ? -minQuantity : minQuantity;
  return { offset, distance: price, activation: stopPrice, extreme: 0, instructions };
}

export interface Amend {
  orderId: number;
  clientOrderId: number;
  account: number;
  symbol: number;
  price: number;
  quantity: number;
  extension?: LongCommandFields['extension'];
}

export const RESTING: ReadonlySet<number> = new Set([
  TimeInForce.GoodTillCancel,
  TimeInForce.PostOnly,
  TimeInForce.Day,
  TimeInForce.GoodTillDate,
]);
