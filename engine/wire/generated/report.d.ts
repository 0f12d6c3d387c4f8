import * as flatbuffers from 'flatbuffers';
import { ReportKind } from './report-kind.js';
import { Side } from './side.js';
import { TimeInForce } from './time-in-force.js';
import { Trigger } from './trigger.js';
/**
 * 128 bytes: an execution report. Numbered per account without gaps by `report_no`.
 */
export declare class Report {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): Report;
    kind(): ReportKind;
    side(): Side;
    timeInForce(): TimeInForce;
    /**
     * Bit 0: maker (resting) side of a fill. Bit 1: duplicate, the client order id was used before, by an order with the same terms: the report has the present state of that order, or its reject. Bit 2: an amend kept the priority. Bit 3: traded in an auction. Bit 4: in an auction, with an order of the same account or group. Bit 5: Accepted, Amended or Cancelled, of a pegged order.
     */
    flags(): number;
    /**
     * Result code, see docs/CODES.md; 0 = OK.
     */
    code(): number;
    /**
     * Of an order with `stop_price`; otherwise 0.
     */
    trigger(): Trigger;
    reserved(): number;
    symbol(): number;
    account(): number;
    tag(): number;
    /**
     * Ticks: the present stop price of an order that waits for its trigger (of a trailing one that does not follow yet, that at its activation price), and in Triggered; otherwise 0.
     */
    stopPrice(): number;
    reportNo(): bigint;
    /**
     * Sequence of the command that caused it.
     */
    seq(): bigint;
    timeUs(): bigint;
    orderId(): bigint;
    /**
     * 0: a quote.
     */
    clientOrderId(): bigint;
    /**
     * Ticks: the fill's price in a Fill, else the order's limit price. With bit 5 of `flags`: the present price of a pegged order, 0 while it is parked.
     */
    price(): bigint;
    /**
     * Lots; see ReportKind.
     */
    quantity(): bigint;
    /**
     * Lots still open.
     */
    leaves(): bigint;
    /**
     * Lots filled so far. Of an accepted deposit or withdrawal: the balance of the account after it, in the smallest unit of the asset.
     */
    filled(): bigint;
    /**
     * Fill: in the smallest unit of the quote asset; negative for a rebate. Of an accepted deposit or withdrawal: the amount, negative for a withdrawal.
     */
    fee(): bigint;
    /**
     * Fill: the trade's number in its symbol, from 1. Of an accepted deposit or withdrawal: the number of the account's last report before it.
     */
    tradeId(): bigint;
    /**
     * Fill: the other order's id in market data; 0 for a resting hidden order.
     */
    contraOrderId(): bigint;
    /**
     * Rejected and AmendRejected with THROTTLED or ORDER_TO_TRADE: the time from which the command would pass, if the account sent nothing else. Else 0.
     */
    retryUs(): bigint;
    static sizeOf(): number;
    static createReport(builder: flatbuffers.Builder, kind: ReportKind, side: Side, time_in_force: TimeInForce, flags: number, code: number, trigger: Trigger, reserved: number, symbol: number, account: number, tag: number, stop_price: number, report_no: bigint, seq: bigint, time_us: bigint, order_id: bigint, client_order_id: bigint, price: bigint, quantity: bigint, leaves: bigint, filled: bigint, fee: bigint, trade_id: bigint, contra_order_id: bigint, retry_us: bigint): flatbuffers.Offset;
}
