import * as flatbuffers from 'flatbuffers';
import { Side } from './side.js';
/**
 * 64 bytes.
 */
export declare class Trade {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): Trade;
    /**
     * Side of the aggressor; meaningless when `auction` is 1.
     */
    aggressor(): Side;
    auction(): number;
    reserved(): number;
    reserved2(): number;
    tradeId(): bigint;
    price(): bigint;
    quantity(): bigint;
    /**
     * As in OrderUpdate.
     */
    buyOrderId(): bigint;
    sellOrderId(): bigint;
    seq(): bigint;
    timeUs(): bigint;
    static sizeOf(): number;
    static createTrade(builder: flatbuffers.Builder, aggressor: Side, auction: number, reserved: number, reserved2: number, trade_id: bigint, price: bigint, quantity: bigint, buy_order_id: bigint, sell_order_id: bigint, seq: bigint, time_us: bigint): flatbuffers.Offset;
}
