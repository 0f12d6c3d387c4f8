/**
 * `openbell/engine`: the exchange without a server, for embedding, in three layers. `createExchange` makes an exchange to call by
 * name, with results, callbacks and a given time; docs/EMBEDDING.md. `Exchange` is the bare state machine below it: commands of
 * 64 bytes in, reports and events in rings out. `Engine` adds threads, journal and recovery to that.
 *
 * An `Engine` stops when a ring is full, until its consumers have read the
 * ring. Set both handlers, and read each tap that it was created with. The
 * default of option `taps` is one tap, for the history:
 * `engine.consume('reports', 'history')`. An application without a history
 * passes `taps: { reports: [] }`.
 */

export { type BookListener, OrderBook } from './book/order-book.ts';
export { OrderSlab } from './book/order-slab.ts';
export { LevelPages } from './book/price-ladder.ts';
export { Code, codeName } from './codes.ts';
export { createExchange, type EmbedOptions, restoreExchange, wallClock } from './embed/create-exchange.ts';
export { EmbedError } from './embed/embed-error.ts';
export type { EmbeddedExchange } from './embed/embedded-exchange.ts';
export type { AccountView, AuctionView, BalanceView, OpenOrderView, SymbolView } from './embed/embedded-views.ts';
export type {
  BookAction,
  BookCopy,
  BookEvent,
  EventName,
  EventTypes,
  PhaseCopy,
  PhaseEvent,
  ReportCopy,
  ReportEvent,
  TradeCopy,
  TradeEvent,
} from './embed/events.ts';
export type {
  AccountDefinition,
  AssetDefinition,
  KillTarget,
  PositionLimits,
  SettableSubPhase,
  SymbolDefinition,
} from './embed/operator-actions.ts';
export {
  type ActionResult,
  type Fill,
  type ListResult,
  type MassCancelResult,
  OrderResult,
  type QuoteResult,
  type TransferResult,
  type UncrossResult,
} from './embed/order-result.ts';
export { FIRST_OWN_ID } from './embed/order-writer.ts';
export type {
  AmendOrder,
  BookLevel,
  BookView,
  CancelAll,
  ListedOrder,
  OrderTarget,
  OrderTerms,
  PlaceList,
  PlaceOrder,
  PlaceQuote,
  QuoteProtection,
  QuoteSide,
} from './embed/orders.ts';
export type { AccountSettings, SymbolSettings } from './embed/settings.ts';
export type { SnapshotBytes } from './embed/snapshot.ts';
export type { Amount, Price, Quantity, SymbolUnits, Unit } from './embed/symbol-units.ts';
export { DEFAULT_LIMITS, type Limits, resolveLimits } from './limits.ts';
export { type CommandFields, encodeCommand } from './machine/command.ts';
export { Exchange, type ExchangeOutputs } from './machine/exchange.ts';
export { stateHash, tradingHash } from './machine/state-rows.ts';
export { AccountParam, SymbolParam } from './params.ts';
export { GatedConsumer, type GateSpec, type SeqCell } from './rings/gated-consumer.ts';
export { allocateRing, RingConsumer, type RingHandle, RingProducer, RingSlots, type RingSpec } from './rings/ring.ts';
export { SpillingProducer } from './rings/spilling-producer.ts';
export { openTap, type RingTap, TapError } from './rings/tapped-ring.ts';
export type { EngineStatus } from './threads/control.ts';
export { Directory } from './threads/directory.ts';
export type { AccountInfo, AssetInfo, BalanceInfo, SymbolInfo } from './threads/directory-info.ts';
export { Engine } from './threads/engine.ts';
export type { Recovery, RecoveryProgress } from './threads/engine-core.ts';
export { chooseTopology, type EngineOptions, type TapOptions, type Topology } from './threads/engine-options.ts';
export type { OpenOrderInfo } from './threads/open-order-info.ts';
export { type MarketHandler, marketGate, type ReportHandler, reportGate } from './threads/pumps.ts';
export { type Verification, verifyDataDirectory } from './threads/verify.ts';
export { CommandFlag, type ExtensionFields, encodeExtension } from './wire/command-extension.ts';
export { CommandKind, Instruction, OrderType, Phase, ReportKind, Side, TimeInForce } from './wire/layout.ts';
export { MARKET_EVENT_BYTES, MarketEventKind, MarketEventView, MarketField, TRADE_IN_AUCTION } from './wire/market-event.ts';
export {
  type LinkName,
  type OrderTypeName,
  type PegName,
  type PhaseName,
  ReportFlag,
  type ReportKindName,
  type SelfTradeName,
  type SideName,
  type SubPhaseName,
  type TimeInForceName,
  type TriggerName,
} from './wire/names.ts';
export { ORDER_KINDS, OrderKind, type OrderKindRow } from './wire/order-kinds.ts';
export { ReportView } from './wire/report-view.ts';
