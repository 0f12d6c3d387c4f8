/**
 * `openbell/engine`: the exchange without any server, to embed. `Exchange` is
 * the bare state machine; `Engine` adds threads, journal and recovery.
 *
 * An `Engine` waits for its readers: give it both handlers, and take consumer 1
 * of `reportRing` too (the history's place), or it stands still when a ring is
 * full.
 */
export { Code, codeName } from './codes.ts';
export { type CommandFields, encodeCommand } from './command.ts';
export type { EngineStatus } from './control.ts';
export { type AccountInfo, type AssetInfo, type BalanceInfo, Directory, type OpenOrderInfo, type SymbolInfo } from './directory.ts';
export { chooseTopology, Engine, type EngineOptions, type Topology } from './engine.ts';
export type { Recovery, RecoveryProgress } from './engine-core.ts';
export { Exchange, type ExchangeOutputs } from './exchange.ts';
export { DEFAULT_LIMITS, type Limits, resolveLimits } from './limits.ts';
export { MARKET_EVENT_BYTES, MarketEventKind, MarketField, TRADE_IN_AUCTION } from './market-event.ts';
export { type BookListener, OrderBook } from './order-book.ts';
export { OrderSlab } from './order-slab.ts';
export { AccountParam, SymbolParam } from './params.ts';
export { LevelPages } from './price-ladder.ts';
export type { MarketHandler, ReportHandler } from './pumps.ts';
export { ReportFlag } from './report-writer.ts';
export { allocateRing, RingConsumer, type RingHandle, RingProducer, RingSlots, type RingSpec } from './ring.ts';
export { SpillingProducer } from './spilling-producer.ts';
export { stateHash, tradingHash } from './state-rows.ts';
export { type Verification, verifyDataDirectory } from './verify.ts';
export { CommandKind, Phase, ReportKind, Side, TimeInForce } from './wire/layout.ts';
