import { ReportKind } from '../../../engine/wire/layout.ts';
import type { ReportView } from '../../../engine/wire/report-view.ts';
import { type LedgerMark, type LedgerStore, ledgerMark, type MoneyMove, putLedgerMark, putMove } from './ledger-store.ts';

/** Takes deposits and withdrawals out of the reports that the history's writer takes, and writes them in its transaction. The history's thread owns it. */
export class LedgerWriter {
  readonly #store: LedgerStore;
  readonly #moves: MoneyMove[] = [];
  /** An earlier release has written the store. Write the mark before the first query, which otherwise takes its ledger for complete. */
  readonly isNew: boolean;
  #mark: LedgerMark;

  /** @param watermark the store has the reports of commands up to this one */
  constructor(store: LedgerStore, watermark: number) {
    this.#store = store;
    const stored = ledgerMark(store);
    this.#mark = markOf(stored, watermark);
    this.isNew = watermark > 0 && stored !== this.#mark;
  }

  /** Rows of the next commit. */
  get rows(): number {
    return this.#moves.length + 1;
  }

  /** @param report of the operator's stream */
  answer(report: ReportView): void {
    const { kind, fee: amount } = report;
    // Only a deposit or withdrawal has an amount, and none that repeats an earlier one.
    if (kind !== ReportKind.Accepted || amount === 0) return;
    const { contraOrderId: account, seq, timeUs, symbol: asset, filled: balance, tradeId: afterNo } = report;
    this.#moves.push({ account, seq, timeUs, asset, amount, balance, afterNo });
  }

  /**
   * Writes what is new, inside the transaction of the reports. It stays until {@link clear}, so that a failed commit can be repeated.
   * @param completeTo the store has all reports up to this command
   */
  write(completeTo: number): void {
    for (const move of this.#moves) putMove(this.#store, move);
    this.#mark = { ...this.#mark, completeTo };
    putLedgerMark(this.#store, this.#mark);
  }

  clear(): void {
    this.#moves.length = 0;
  }
}

/** Where an earlier release has written reports, it has not written deposits and withdrawals: they are complete after it. */
function markOf(stored: LedgerMark | undefined, watermark: number): LedgerMark {
  if (stored === undefined && watermark === 0) return { from: 1, completeTo: 0, opened: true };
  if (stored !== undefined && stored.completeTo >= watermark) return stored;
  return { from: watermark + 1, completeTo: watermark, opened: false };
}
