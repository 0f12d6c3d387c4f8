/**
 * `openbell/feeds`: recorded markets for programs that embed the exchange; docs/EMBEDDING.md.
 */

export type { BookChange, LevelChange, MarketChange, TradeChange } from './embed/market-changes.ts';
export { readMarket } from './embed/market-changes.ts';
export { MarketPlayer, type MarketPlayerOptions } from './embed/market-player.ts';
export { OrderFlowPlayer, type OrderFlowPlayerOptions } from './embed/order-flow-player.ts';
export { CaptureError, type CaptureFile } from './files/captures.ts';
export { CsvFileError } from './files/csv-header.ts';
export { FileBytesError } from './files/file-bytes.ts';
export { UnknownFormatError } from './files/file-formats.ts';
export type { FileOptions } from './files/file-reading.ts';
export {
  type CancelRow,
  type FlowPhase,
  type NewRow,
  OrderFlowError,
  type OrderRow,
  type PhaseRow,
  readOrders,
  readTrades,
  type TradeRow,
  type UncrossRow,
} from './files/order-flow-csv.ts';
export { demoCapture } from './simulator/demo-capture.ts';
