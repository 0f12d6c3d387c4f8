import { codeName } from '../../../../engine/codes.ts';
import { ReportKind } from '../../../../engine/wire/layout.ts';
import { ReportFlag } from '../../../../engine/wire/names.ts';
import type { ReportView } from '../../../../engine/wire/report-view.ts';
import type { ProtoWriter } from '../../../protobuf/proto-writer.ts';
import type { SymbolTable } from './symbol-table.ts';

/** `reports` of SessionResponse and of SubscribeReportsResponse, and `refusals` of SessionResponse. */
const REPORTS = 1;
const REFUSALS = 2;
/** More than a report or a refusal without text takes. */
const MAX_BYTES = 640;
/** Characters of a text. */
const MAX_TEXT = 512;

const Liquidity = { Maker: 1, Taker: 2, Auction: 3 } as const;
const {
  Accepted: ACCEPTED,
  Cancelled: CANCELLED,
  Fill: FILL,
  MassCancelled: MASS_CANCELLED,
  CancelAfterSet: CANCEL_AFTER_SET,
} = ReportKind;

/** What a report is that names no order. */
const PROTECTION_SET = 12;

/** Names of codes in UTF-8, by code. */
const names: (Uint8Array | undefined)[] = [];

/**
 * Writes an ExecutionReport of proto/openbell/v1/trading.proto, field by field: this is on the path of each order, where the general
 * encoder's objects and 64-bit integers would cost more than the order.
 */
export function writeReport(out: ProtoWriter, report: ReportView, symbols: SymbolTable): void {
  out.reserve(MAX_BYTES);
  const { kind, code, symbol, flags, retryUs } = report;
  const begun = out.begin(REPORTS);
  out.number(1, report.reportNo);
  const isProtection = kind === ACCEPTED && report.orderId === 0 && symbol === 0;
  out.number(2, isProtection ? PROTECTION_SET : kind);
  writeCode(out, 3, code);
  out.number(5, report.account);
  const entry = symbol === 0 ? undefined : symbols.byId(symbol);
  if (entry !== undefined) out.text(6, entry.text);
  if (kind === MASS_CANCELLED) {
    out.number(31, report.quantity);
    out.number(32, report.leaves);
  } else if (kind === CANCEL_AFTER_SET) {
    if (report.quantity !== 0) out.time(33, report.quantity);
  } else if (isProtection) {
    out.number(34, report.quantity);
  } else if (kind === CANCELLED && report.orderId === 0) {
    // A quote left out a side that had no order.
    out.number(7, report.side + 1);
  } else {
    out.number(7, report.side + 1);
    out.number(8, report.timeInForce + 1);
    out.number(9, report.orderId);
    out.number(10, report.clientOrderId);
    if (entry !== undefined) {
      const { tickMantissa, tickDecimals, lotMantissa, lotDecimals, quoteDecimals } = entry;
      const { price, quantity, stopPrice } = report;
      if (kind !== FILL) {
        if (price !== 0) out.decimal(11, price, tickMantissa, tickDecimals);
        out.decimal(12, quantity, lotMantissa, lotDecimals);
      }
      out.decimal(13, report.leaves, lotMantissa, lotDecimals);
      out.decimal(14, report.filled, lotMantissa, lotDecimals);
      if (kind === FILL) {
        out.decimal(15, price, tickMantissa, tickDecimals);
        out.decimal(16, quantity, lotMantissa, lotDecimals);
        out.decimal(17, report.fee, 1, quoteDecimals);
        out.number(18, report.tradeId);
        out.number(19, report.contraOrderId);
        out.number(
          20,
          (flags & ReportFlag.Auction) !== 0 ? Liquidity.Auction : (flags & ReportFlag.Maker) !== 0 ? Liquidity.Maker : Liquidity.Taker,
        );
        out.flag(21, (flags & ReportFlag.SelfTrade) !== 0);
      }
      if (stopPrice !== 0) {
        out.decimal(22, stopPrice, tickMantissa, tickDecimals);
        out.number(23, report.trigger + 1);
      }
    }
    out.flag(24, (flags & ReportFlag.Duplicate) !== 0);
    out.flag(25, (flags & ReportFlag.KeptPriority) !== 0);
    out.flag(26, (flags & ReportFlag.Pegged) !== 0);
  }
  out.number(27, report.tag);
  out.number(28, report.seq);
  out.time(29, report.timeUs);
  if (retryUs !== 0) out.time(30, retryUs);
  out.end(begun);
}

/** A command that was refused before it was written to the log. */
export interface RefusedCommand {
  readonly code: number;
  readonly tag: number;
  readonly clOrdId: number;
  readonly orderId: number;
}

/** Writes a Refusal. @param text what is wrong, cut after 512 characters; empty: the code says all */
export function writeRefusal(out: ProtoWriter, { code, tag, clOrdId, orderId }: RefusedCommand, text: string): void {
  const words = text === '' ? undefined : Buffer.from(text.slice(0, MAX_TEXT));
  out.reserve(MAX_BYTES + (words?.length ?? 0));
  const begun = out.begin(REFUSALS);
  writeCode(out, 1, code);
  if (words !== undefined) out.text(3, words);
  out.number(4, tag);
  out.number(5, clOrdId);
  out.number(6, orderId);
  out.end(begun);
}

/** A code, and its name in the field after it. */
function writeCode(out: ProtoWriter, field: number, code: number): void {
  if (code === 0) return;
  out.number(field, code);
  names[code] ??= Buffer.from(codeName(code));
  out.text(field + 1, names[code]);
}
