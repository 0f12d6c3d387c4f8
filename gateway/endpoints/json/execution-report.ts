import { codeText } from '../../../engine/code-texts.ts';
import { Code, codeName } from '../../../engine/codes.ts';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { ReportKind, TimeInForce } from '../../../engine/wire/layout.ts';
import { ReportFlag, SIDE_NAMES, TIME_IN_FORCE_NAMES, TRIGGER_NAMES } from '../../../engine/wire/names.ts';
import type { ReportView } from '../../../engine/wire/report-view.ts';
import { moneyText, priceText, quantityText, type SymbolLookup } from './amounts.ts';
import type { BrokenLimit, RefusedOrder } from './broken-limit.ts';
import type { ExecType } from './schemas/order-messages.ts';

/** Finds the limit behind a reject; undefined: its code is not about one. */
export type LimitLookup = (code: Code, symbol: number, account: number, order?: RefusedOrder) => BrokenLimit | undefined;

/** By ReportKind. */
const EXEC_TYPE: readonly (ExecType | undefined)[] = [
  undefined,
  'new',
  'rejected',
  'trade',
  'canceled',
  'replaced',
  'cancel-rejected',
  'replace-rejected',
  'triggered',
  'mass-canceled',
  'cancel-after-set',
  'stop-price-changed',
];

/** Keys are added one by one, because an object for each optional part costs several times as much. */
type Fields = Record<string, unknown>;

/** An execution report in JSON, with the names of FIX. @param symbols of names and units, which never change */
export function executionReport(report: ReportView, symbols: SymbolLookup, limitOf: LimitLookup): Readonly<Fields> {
  const { kind, code, reportNo, timeUs, tag, retryUs } = report;
  const fields: Fields = { execType: execTypeOf(report), reportNo, execId: String(reportNo) };
  addSubject(fields, report, symbols.symbol(report.symbol));
  if (code !== 0) {
    fields.code = code;
    fields.name = codeName(code as Code);
    fields.text = codeText(code);
    const limit = isReject(kind) ? limitOf(code as Code, report.symbol, report.account, refusedOrder(report)) : undefined;
    if (limit !== undefined) fields.limit = limit;
  }
  if (retryUs > 0) fields.retryUs = retryUs;
  if (tag !== 0) fields.tag = tag;
  fields.seq = report.seq;
  fields.transactTime = new Date(timeUs / 1000).toISOString();
  fields.transactTimeUs = timeUs;
  return fields;
}

function execTypeOf(report: ReportView): ExecType | undefined {
  if (report.kind === ReportKind.Cancelled && report.code === Code.EXPIRED) return 'expired';
  return isProtection(report) ? 'quote-protection-set' : EXEC_TYPE[report.kind];
}

/** What was accepted is no order, but the protection of the account's quotes. */
function isProtection({ kind, orderId, symbol }: ReportView): boolean {
  return kind === ReportKind.Accepted && orderId === 0 && symbol === 0;
}

function addSubject(fields: Fields, report: ReportView, symbol: SymbolInfo | undefined): void {
  if (isProtection(report)) {
    fields.windowUs = report.quantity;
    return;
  }
  switch (report.kind) {
    case ReportKind.MassCancelled:
      if (symbol !== undefined) fields.symbol = symbol.name;
      fields.totalAffectedOrders = report.quantity;
      if (report.leaves > 0) fields.later = report.leaves;
      break;
    case ReportKind.CancelAfterSet:
      fields.cancelTimeUs = report.quantity;
      break;
    case ReportKind.CancelRejected:
    case ReportKind.AmendRejected:
      addNames(fields, report, symbol);
      break;
    default:
      addOrder(fields, report, symbol);
  }
}

function addNames(fields: Fields, { orderId, clientOrderId }: ReportView, symbol: SymbolInfo | undefined): void {
  if (orderId !== 0) fields.orderId = String(orderId);
  if (clientOrderId !== 0) fields.clOrdId = String(clientOrderId);
  if (symbol !== undefined) fields.symbol = symbol.name;
}

