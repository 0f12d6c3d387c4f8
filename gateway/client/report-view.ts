import { codeName } from '../../engine/codes.ts';
import { ReportFlag } from '../../engine/machine/report-writer.ts';
import type { FlatReader } from '../../engine/wire/flat.ts';
import { CommandKind, Refusal, Report } from '../../engine/wire/layout.ts';
import { WHOLE_FRAME } from '../../engine/wire/report-frames.ts';
import type { SymbolCatalog } from './symbols.ts';
import type { RefusalView, ReportKindName, ReportView, SideName, TimeInForceName } from './types.ts';

/** Names by wire value. */
export const SIDES: readonly SideName[] = ['buy', 'sell'];
export const TIMES_IN_FORCE: readonly TimeInForceName[] = ['gtc', 'ioc', 'fok', 'market', 'post-only'];
const REPORT_KINDS: readonly ReportKindName[] = [
  'none',
  'accepted',
  'rejected',
  'fill',
  'cancelled',
  'amended',
  'cancel-rejected',
  'amend-rejected',
];

/** The report at `at` of a verified frame, with decimal text. */
export function viewReport(flat: FlatReader, at: number, symbols: SymbolCatalog): ReportView {
  const symbolId = flat.u32(at + Report.symbol);
  const units = symbols.get(symbolId);
  const flags = flat.u8(at + Report.flags);
  const priceTicks = flat.u53(at + Report.price);
  const quantityLots = flat.u53(at + Report.quantity);
  const leavesLots = flat.u53(at + Report.leaves);
  const filledLots = flat.u53(at + Report.filled);
  const feeUnits = signed(flat, at + Report.fee);
  return {
    reportNo: flat.u53(at + Report.reportNo),
    kind: REPORT_KINDS[flat.u8(at + Report.kind)] ?? 'none',
    code: codeName(flat.u16(at + Report.code)),
    symbol: units?.name ?? String(symbolId),
    symbolId,
    account: flat.u32(at + Report.account),
    side: SIDES[flat.u8(at + Report.side)] ?? 'buy',
    timeInForce: TIMES_IN_FORCE[flat.u8(at + Report.timeInForce)] ?? 'gtc',
    orderId: flat.u53(at + Report.orderId),
    clientOrderId: flat.u53(at + Report.clientOrderId),
    tag: flat.u32(at + Report.tag),
    price: units?.price(priceTicks) ?? String(priceTicks),
    quantity: units?.quantity(quantityLots) ?? String(quantityLots),
    leaves: units?.quantity(leavesLots) ?? String(leavesLots),
    filled: units?.quantity(filledLots) ?? String(filledLots),
    fee: units?.money(feeUnits) ?? String(feeUnits),
    priceTicks,
    quantityLots,
    leavesLots,
    filledLots,
    feeUnits,
    tradeId: flat.u53(at + Report.tradeId),
    contraOrderId: flat.u53(at + Report.contraOrderId),
    maker: (flags & ReportFlag.Maker) !== 0,
    duplicate: (flags & ReportFlag.Duplicate) !== 0,
    keptPriority: (flags & ReportFlag.KeptPriority) !== 0,
    auction: (flags & ReportFlag.Auction) !== 0,
    seq: flat.u53(at + Report.seq),
    timeUs: flat.u53(at + Report.timeUs),
  };
}

/** The one field that may be negative. */
function signed(flat: FlatReader, at: number): number {
  return (flat.u32(at + 4) | 0) * 2 ** 32 + flat.u32(at);
}

/** The refusal at `at` of a verified frame. */
export function viewRefusal(flat: FlatReader, at: number): RefusalView {
  const index = flat.u32(at + Refusal.index);
  const kind = flat.u8(at + Refusal.kind);
  return {
    code: codeName(flat.u16(at + Refusal.code)),
    kind: kind === CommandKind.New ? 'new' : kind === CommandKind.Cancel ? 'cancel' : kind === CommandKind.Amend ? 'amend' : 'other',
    symbolId: flat.u32(at + Refusal.symbol),
    clientOrderId: flat.u53(at + Refusal.clientOrderId),
    orderId: flat.u53(at + Refusal.orderId),
    tag: flat.u32(at + Refusal.tag),
    index: index === WHOLE_FRAME ? undefined : index,
  };
}
