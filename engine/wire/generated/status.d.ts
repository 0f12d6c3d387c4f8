import * as flatbuffers from 'flatbuffers';
import { Phase } from './phase.js';
import { Side } from './side.js';
import { SubPhase } from './sub-phase.js';
/**
 * 64 bytes: trading phase; in an auction, also the result of an uncross now.
 */
export declare class Status {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): Status;
    phase(): Phase;
    /**
     * Side of the surplus.
     */
    surplusSide(): Side;
    /**
     * Kind of the auction.
     */
    subPhase(): SubPhase;
    reserved(): number;
    /**
     * In a volatility auction or a limit state: milliseconds from `time_us` to its earliest end. Otherwise 0.
     */
    earliestEndMs(): number;
    indicativePrice(): bigint;
    indicativeVolume(): bigint;
    surplus(): bigint;
    referencePrice(): bigint;
    lastPrice(): bigint;
    seq(): bigint;
    timeUs(): bigint;
    static sizeOf(): number;
    static createStatus(builder: flatbuffers.Builder, phase: Phase, surplus_side: Side, sub_phase: SubPhase, reserved: number, earliest_end_ms: number, indicative_price: bigint, indicative_volume: bigint, surplus: bigint, reference_price: bigint, last_price: bigint, seq: bigint, time_us: bigint): flatbuffers.Offset;
}
