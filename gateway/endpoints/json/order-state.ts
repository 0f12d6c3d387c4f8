import { codeText } from '../../../engine/code-texts.ts';
import { Code, codeName } from '../../../engine/codes.ts';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import type { RestingOrderInfo } from '../../../engine/threads/open-order-info.ts';
import { ReportKind } from '../../../engine/wire/layout.ts';
import { ReportFlag, SIDE_NAMES, TIME_IN_FORCE_NAMES } from '../../../engine/wire/names.ts';
import { acceptedOrderId, type ReportView } from '../../../engine/wire/report-view.ts';
import { decimalOf, rounded } from '../../portfolio/exact-decimal.ts';
import { moneyText, priceText, quantityText } from './amounts.ts';
import { acceptedView, openTerms, statusOfOpen } from './order-list-view.ts';

/** Places of an average price beyond those of the tick. */
const MORE_PLACES = 4;

/** An order as the sum of its reports, added in their order. */
export class OrderState {
  orderId = 0;
  clientOrderId = 0;
  symbol = 0;
  side = 0;
  timeInForce = 0;
  price = 0;
  stopPrice = 0;
  /** Open quantity and what was filled, lots. */
  leaves = 0;
  filled = 0;
  /** Open and filled after the last change that was not a cancel, lots. */
  quantity = 0;
  /** Why it ended, or was rejected. */
  code = 0;
  ended: 'filled' | 'canceled' | 'expired' | 'rejected' | undefined;
  duplicate = false;
  reportNo = 0;
  timeUs = 0;
  /** Of its acceptance; 0: its report was not added. */
  acceptedUs = 0;
  /** Sum of price times quantity of its fills, ticks x lots; of their quantities; and of their fees. */
  #notional = 0n;
  #traded = 0n;
  #fees = 0n;
  #reports = 0;

  get isEmpty(): boolean {
    return this.#reports === 0;
  }

  add(report: ReportView): void {
    this.#reports++;
    this.reportNo = report.reportNo;
    this.timeUs = report.timeUs;
    const { kind, code } = report;
    // Nothing changed.
    if (kind === ReportKind.AmendRejected || kind === ReportKind.CancelRejected) return;
    this.orderId = report.orderId;
    this.clientOrderId = report.clientOrderId;
    this.symbol = report.symbol;
    this.side = report.side;
    this.timeInForce = report.timeInForce;
    if (acceptedOrderId(report) !== 0) this.acceptedUs = report.timeUs;
    this.leaves = report.leaves;
    this.filled = report.filled;
    if (kind !== ReportKind.Fill) {
      if (report.price !== 0) this.price = report.price;
      this.stopPrice = kind === ReportKind.Triggered ? 0 : report.stopPrice;
    }
    if (kind === ReportKind.Fill) {
      this.#notional += BigInt(report.price) * BigInt(report.quantity);
      this.#traded += BigInt(report.quantity);
      this.#fees += BigInt(report.fee);
      if (report.leaves === 0) this.ended = 'filled';
    } else if (kind === ReportKind.Cancelled) {
      this.code = code;
      this.ended = code === Code.EXPIRED ? 'expired' : 'canceled';
      // What was cancelled is not open any more, and was ordered.
      this.quantity = Math.max(this.quantity, report.quantity + report.filled);
      this.leaves = 0;
    } else if (kind === ReportKind.Rejected) {
      this.code = code;
      this.ended = 'rejected';
      this.quantity = report.quantity;
      this.leaves = 0;
    } else if (kind === ReportKind.Accepted && (report.flags & ReportFlag.Duplicate) !== 0) this.#again(report);
    if (kind === ReportKind.Accepted || kind === ReportKind.Amended)
      this.quantity = Math.max(report.leaves + report.filled, this.#ordered(report));
  }

  /** The present state of an order that is sent again. */
  #again({ leaves, filled, quantity }: ReportView): void {
    this.duplicate = true;
    if (leaves === 0) this.ended = filled === quantity ? 'filled' : 'canceled';
  }

  /** An immediate order may be accepted and traded in one report. */
  #ordered({ kind, quantity }: ReportView): number {
    return kind === ReportKind.Accepted ? quantity : 0;
  }

  /** @param open its terms, while it is open */
  view(account: number, symbol: SymbolInfo, open: RestingOrderInfo | undefined) {
    const { code, price, stopPrice, timeUs } = this;
    const places = symbol.tickDecimals + MORE_PLACES;
    const average =
      this.#traded === 0n ? 0n : rounded(this.#notional * BigInt(symbol.tickMantissa) * 10n ** BigInt(MORE_PLACES), this.#traded);
    const ordStatus = this.ended ?? (open === undefined ? this.#guess() : statusOfOpen(open));
    return {
      account,
      orderId: String(this.orderId),
      ...(this.clientOrderId !== 0 && { clOrdId: String(this.clientOrderId) }),
      symbol: symbol.name,
      side: SIDE_NAMES[this.side],
      timeInForce: TIME_IN_FORCE_NAMES[this.timeInForce],
      ordStatus,
      ...(price !== 0 && { price: priceText(symbol, price) }),
      ...(stopPrice !== 0 && { stopPx: priceText(symbol, stopPrice) }),
      ...(open && this.ended === undefined && openTerms(symbol, open)),
      orderQty: quantityText(symbol, this.quantity),
      cumQty: quantityText(symbol, this.filled),
      leavesQty: quantityText(symbol, this.ended === undefined ? this.leaves : 0),
      // The reports of one command may lack earlier fills.
      ...(this.#traded > 0n &&
        this.#traded === BigInt(this.filled) && {
          avgPx: decimalOf({ units: average, decimals: places }),
          fees: moneyText(symbol.quoteAsset, Number(this.#fees)),
        }),
      ...(code !== 0 && { code, name: codeName(code as Code), text: codeText(code) }),
      ...acceptedView(this.acceptedUs),
      transactTime: new Date(timeUs / 1000).toISOString(),
      transactTimeUs: timeUs,
      lastReportNo: this.reportNo,
      ...(this.duplicate && { duplicate: true }),
    };
  }

  /** The state of an order that is not found among those that are open, and whose end is not known yet. */
  #guess() {
    return this.stopPrice !== 0 ? 'pending' : this.filled > 0 ? 'partially-filled' : 'new';
  }
}
