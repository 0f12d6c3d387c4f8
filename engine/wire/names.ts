/**
 * The text of each wire value, by value: one list per enum, for JSON, the
 * client, the command line, configuration and the admin interface. The lists do
 * not contain values of a newer openbell; each reader handles unknown values.
 */
export const SIDE_NAMES = ['buy', 'sell'] as const;
export type SideName = (typeof SIDE_NAMES)[number];

export const TIME_IN_FORCE_NAMES = ['gtc', 'ioc', 'fok', 'market', 'post-only', 'day', 'gtd', 'at-the-open', 'at-the-close'] as const;
export type TimeInForceName = (typeof TIME_IN_FORCE_NAMES)[number];

export const ORDER_TYPE_NAMES = ['limit', 'market', 'stop', 'stop-limit', 'trailing-stop', 'trailing-stop-limit'] as const;
/** The order types of this release. */
export type OrderTypeName = (typeof ORDER_TYPE_NAMES)[number];

/** By Trigger: the price that triggers a stop. */
export const TRIGGER_NAMES = ['last', 'reference'] as const;
export type TriggerName = (typeof TRIGGER_NAMES)[number];

export const PHASE_NAMES = ['halted', 'continuous', 'auction', 'closed'] as const;
export type PhaseName = (typeof PHASE_NAMES)[number];

export const SUB_PHASE_NAMES = ['none', 'pre-open', 'opening-auction', 'closing-auction', 'volatility-auction', 'limit-state'] as const;
/** The sub-phases except None. */
export type SubPhaseName = Exclude<(typeof SUB_PHASE_NAMES)[number], 'none'>;

/** Undefined for None, and for one of a newer openbell. */
export function subPhaseName(subPhase: number): SubPhaseName | undefined {
  return subPhase === 0 ? undefined : (SUB_PHASE_NAMES[subPhase] as SubPhaseName | undefined);
}

export const REPORT_KIND_NAMES = [
  'none',
  'accepted',
  'rejected',
  'fill',
  'cancelled',
  'amended',
  'cancel-rejected',
  'amend-rejected',
  'triggered',
  'mass-cancelled',
  'cancel-after-set',
  'stop-price-changed',
] as const;
export type ReportKindName = (typeof REPORT_KIND_NAMES)[number];

/** Order-entry commands only; {@link commandKindName} covers the others. */
export const COMMAND_KIND_NAMES = ['other', 'new', 'cancel', 'amend', 'other', 'mass-cancel', 'quote', 'cancel-after'] as const;
export type CommandKindName = (typeof COMMAND_KIND_NAMES)[number];

export const ORDER_ACTION_NAMES = ['add', 'change', 'remove'] as const;
export type OrderActionName = (typeof ORDER_ACTION_NAMES)[number];

export const FRAME_KIND_NAMES = [
  'none',
  'snapshot',
  'delta',
  'heartbeat',
  'subscribed',
  'unsubscribed',
  'refused',
  'pong',
  'time',
] as const;
export type FrameKindName = (typeof FRAME_KIND_NAMES)[number];

export const MARKET_OP_NAMES = ['none', 'subscribe', 'unsubscribe', 'resnapshot', 'ping', 'time'] as const;

/** By SelfTradeMode. */
export const SELF_TRADE_NAMES = ['default', 'none', 'cancel-newest', 'cancel-oldest', 'cancel-both', 'decrement'] as const;
export type SelfTradeName = (typeof SELF_TRADE_NAMES)[number];

/** Bits of a report's `flags`; see openbell.fbs. */
export const ReportFlag = {
  /** Fill: the resting side. */
  Maker: 1,
  /** The client order id was used before, by an order with the same terms: the present state of that order, or its reject. */
  Duplicate: 2,
  /** Amend: the order kept its priority. */
  KeptPriority: 4,
  /** Traded in an auction. */
  Auction: 8,
  /** Traded in an auction with an order of the same account or group. */
  SelfTrade: 16,
  /** Accepted, amended, cancelled: a pegged order, whose price is its present one, 0 while it is parked. */
  Pegged: 32,
} as const;

/** Name of an order-entry command; `other` for an administrative or unknown command. */
export function commandKindName(kind: number): CommandKindName {
  return COMMAND_KIND_NAMES[kind] ?? 'other';
}

/** By PegKind; none for 0. */
export const PEG_NAMES = ['none', 'primary', 'market', 'midpoint'] as const;
export type PegName = Exclude<(typeof PEG_NAMES)[number], 'none'>;

/** By LinkKind. */
export const LINK_NAMES = ['none', 'oco', 'ouo', 'oto', 'bracket'] as const;
export type LinkName = (typeof LINK_NAMES)[number];
