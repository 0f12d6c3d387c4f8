import * as flatbuffers from 'flatbuffers';
/**
 * 144 bytes: what traded in the last 24 hours, in whole minutes, and best bid and offer.
 */
export declare class Ticker {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): Ticker;
    /**
     * Begin of the first minute, microseconds since the Unix epoch.
     */
    openTimeUs(): bigint;
    /**
     * Time of the last event that is included.
     */
    timeUs(): bigint;
    /**
     * Without a trade in the time: the price of the last trade before it; 0 without any.
     */
    open(): bigint;
    high(): bigint;
    low(): bigint;
    last(): bigint;
    /**
     * last - open.
     */
    change(): bigint;
    /**
     * change / open in millionths, rounded; 0 without an open.
     */
    changePpm(): bigint;
    volume(): bigint;
    /**
     * Sum of price times quantity: high * 2^52 + low.
     */
    notionalLow(): bigint;
    notionalHigh(): bigint;
    trades(): bigint;
    /**
     * 0: the last one is not known.
     */
    lastTradeId(): bigint;
    /**
     * Quantity 0: there is no order on that side.
     */
    bidPrice(): bigint;
    bidQuantity(): bigint;
    askPrice(): bigint;
    askQuantity(): bigint;
    seq(): bigint;
    static sizeOf(): number;
    static createTicker(builder: flatbuffers.Builder, open_time_us: bigint, time_us: bigint, open: bigint, high: bigint, low: bigint, last: bigint, change: bigint, change_ppm: bigint, volume: bigint, notional_low: bigint, notional_high: bigint, trades: bigint, last_trade_id: bigint, bid_price: bigint, bid_quantity: bigint, ask_price: bigint, ask_quantity: bigint, seq: bigint): flatbuffers.Offset;
}
