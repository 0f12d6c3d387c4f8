import { codeText } from '../../../engine/code-texts.ts';
import { Code } from '../../../engine/codes.ts';
import type { ReportKindName } from '../../../engine/wire/names.ts';
import { priceWords, stopWords } from '../../order-words.ts';
import type { reportView } from './admin-views.ts';

/** A report in JSON. */
export type ReportJson = ReturnType<typeof reportView>;
/** What is open and filled, as text and in lots. Undefined: not known. */
interface Quantities {
  readonly leaves: string | undefined;
  readonly filled: string | undefined;
  readonly leavesLots: number | undefined;
  readonly filledLots: number | undefined;
}

interface StepKind {
  readonly kind: ReportKindName;
  /** Only reports with it. */
  readonly when?: (report: ReportJson) => boolean;
  readonly step: string;
  /** In plain words. @param quote name of the quote asset */
  readonly says: (report: ReportJson, quote: string) => string;
  /** The order after it, if it is the last step. */
  readonly status?: 'filled' | 'cancelled' | 'rejected';
  /** The order stays as it was: what is open and filled is that of the step before. */
  readonly unchanged?: true;
}

/** Codes of an amend that the exchange made, not the account. */
const REDUCED: ReadonlySet<number> = new Set([Code.CANCELLED_SELF_TRADE, Code.CANCELLED_LINKED, Code.CANCELLED_PARENT]);

/** Without what only a reader of reports needs. */
const reason = ({ code }: ReportJson): string => codeText(code).replace(/ An Amended report with this code .*$/, '');

/** The kinds of steps in the life of an order. The first row that fits a report counts; a further kind is a row. */
const STEPS: readonly StepKind[] = [
  {
    kind: 'accepted',
    when: (r) => r.duplicate === true,
    step: 'sent again',
    says: () => 'The same order again: nothing changed.',
    unchanged: true,
  },
  { kind: 'accepted', step: 'accepted', says: terms },
  { kind: 'rejected', step: 'rejected', says: (r) => `${terms(r)}: ${reason(r)}`, status: 'rejected' },
  { kind: 'fill', when: (r) => r.leavesLots === 0, step: 'filled', says: trade, status: 'filled' },
  { kind: 'fill', step: 'fill', says: trade },
  {
    kind: 'amended',
    when: (r) => r.code === Code.PARENT_FILLED,
    step: 'live',
    says: (r) => `${r.side} ${r.quantity} ${r.symbol}${priceWords(r)}, ${r.leaves} open`,
  },
  {
    kind: 'amended',
    when: (r) => REDUCED.has(r.code),
    step: 'reduced',
    says: (r) => `to ${r.leaves} open: ${reason(r)}`,
  },
  {
    kind: 'amended',
    step: 'amended',
    says: (r) => `to ${r.leaves} open${priceWords(r)}, priority ${r.keptPriority ? 'kept' : 'lost'}`,
  },
  { kind: 'stop-price-changed', step: 'stop price changed', says: (r) => `${r.side} ${r.leaves} ${r.symbol}${priceWords(r)}` },
  { kind: 'triggered', step: 'triggered', says: (r) => `${r.side} ${r.leaves} ${r.symbol}${priceWords(r)}` },
  {
    kind: 'cancelled',
    when: (r) => r.code === Code.EXPIRED,
    step: 'expired',
    says: (r) => `${r.quantity}: ${reason(r)}`,
    status: 'cancelled',
  },
  { kind: 'cancelled', step: 'cancelled', says: (r) => `${r.quantity}: ${reason(r)}`, status: 'cancelled' },
  {
    kind: 'amend-rejected',
    step: 'amend rejected',
    says: (r) => `to ${r.quantity} open at ${r.price}: ${reason(r)}`,
    unchanged: true,
  },
  { kind: 'cancel-rejected', step: 'cancel rejected', says: reason, unchanged: true },
];

function terms(report: ReportJson): string {
  const { side, quantity, symbol = '?', priceTicks, timeInForce, pegged } = report;
  const at = priceTicks === 0 && !pegged ? stopWords(report) : priceWords(report);
  return `${side} ${quantity} ${symbol}${at}, ${timeInForce}`;
}

function trade(report: ReportJson, quote: string): string {
  const { side, quantity, price, fee, tradeId, contraOrderId, maker, auction } = report;
  const role = auction ? 'in an auction' : maker ? 'as maker' : 'as taker';
  return `${side === 'sell' ? 'sold' : 'bought'} ${quantity} at ${price} ${role}, fee ${fee} ${quote}, trade ${tradeId} with ${contraOrderId === 0 ? 'a hidden order' : `order ${contraOrderId}`}`;
}

/** A report of an order as a step of its life. Undefined: it is of a kind that is none. */
export function stepView(report: ReportJson, quote: string, before: Quantities | undefined) {
  const row = STEPS.find(({ kind, when }) => kind === report.kind && (when === undefined || when(report)));
  if (row === undefined) return undefined;
  const { leaves, filled, leavesLots, filledLots } = row.unchanged ? (before ?? UNKNOWN) : report;
  return {
    step: row.step,
    text: row.says(report, quote),
    time: new Date(report.timeUs / 1000).toISOString(),
    ...report,
    leaves,
    filled,
    leavesLots,
    filledLots,
    ...(row.status && { status: row.status }),
  };
}

export type Step = NonNullable<ReturnType<typeof stepView>>;

/** The first step of a page is one that changes nothing: what was open before is not in the page. */
const UNKNOWN: Quantities = { leaves: undefined, filled: undefined, leavesLots: undefined, filledLots: undefined };
