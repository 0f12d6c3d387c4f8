import * as flatbuffers from 'flatbuffers';
import { Side } from './side.js';
/**
 * 32 bytes: one price level; `quantity` 0 removes it.
 */
export declare class LevelUpdate {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): LevelUpdate;
    side(): Side;
    reserved(): number;
    reserved2(): number;
    orders(): number;
    price(): bigint;
    quantity(): bigint;
    seq(): bigint;
    static sizeOf(): number;
    static createLevelUpdate(builder: flatbuffers.Builder, side: Side, reserved: number, reserved2: number, orders: number, price: bigint, quantity: bigint, seq: bigint): flatbuffers.Offset;
}
