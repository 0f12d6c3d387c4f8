import { codeName } from '../../engine/codes.ts';
import type { FlatReader } from '../../engine/wire/flat.ts';
import { Refusal, ReportKind } from '../../engine/wire/layout.ts';
import { commandKindName, REPORT_KIND_NAMES, ReportFlag, SIDE_NAMES, TIME_IN_FORCE_NAMES, TRIGGER_NAMES } from '../../engine/wire/names.ts';
import { REPORT_WORDS, WHOLE_FRAME } from '../../engine/wire/report-frames.ts';
import { ReportView as WireReport } from '../../engine/wire/report-view.ts';
import type { SymbolCatalog } from './symbols.ts';
import type { RefusalView, ReportView } from './types.ts';

/** The report being shown, aligned: a frame may begin at any byte. */
const words = new Int32Array(REPORT_WORDS);
const report = new WireReport();

/** The report at `at` of a verified frame, with decimal text. */
export function viewReport(flat: FlatReader, at: number, symbols: SymbolCatalog): ReportView {
  flat.copyWords(at, words, 0, REPORT_WORDS);
  return viewWords(report.wrap(words, 0), symbols);
}

/** A report in memory, with decimal text. */
export function viewWords(report: WireReport, symbols: SymbolCatalog): ReportView {
  const { flags, fee, price, quantity, leaves, filled, stopPrice, symbol: symbolId } = report;
  const units = symbols.get(symbolId);
  // A mass cancel counts orders, not lots.
  const lots = report.kind === ReportKind.MassCancelled ? undefined : units;
  return {
    reportNo: report.reportNo,
    kind: REPORT_KIND_NAMES[report.kind] ?? 'none',
    code: codeName(report.code),
    symbol: units?.name ?? String(symbolId),
    symbolId,
    account: report.account,
    side: SIDE_NAMES[report.side] ?? 'buy',
    timeInForce: TIME_IN_FORCE_NAMES[report.timeInForce] ?? 'gtc',
    orderId: report.orderId,
    clientOrderId: report.clientOrderId,
    tag: report.tag,
    price: units?.price(price) ?? String(price),
    quantity: lots?.quantity(quantity) ?? String(quantity),
    leaves: lots?.quantity(leaves) ?? String(leaves),
    filled: units?.quantity(filled) ?? String(filled),
    fee: units?.money(fee) ?? String(fee),
    priceTicks: price,
    quantityLots: quantity,
    leavesLots: leaves,
    filledLots: filled,
    feeUnits: fee,
    stopPrice: stopPrice === 0 ? undefined : (units?.price(stopPrice) ?? String(stopPrice)),
    stopPriceTicks: stopPrice || undefined,
    trigger: stopPrice === 0 ? undefined : TRIGGER_NAMES[report.trigger],
    tradeId: report.tradeId,
    contraOrderId: report.contraOrderId,
    retryUs: report.retryUs,
    maker: (flags & ReportFlag.Maker) !== 0,
    duplicate: (flags & ReportFlag.Duplicate) !== 0,
    keptPriority: (flags & ReportFlag.KeptPriority) !== 0,
    auction: (flags & ReportFlag.Auction) !== 0,
    selfTrade: (flags & ReportFlag.SelfTrade) !== 0,
    pegged: (flags & ReportFlag.Pegged) !== 0,
    seq: report.seq,
    timeUs: report.timeUs,
  };
}

/** The reject at `at` of a verified frame. */
export function viewRefusal(flat: FlatReader, at: number): RefusalView {
  const index = flat.u32(at + Refusal.index);
  return {
    code: codeName(flat.u16(at + Refusal.code)),
    kind: commandKindName(flat.u8(at + Refusal.kind)),
    symbolId: flat.u32(at + Refusal.symbol),
    clientOrderId: flat.u53(at + Refusal.clientOrderId),
    orderId: flat.u53(at + Refusal.orderId),
    tag: flat.u32(at + Refusal.tag),
    index: index === WHOLE_FRAME ? undefined : index,
  };
}
