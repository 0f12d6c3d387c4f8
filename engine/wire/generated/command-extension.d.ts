import * as flatbuffers from 'flatbuffers';
import { CommandKind } from './command-kind.js';
import { OrderType } from './order-type.js';
import { SelfTradeMode } from './self-trade-mode.js';
import { Trigger } from './trigger.js';
/**
 * 64 bytes: the terms of an order that do not fit into a Command. In ring and log it is directly before its
 * command, and has its own sequence. Fields for later releases are in the layout and must be 0.
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
     * Self-trade prevention, also when an amend makes the order trade.
     */
    selfTradeMode(): SelfTradeMode;
    /**
     * Of a stop; otherwise 0.
     */
    trigger(): Trigger;
    /**
     * Always 0, in all versions: a batch header of the log has its magic number here.
     */
    reserved(): number;
    /**
     * Instruction bits.
     */
    instructions(): number;
    /**
     * Of an order of a list: LinkKind in bits 0 to 7, its number in the list from 1 in bits 8 to 15, the number of orders of the list in
     * bits 16 to 23. The orders of a list are one after another in a frame, and in ring and log. Otherwise 0.
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
     * Stop, StopLimit: ticks. Trailing ones: the activation price, 0 = none. An amend with an extension, if the order waits for its trigger: the new one, and all other fields but that of the offset are 0. Otherwise 0.
     */
    stopPrice(): bigint;
    /**
     * Iceberg: lots that the order displays at a time, up to `quantity` of the command; with an order that rests. In an amend with an
     * extension, the new displayed quantity, and all other fields are 0. 0 = all is displayed.
     */
    displayedQuantity(): bigint;
    /**
     * Minimum quantity in lots, up to `quantity` of the command: the order trades immediately at least that quantity, or not at all. 0 = no minimum. Only with ImmediateOrCancel.
     * Pegged orders: the offset from what they follow, in ticks; away from the other side, or towards it with PegTowards.
     * Trailing stops, and an amend of one: the offset of the stop price from the best trigger price, in ticks from 1, or in parts per million from 1 to 999,999 with TrailPpm.
     */
    minQuantity(): bigint;
    /**
     * GoodTillDate: the order expires at this time, microseconds since the Unix epoch. Otherwise 0.
     */
    expiryUs(): bigint;
    static sizeOf(): number;
    static createCommandExtension(builder: flatbuffers.Builder, kind: CommandKind, order_type: OrderType, self_trade_mode: SelfTradeMode, trigger: Trigger, reserved: number, instructions: number, link: number, seq: bigint, time_us: bigint, stop_price: bigint, displayed_quantity: bigint, min_quantity: bigint, expiry_us: bigint): flatbuffers.Offset;
}
