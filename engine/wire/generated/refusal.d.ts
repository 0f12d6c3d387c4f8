import * as flatbuffers from 'flatbuffers';
import { CommandKind } from './command-kind.js';
/**
 * 32 bytes: the rejection of a command that was not sequenced (busy, malformed, account of another identity ...). It is not numbered and not stored.
 */
export declare class Refusal {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): Refusal;
    code(): number;
    kind(): CommandKind;
    reserved(): number;
    tag(): number;
    clientOrderId(): bigint;
    orderId(): bigint;
    symbol(): number;
    /**
     * Position of the command in its frame.
     */
    index(): number;
    static sizeOf(): number;
    static createRefusal(builder: flatbuffers.Builder, code: number, kind: CommandKind, reserved: number, tag: number, client_order_id: bigint, order_id: bigint, symbol: number, index: number): flatbuffers.Offset;
}