function addOrder(fields: Fields, report: ReportView, symbol: SymbolInfo | undefined): void {
  const { kind, flags } = report;
  fields.ordStatus = statusOf(report);
  addNames(fields, report, symbol);
  fields.side = SIDE_NAMES[report.side];
  fields.timeInForce = TIME_IN_FORCE_NAMES[report.timeInForce];
  if (symbol !== undefined) {
    addAmounts(fields, report, symbol);
    if (kind === ReportKind.Fill) addFill(fields, report, symbol);
  }
  if ((flags & ReportFlag.Pegged) !== 0) fields.pegged = true;
  if ((flags & ReportFlag.KeptPriority) !== 0) fields.keptPriority = true;
  if ((flags & ReportFlag.Duplicate) !== 0) fields.duplicate = true;
}

function addAmounts(fields: Fields, report: ReportView, symbol: SymbolInfo): void {
  const { kind, price, stopPrice, quantity, leaves, filled } = report;
  const canceled = kind === ReportKind.Cancelled ? quantity : 0;
  const isNew = kind === ReportKind.Accepted || kind === ReportKind.Rejected;
  if (kind !== ReportKind.Fill && price !== 0) fields.price = priceText(symbol, price);
  if (stopPrice !== 0) {
    fields.stopPx = priceText(symbol, stopPrice);
    fields.trigger = TRIGGER_NAMES[report.trigger];
  }
  fields.orderQty = quantityText(symbol, isNew ? quantity : leaves + filled + canceled);
  fields.cumQty = quantityText(symbol, filled);
  fields.leavesQty = quantityText(symbol, kind === ReportKind.Rejected ? 0 : leaves);
  if (kind === ReportKind.Cancelled) fields.canceledQty = quantityText(symbol, canceled);
}

function addFill(fields: Fields, { price, quantity, fee, tradeId, contraOrderId, flags }: ReportView, symbol: SymbolInfo): void {
  fields.lastPx = priceText(symbol, price);
  fields.lastQty = quantityText(symbol, quantity);
  fields.fee = moneyText(symbol.quoteAsset, fee);
  fields.feeCurrency = symbol.quoteAsset.name;
  fields.tradeId = String(tradeId);
  if (contraOrderId !== 0) fields.contraOrderId = String(contraOrderId);
  fields.liquidity = (flags & ReportFlag.Auction) !== 0 ? 'auction' : (flags & ReportFlag.Maker) !== 0 ? 'maker' : 'taker';
  if ((flags & ReportFlag.SelfTrade) !== 0) fields.selfTrade = true;
}

/** The state of the order, as far as one report states it. */
function statusOf({ kind, code, flags, leaves, filled, quantity, price, stopPrice, timeInForce }: ReportView) {
  switch (kind) {
    case ReportKind.Rejected:
      return 'rejected';
    case ReportKind.Cancelled:
      return code === Code.EXPIRED ? 'expired' : 'canceled';
    case ReportKind.Fill:
      return leaves === 0 ? 'filled' : 'partially-filled';
    case ReportKind.Accepted:
      // An order that is sent again may have ended.
      if ((flags & ReportFlag.Duplicate) !== 0 && leaves === 0) return filled === quantity ? 'filled' : 'canceled';
      break;
  }
  const waits = kind !== ReportKind.Triggered && stopPrice !== 0;
  const parked = (flags & ReportFlag.Pegged) !== 0 && price === 0;
  const ofAuction = timeInForce === TimeInForce.AtTheOpen || timeInForce === TimeInForce.AtTheClose;
  if (waits || parked || ofAuction) return 'pending';
  return filled > 0 ? 'partially-filled' : 'new';
}

/** A trailing stop has a distance as its price: its report does not say that it is one. */
function refusedOrder({ side, price, quantity, stopPrice, retryUs }: ReportView): RefusedOrder {
  return { side, price, quantity, stopPrice, retryUs };
}

function isReject(kind: number): boolean {
  return kind === ReportKind.Rejected || kind === ReportKind.AmendRejected || kind === ReportKind.CancelRejected;
}
