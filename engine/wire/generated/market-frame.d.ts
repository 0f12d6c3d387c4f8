import * as flatbuffers from 'flatbuffers';
import { Bbo } from './bbo.js';
import { Candle } from './candle.js';
import { Channel } from './channel.js';
import { FrameKind } from './frame-kind.js';
import { LevelUpdate } from './level-update.js';
import { OrderUpdate } from './order-update.js';
import { Status } from './status.js';
import { Ticker } from './ticker.js';
import { Trade } from './trade.js';
/**
 * Exchange to client, market data. One of the vectors is set, after `channel`.
 */
export declare class MarketFrame {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): MarketFrame;
    static getRootAsMarketFrame(bb: flatbuffers.ByteBuffer, obj?: MarketFrame): MarketFrame;
    static getSizePrefixedRootAsMarketFrame(bb: flatbuffers.ByteBuffer, obj?: MarketFrame): MarketFrame;
    schemaVersion(): number;
    kind(): FrameKind;
    channel(): Channel;
    symbol(): number;
    code(): number;
    tag(): number;
    /**
     * Number of the first update (Delta), or of the state (Snapshot).
     */
    firstNo(): bigint;
    timeUs(): bigint;
    levels(index: number, obj?: LevelUpdate): LevelUpdate | null;
    levelsLength(): number;
    orders(index: number, obj?: OrderUpdate): OrderUpdate | null;
    ordersLength(): number;
    bbos(index: number, obj?: Bbo): Bbo | null;
    bbosLength(): number;
    trades(index: number, obj?: Trade): Trade | null;
    tradesLength(): number;
    statuses(index: number, obj?: Status): Status | null;
    statusesLength(): number;
    candles(index: number, obj?: Candle): Candle | null;
    candlesLength(): number;
    tickers(index: number, obj?: Ticker): Ticker | null;
    tickersLength(): number;
    static startMarketFrame(builder: flatbuffers.Builder): void;
    static addSchemaVersion(builder: flatbuffers.Builder, schemaVersion: number): void;
    static addKind(builder: flatbuffers.Builder, kind: FrameKind): void;
    static addChannel(builder: flatbuffers.Builder, channel: Channel): void;
    static addSymbol(builder: flatbuffers.Builder, symbol: number): void;
    static addCode(builder: flatbuffers.Builder, code: number): void;
    static addTag(builder: flatbuffers.Builder, tag: number): void;
    static addFirstNo(builder: flatbuffers.Builder, firstNo: bigint): void;
    static addTimeUs(builder: flatbuffers.Builder, timeUs: bigint): void;
    static addLevels(builder: flatbuffers.Builder, levelsOffset: flatbuffers.Offset): void;
    static startLevelsVector(builder: flatbuffers.Builder, numElems: number): void;
    static addOrders(builder: flatbuffers.Builder, ordersOffset: flatbuffers.Offset): void;
    static startOrdersVector(builder: flatbuffers.Builder, numElems: number): void;
    static addBbos(builder: flatbuffers.Builder, bbosOffset: flatbuffers.Offset): void;
    static startBbosVector(builder: flatbuffers.Builder, numElems: number): void;
    static addTrades(builder: flatbuffers.Builder, tradesOffset: flatbuffers.Offset): void;
    static startTradesVector(builder: flatbuffers.Builder, numElems: number): void;
    static addStatuses(builder: flatbuffers.Builder, statusesOffset: flatbuffers.Offset): void;
    static startStatusesVector(builder: flatbuffers.Builder, numElems: number): void;
    static addCandles(builder: flatbuffers.Builder, candlesOffset: flatbuffers.Offset): void;
    static startCandlesVector(builder: flatbuffers.Builder, numElems: number): void;
    static addTickers(builder: flatbuffers.Builder, tickersOffset: flatbuffers.Offset): void;
    static startTickersVector(builder: flatbuffers.Builder, numElems: number): void;
    static endMarketFrame(builder: flatbuffers.Builder): flatbuffers.Offset;
    static createMarketFrame(builder: flatbuffers.Builder, schemaVersion: number, kind: FrameKind, channel: Channel, symbol: number, code: number, tag: number, firstNo: bigint, timeUs: bigint, levelsOffset: flatbuffers.Offset, ordersOffset: flatbuffers.Offset, bbosOffset: flatbuffers.Offset, tradesOffset: flatbuffers.Offset, statusesOffset: flatbuffers.Offset, candlesOffset: flatbuffers.Offset, tickersOffset: flatbuffers.Offset): flatbuffers.Offset;
}
