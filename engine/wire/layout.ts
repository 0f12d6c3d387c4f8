// Generated from openbell.fbs by generate.ts; do not edit.
// Struct objects: field -> byte offset, `bytes` = size of the struct.

export const Bbo = {
  bytes: 56,
  bidPrice: 0,
  bidQuantity: 8,
  askPrice: 16,
  askQuantity: 24,
  bidOrders: 32,
  askOrders: 36,
  seq: 40,
  timeUs: 48,
} as const;

export const CandleInterval = {
  S1: 0,
  S15: 1,
  M1: 2,
  M5: 3,
  M15: 4,
  H1: 5,
  H4: 6,
  D1: 7,
} as const;
export type CandleInterval = (typeof CandleInterval)[keyof typeof CandleInterval];

export const Candle = {
  bytes: 120,
  interval: 0,
  closed: 1,
  reserved: 2,
  uncounted: 4,
  startUs: 8,
  open: 16,
  high: 24,
  low: 32,
  close: 40,
  volume: 48,
  buyVolume: 56,
  sellVolume: 64,
  notionalLow: 72,
  notionalHigh: 80,
  trades: 88,
  firstTradeId: 96,
  lastTradeId: 104,
  seq: 112,
} as const;

export const Channel = {
  Book: 0,
  BookL3: 1,
  Bbo: 2,
  Trades: 3,
  Status: 4,
  Candles1s: 5,
  Candles15s: 6,
  Candles1m: 7,
  Candles5m: 8,
  Candles15m: 9,
  Candles1h: 10,
  Candles4h: 11,
  Candles1d: 12,
  Book5: 13,
  Book10: 14,
  Book20: 15,
  Book50: 16,
  Ticker: 17,
} as const;
export type Channel = (typeof Channel)[keyof typeof Channel];

export const CommandExtension = {
  bytes: 64,
  kind: 0,
  orderType: 1,
  selfTradeMode: 2,
  trigger: 3,
  reserved: 4,
  instructions: 8,
  link: 12,
  seq: 16,
  timeUs: 24,
  stopPrice: 32,
  displayedQuantity: 40,
  minQuantity: 48,
  expiryUs: 56,
} as const;

export const CommandFlag = {
  Extended: 1,
} as const;
export type CommandFlag = (typeof CommandFlag)[keyof typeof CommandFlag];

export const CommandKind = {
  None: 0,
  New: 1,
  Cancel: 2,
  Amend: 3,
  Extension: 4,
  MassCancel: 5,
  Quote: 6,
  CancelAfter: 7,
  DefineAsset: 16,
  DefineSymbol: 17,
  SetSymbol: 18,
  SetPhase: 19,
  Uncross: 20,
  DefineAccount: 21,
  SetAccount: 22,
  Deposit: 23,
  Withdraw: 24,
  Configure: 25,
  StateDigest: 26,
  CancelOrders: 27,
  Tick: 28,
  SetLimit: 29,
  KillSwitch: 30,
  CancelOnDisconnect: 31,
  CancelGroup: 32,
  SetFeeTier: 33,
  CancelSession: 34,
  SetReference: 35,
} as const;
export type CommandKind = (typeof CommandKind)[keyof typeof CommandKind];

export const Command = {
  bytes: 64,
  kind: 0,
  side: 1,
  timeInForce: 2,
  parameter: 3,
  symbol: 4,
  account: 8,
  tag: 12,
  seq: 16,
  timeUs: 24,
  clientOrderId: 32,
  orderId: 40,
  price: 48,
  quantity: 56,
} as const;

