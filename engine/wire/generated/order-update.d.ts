import * as flatbuffers from 'flatbuffers';
import { OrderAction } from './order-action.js';
import { Side } from './side.js';
/**
 * 48 bytes: one resting order; `quantity` is what it displays after the action. Each part that an iceberg displays is an order with an id of its own, known from nowhere else. Change keeps the priority.
 */
export declare class OrderUpdate {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): OrderUpdate;
    action(): OrderAction;
    side(): Side;
    reserved(): number;
    reserved2(): number;
    orderId(): bigint;
    price(): bigint;
    quantity(): bigint;
    seq(): bigint;
    reserved3(): bigint;
    static sizeOf(): number;
    static createOrderUpdate(builder: flatbuffers.Builder, action: OrderAction, side: Side, reserved: number, reserved2: number, order_id: bigint, price: bigint, quantity: bigint, seq: bigint, reserved3: bigint): flatbuffers.Offset;
}
