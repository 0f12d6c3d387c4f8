import * as flatbuffers from 'flatbuffers';
import { CommandKind } from './command-kind.js';
import { Side } from './side.js';
import { TimeInForce } from './time-in-force.js';
/**
 * 64 bytes: one cache line. The layout is the same in order entry, ring and log.
 */
export declare class Command {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): Command;
    kind(): CommandKind;
    /**
     * SetPhase: the SubPhase, from rules 4 on. Quote: a QuoteAction.
     */
    side(): Side;
    /**
     * Quote: GoodTillCancel, or PostOnly if no side may trade on arrival.
     */
    timeInForce(): TimeInForce;
    /**
     * Order commands: CommandFlag bits, ignored in version 1; in ring and log, a new order or quote has its session number above them. Administrative commands: the parameter (SetSymbol, SetAccount, SetLimit), the Phase (SetPhase) or the KillScope (KillSwitch).
     */
    parameter(): number;
    /**
     * Cancel, amend: the symbol of the order, or 0. An order of another symbol is UNKNOWN_ORDER.
     */
    symbol(): number;
    /**
     * Account id; 0 = the account of the session.
     */
    account(): number;
    /**
     * Free for the client; comes back in the answer. DefineAsset: the decimals; DefineSymbol: the quote asset; KillSwitch: the group.
     */
    tag(): number;
    /**
     * Given by the sequencer; 0 on the wire.
     */
    seq(): bigint;
    /**
     * Microseconds since the Unix epoch, stamped by the sequencer; 0 on the wire.
     */
    timeUs(): bigint;
    /**
     * New: the client's id of the order, unique per account, not 0. Cancel, amend: identifies the order if order_id is 0. Quote: the price of the ask in ticks.
     */
    clientOrderId(): bigint;
    /**
     * Cancel, amend: the exchange's id of the order, or 0. Quote: the quantity of the ask in lots.
     */
    orderId(): bigint;
    /**
     * Ticks. New (0 for Market), amend (the new price) and quote (the bid). TrailingStopLimit: the distance of the limit from the stop price, on the far side of it; TrailingStop: 0.
     */
    price(): bigint;
    /**
     * Lots. New, amend (the new open quantity) and quote (the bid). MassCancel: the side. CancelAfter: microseconds. SetPhase: 0, or the time of the calendar's boundary that it applies, microseconds since the epoch.
     */
    quantity(): bigint;
    static sizeOf(): number;
    static createCommand(builder: flatbuffers.Builder, kind: CommandKind, side: Side, time_in_force: TimeInForce, parameter: number, symbol: number, account: number, tag: number, seq: bigint, time_us: bigint, client_order_id: bigint, order_id: bigint, price: bigint, quantity: bigint): flatbuffers.Offset;
}
