import * as flatbuffers from 'flatbuffers';
/**
 * 56 bytes: best bid and offer; price 0 = no orders on that side.
 */
export declare class Bbo {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): Bbo;
    bidPrice(): bigint;
    bidQuantity(): bigint;
    askPrice(): bigint;
    askQuantity(): bigint;
    bidOrders(): number;
    askOrders(): number;
    seq(): bigint;
    timeUs(): bigint;
    static sizeOf(): number;
    static createBbo(builder: flatbuffers.Builder, bid_price: bigint, bid_quantity: bigint, ask_price: bigint, ask_quantity: bigint, bid_orders: number, ask_orders: number, seq: bigint, time_us: bigint): flatbuffers.Offset;
}
