import * as flatbuffers from 'flatbuffers';
import { CandleInterval } from './candle-interval.js';
/**
 * 120 bytes: what traded in one interval of time. The bucket begins at a multiple of the interval since the Unix epoch.
 */
export declare class Candle {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): Candle;
    interval(): CandleInterval;
    /**
     * 1: nothing is added to it any more.
     */
    closed(): number;
    reserved(): number;
    /**
     * Trades whose quantity is in none of the sums, because a sum would have passed its limit (volume 2^53).
     */
    uncounted(): number;
    /**
     * Begin of the bucket, microseconds since the Unix epoch.
     */
    startUs(): bigint;
    open(): bigint;
    high(): bigint;
    low(): bigint;
    close(): bigint;
    volume(): bigint;
    /**
     * Part of the volume that buyers took, and that sellers took; the rest traded in auctions.
     */
    buyVolume(): bigint;
    sellVolume(): bigint;
    /**
     * Sum of price times quantity: high * 2^52 + low. Divided by the volume it is the volume-weighted average price in ticks.
     */
    notionalLow(): bigint;
    notionalHigh(): bigint;
    /**
     * 0: a bucket without a trade, whose prices are the last close before it.
     */
    trades(): bigint;
    firstTradeId(): bigint;
    lastTradeId(): bigint;
    /**
     * Seq of the last trade's command.
     */
    seq(): bigint;
    static sizeOf(): number;
    static createCandle(builder: flatbuffers.Builder, interval: CandleInterval, closed: number, reserved: number, uncounted: number, start_us: bigint, open: bigint, high: bigint, low: bigint, close: bigint, volume: bigint, buy_volume: bigint, sell_volume: bigint, notional_low: bigint, notional_high: bigint, trades: bigint, first_trade_id: bigint, last_trade_id: bigint, seq: bigint): flatbuffers.Offset;
}
