import * as flatbuffers from 'flatbuffers';
import { CommandKind } from './command-kind.js';
import { OrderType } from './order-type.js';
/**
 * 64 bytes: the terms of an order that a Command has no room for. In ring and log it stands directly before its
 * command, with a sequence of its own. Fields of later releases are in the layout and must be 0.
 */
export declare class CommandExtension {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): CommandExtension;
    /**
     * Extension.
     */
    kind(): CommandKind;
    orderType(): OrderType;
    /**
     * Later: what happens when an order meets another of its account. 0.
     */
    selfTradeMode(): number;
    /**
     * Later: which price starts a stop order. 0.
     */
    trigger(): number;
    /**
     * 0, for ever: a batch header of the log has its magic number here.
     */
    reserved(): number;
    /**
     * Instruction bits.
     */
    instructions(): number;
    /**
     * Later: how the order depends on others. 0.
     */
    link(): number;
    /**
     * Given by the sequencer; 0 on the wire.
     */
    seq(): bigint;
    /**
     * Microseconds since the Unix epoch, stamped by the sequencer; 0 on the wire.
     */
    timeUs(): bigint;
    /**
     * Later: ticks. 0.
     */
    stopPrice(): bigint;
    /**
     * Later: lots. 0.
     */
    displayedQuantity(): bigint;
    /**
     * Lots, up to `quantity` of the command: trade at once at least that much or not at all. 0 = no such term. With ImmediateOrCancel only.
     */
    minQuantity(): bigint;
    /**
     * Later: microseconds since the Unix epoch. 0.
     */
    expiryUs(): bigint;
    static sizeOf(): number;
    static createCommandExtension(builder: flatbuffers.Builder, kind: CommandKind, order_type: OrderType, self_trade_mode: number, trigger: number, reserved: number, instructions: number, link: number, seq: bigint, time_us: bigint, stop_price: bigint, displayed_quantity: bigint, min_quantity: bigint, expiry_us: bigint): flatbuffers.Offset;
}