export const FrameKind = {
  None: 0,
  Snapshot: 1,
  Delta: 2,
  Heartbeat: 3,
  Subscribed: 4,
  Unsubscribed: 5,
  Refused: 6,
  Pong: 7,
  Time: 8,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

export const Instruction = {
  PostOnly: 1,
  Reprice: 2,
  Hidden: 4,
  TriggerNow: 8,
  TrailPpm: 16,
  PegPrimary: 256,
  PegMarket: 512,
  PegTowards: 1024,
  ReportTrail: 2048,
} as const;
export type Instruction = (typeof Instruction)[keyof typeof Instruction];

export const KillScope = {
  Account: 0,
  Group: 1,
  Symbol: 2,
  Venue: 3,
} as const;
export type KillScope = (typeof KillScope)[keyof typeof KillScope];

export const LevelUpdate = {
  bytes: 32,
  side: 0,
  reserved: 1,
  reserved2: 2,
  orders: 4,
  price: 8,
  quantity: 16,
  seq: 24,
} as const;

export const LinkKind = {
  None: 0,
  OneCancelsOther: 1,
  OneUpdatesOther: 2,
  OneTriggersOther: 3,
  Bracket: 4,
} as const;
export type LinkKind = (typeof LinkKind)[keyof typeof LinkKind];

export const MarketOp = {
  None: 0,
  Subscribe: 1,
  Unsubscribe: 2,
  Resnapshot: 3,
  Ping: 4,
  Time: 5,
} as const;
export type MarketOp = (typeof MarketOp)[keyof typeof MarketOp];

export const OrderAction = {
  Add: 0,
  Change: 1,
  Remove: 2,
} as const;
export type OrderAction = (typeof OrderAction)[keyof typeof OrderAction];

export const OrderType = {
  Limit: 0,
  Market: 1,
  Stop: 2,
  StopLimit: 3,
  TrailingStop: 4,
  TrailingStopLimit: 5,
} as const;
export type OrderType = (typeof OrderType)[keyof typeof OrderType];

export const OrderUpdate = {
  bytes: 48,
  action: 0,
  side: 1,
  reserved: 2,
  reserved2: 4,
  orderId: 8,
  price: 16,
  quantity: 24,
  seq: 32,
  reserved3: 40,
} as const;

export const Phase = {
  Halted: 0,
  Continuous: 1,
  Auction: 2,
  Closed: 3,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

export const QuoteAction = {
  Quote: 0,
  Protection: 1,
  Reset: 2,
} as const;
export type QuoteAction = (typeof QuoteAction)[keyof typeof QuoteAction];

export const Refusal = {
  bytes: 32,
  code: 0,
  kind: 2,
  reserved: 3,
  tag: 4,
  clientOrderId: 8,
  orderId: 16,
  symbol: 24,
  index: 28,
} as const;

export const ReportKind = {
  None: 0,
  Accepted: 1,
  Rejected: 2,
  Fill: 3,
  Cancelled: 4,
  Amended: 5,
  CancelRejected: 6,
  AmendRejected: 7,
  Triggered: 8,
  MassCancelled: 9,
  CancelAfterSet: 10,
  StopPriceChanged: 11,
} as const;
export type ReportKind = (typeof ReportKind)[keyof typeof ReportKind];

export const Report = {
  bytes: 128,
  kind: 0,
  side: 1,
  timeInForce: 2,
  flags: 3,
  code: 4,
  trigger: 6,
  reserved: 7,
  symbol: 8,
  account: 12,
  tag: 16,
  stopPrice: 20,
  reportNo: 24,
  seq: 32,
  timeUs: 40,
  orderId: 48,
  clientOrderId: 56,
  price: 64,
  quantity: 72,
  leaves: 80,
  filled: 88,
  fee: 96,
  tradeId: 104,
  contraOrderId: 112,
  retryUs: 120,
} as const;

export const ResumePoint = {
  bytes: 16,
  account: 0,
  resume: 4,
  lastReport: 8,
} as const;

export const SelfTradeMode = {
  AccountDefault: 0,
  None: 1,
  CancelNewest: 2,
  CancelOldest: 3,
  CancelBoth: 4,
  Decrement: 5,
} as const;
export type SelfTradeMode = (typeof SelfTradeMode)[keyof typeof SelfTradeMode];

export const Side = {
  Buy: 0,
  Sell: 1,
} as const;
export type Side = (typeof Side)[keyof typeof Side];

export const Status = {
  bytes: 64,
  phase: 0,
  surplusSide: 1,
  subPhase: 2,
  reserved: 3,
  earliestEndMs: 4,
  indicativePrice: 8,
  indicativeVolume: 16,
  surplus: 24,
  referencePrice: 32,
  lastPrice: 40,
  seq: 48,
  timeUs: 56,
} as const;

export const SubPhase = {
  None: 0,
  PreOpen: 1,
  OpeningAuction: 2,
  ClosingAuction: 3,
  VolatilityAuction: 4,
  LimitState: 5,
} as const;
export type SubPhase = (typeof SubPhase)[keyof typeof SubPhase];

export const Ticker = {
  bytes: 144,
  openTimeUs: 0,
  timeUs: 8,
  open: 16,
  high: 24,
  low: 32,
  last: 40,
  change: 48,
  changePpm: 56,
  volume: 64,
  notionalLow: 72,
  notionalHigh: 80,
  trades: 88,
  lastTradeId: 96,
  bidPrice: 104,
  bidQuantity: 112,
  askPrice: 120,
  askQuantity: 128,
  seq: 136,
} as const;

export const TimeInForce = {
  GoodTillCancel: 0,
  ImmediateOrCancel: 1,
  FillOrKill: 2,
  Market: 3,
  PostOnly: 4,
  Day: 5,
  GoodTillDate: 6,
  AtTheOpen: 7,
  AtTheClose: 8,
} as const;
export type TimeInForce = (typeof TimeInForce)[keyof typeof TimeInForce];

export const Trade = {
  bytes: 64,
  aggressor: 0,
  auction: 1,
  reserved: 2,
  reserved2: 4,
  tradeId: 8,
  price: 16,
  quantity: 24,
  buyOrderId: 32,
  sellOrderId: 40,
  seq: 48,
  timeUs: 56,
} as const;

export const Trigger = {
  LastTrade: 0,
  ReferencePrice: 1,
} as const;
export type Trigger = (typeof Trigger)[keyof typeof Trigger];
