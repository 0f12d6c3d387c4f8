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

/** An execution report in JSON, with the names of FIX. @param symbols of names and units, which never change */
export function executionReport(report: ReportView, symbols: SymbolLookup, limitOf: LimitLookup) {
  const { kind, code, reportNo, timeUs, tag, retryUs } = report;
  const limit = isReject(kind) ? limitOf(code as Code, report.symbol, report.account, refusedOrder(report)) : undefined;
  return {
    execType: execTypeOf(report),
    reportNo,
    execId: String(reportNo),
    ...about(report, symbols.symbol(report.symbol)),
    ...(code !== 0 && { code, name: codeName(code as Code), text: codeText(code) }),
    ...(limit && { limit }),
    ...(retryUs > 0 && { retryUs }),
    ...(tag !== 0 && { tag }),
    seq: report.seq,
    transactTime: new Date(timeUs / 1000).toISOString(),
    transactTimeUs: timeUs,
  };
}

function execTypeOf(report: ReportView): ExecType | undefined {
  if (report.kind === ReportKind.Cancelled && report.code === Code.EXPIRED) return 'expired';
  return isProtection(report) ? 'quote-protection-set' : EXEC_TYPE[report.kind];
}

/** What was accepted is no order, but the protection of the account's quotes. */
function isProtection({ kind, orderId, symbol }: ReportView): boolean {
  return kind === ReportKind.Accepted && orderId === 0 && symbol === 0;
}

function about(report: ReportView, symbol: SymbolInfo | undefined) {
  if (isProtection(report)) return { windowUs: report.quantity };
  switch (report.kind) {
    case ReportKind.MassCancelled:
      return {
        ...(symbol && { symbol: symbol.name }),
        totalAffectedOrders: report.quantity,
        ...(report.leaves > 0 && { later: report.leaves }),
      };
    case ReportKind.CancelAfterSet:
      return { cancelTimeUs: report.quantity };
    case ReportKind.CancelRejected:
    case ReportKind.AmendRejected:
      return namesOf(report, symbol);
    default:
      return orderOf(report, symbol);
  }
}

function namesOf({ orderId, clientOrderId }: ReportView, symbol: SymbolInfo | undefined) {
  return {
    ...(orderId !== 0 && { orderId: String(orderId) }),
    ...(clientOrderId !== 0 && { clOrdId: String(clientOrderId) }),
    ...(symbol && { symbol: symbol.name }),
  };
}

function orderOf(report: ReportView, symbol: SymbolInfo | undefined) {
  const { kind, flags } = report;
  return {
    ordStatus: statusOf(report),
    ...namesOf(report, symbol),
    side: SIDE_NAMES[report.side],
    timeInForce: TIME_IN_FORCE_NAMES[report.timeInForce],
    ...(symbol && amountsOf(report, symbol)),
    ...(kind === ReportKind.Fill && symbol && fillOf(report, symbol)),
    ...((flags & ReportFlag.Pegged) !== 0 && { pegged: true }),
    ...((flags & ReportFlag.KeptPriority) !== 0 && { keptPriority: true }),
    ...((flags & ReportFlag.Duplicate) !== 0 && { duplicate: true }),
  };
}

function amountsOf(report: ReportView, symbol: SymbolInfo) {
  const { kind, price, stopPrice, quantity, leaves, filled } = report;
  const lots = (value: number) => quantityText(symbol, value);
  const canceled = kind === ReportKind.Cancelled ? quantity : 0;
  const isNew = kind === ReportKind.Accepted || kind === ReportKind.Rejected;
  return {
    ...(kind !== ReportKind.Fill && price !== 0 && { price: priceText(symbol, price) }),
    ...(stopPrice !== 0 && { stopPx: priceText(symbol, stopPrice), trigger: TRIGGER_NAMES[report.trigger] }),
    orderQty: lots(isNew ? quantity : leaves + filled + canceled),
    cumQty: lots(filled),
    leavesQty: lots(kind === ReportKind.Rejected ? 0 : leaves),
    ...(kind === ReportKind.Cancelled && { canceledQty: lots(canceled) }),
  };
}

function fillOf({ price, quantity, fee, tradeId, contraOrderId, flags }: ReportView, symbol: SymbolInfo) {
  return {
    lastPx: priceText(symbol, price),
    lastQty: quantityText(symbol, quantity),
    fee: moneyText(symbol.quoteAsset, fee),
    feeCurrency: symbol.quoteAsset.name,
    tradeId: String(tradeId),
    ...(contraOrderId !== 0 && { contraOrderId: String(contraOrderId) }),
    liquidity: (flags & ReportFlag.Auction) !== 0 ? 'auction' : (flags & ReportFlag.Maker) !== 0 ? 'maker' : 'taker',
    ...((flags & ReportFlag.SelfTrade) !== 0 && { selfTrade: true }),
  };
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
