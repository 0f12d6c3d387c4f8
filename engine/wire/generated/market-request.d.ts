import * as flatbuffers from 'flatbuffers';
import { Channel } from './channel.js';
import { MarketOp } from './market-op.js';
/**
 * Client to exchange, market data.
 */
export declare class MarketRequest {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): MarketRequest;
    static getRootAsMarketRequest(bb: flatbuffers.ByteBuffer, obj?: MarketRequest): MarketRequest;
    static getSizePrefixedRootAsMarketRequest(bb: flatbuffers.ByteBuffer, obj?: MarketRequest): MarketRequest;
    schemaVersion(): number;
    op(): MarketOp;
    channel(): Channel;
    /**
     * 0 = every symbol.
     */
    symbol(): number;
    /**
     * Free for the client; Subscribed, Unsubscribed, Pong and Refused return it. Snapshots and deltas have none.
     */
    tag(): number;
    /**
     * Of Subscribe to Trades: snapshots have so many of the last trades, 1 to 100; 0 = none.
     */
    last(): number;
    static startMarketRequest(builder: flatbuffers.Builder): void;
    static addSchemaVersion(builder: flatbuffers.Builder, schemaVersion: number): void;
    static addOp(builder: flatbuffers.Builder, op: MarketOp): void;
    static addChannel(builder: flatbuffers.Builder, channel: Channel): void;
    static addSymbol(builder: flatbuffers.Builder, symbol: number): void;
    static addTag(builder: flatbuffers.Builder, tag: number): void;
    static addLast(builder: flatbuffers.Builder, last: number): void;
    static endMarketRequest(builder: flatbuffers.Builder): flatbuffers.Offset;
    static createMarketRequest(builder: flatbuffers.Builder, schemaVersion: number, op: MarketOp, channel: Channel, symbol: number, tag: number, last: number): flatbuffers.Offset;
}
