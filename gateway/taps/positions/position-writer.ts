import type { ReportView } from '../../../engine/wire/report-view.ts';
import { Position } from '../../../feeds/analysis/average-cost.ts';
import { lostReports } from '../history/queries.ts';
import { REPORT_RUNS } from '../history/run-layout.ts';
import { NEWEST, newestNo } from '../history/runs.ts';
import type { HistoryStore } from '../history/store.ts';
import { addFill, firstReportAfter, visitFills } from './position-fills.ts';
import {
  positionBase,
  positionsCompleteTo,
  positionsOf,
  putPosition,
  putPositionBase,
  putPositionsCompleteTo,
  storedPosition,
} from './position-store.ts';

/** Positions kept in memory between two commits, at most: some 20 MiB. */
const MOST_KEPT = 65_536;
/** Changed positions at which a catch-up commits, and at which the writer writes them although it is early. */
const MANY_CHANGED = 4096;
const MOST_CHANGED = 16_384;
/**
 * Otherwise positions are written after so many reports, so that a reader has few to add, and after this time, ms. They are a small part of what is
 * written then.
 */
const MOST_REPORTS = 65_536;
const WRITE_MS = 5000;
/** Fills between two calls that report the progress of a catch-up. */
const PROGRESS_FILLS = 8192;

interface Entry {
  readonly account: number;
  readonly symbol: number;
  readonly position: Position;
  isChanged: boolean;
}

/** How far the positions of stored reports are computed. */
export interface PositionProgress {
  /** Reports whose fills are in positions now. */
  readonly reports: number;
  /** All that may have had fills in no position. */
  readonly of: number;
}

/** Called between two rows. */
export type Rest = () => void;

/**
 * Adds the fills that the history's writer takes to the positions of their accounts, and now and then writes these in its transaction. A position is
 * read from the store when its first fill comes. The history's thread owns it.
 */
export class PositionWriter {
  readonly #store: HistoryStore;
  /** By account, then symbol. */
  readonly #entries = new Map<number, Map<number, Entry>>();
  readonly #changed: Entry[] = [];
  #kept = 0;
  /** Reports that were stored since the positions were. */
  #reports = 0;
  #notBefore = 0;

  constructor(store: HistoryStore) {
    this.#store = store;
  }

  /** Rows of the next commit. */
  get rows(): number {
    return this.#changed.length + 1;
  }

  /** @param report a Fill; one that was added before is ignored */
  fill(report: ReportView): void {
    const entry = this.#entry(report.account, report.symbol);
    if (!addFill(entry.position, report) || entry.isChanged) return;
    entry.isChanged = true;
    this.#changed.push(entry);
  }

  /** Stored fills or reports are not in what is written. */
  get isBehind(): boolean {
    return this.#changed.length > 0 || this.#reports > 0;
  }

  /** Whether positions are to be written with the next `reports` reports. @param nowMs steady clock */
  isDue(reports: number, nowMs: number): boolean {
    return nowMs >= this.#notBefore || this.#reports + reports >= MOST_REPORTS || this.#changed.length >= MOST_CHANGED;
  }

  /** `reports` reports were stored without the positions. */
  wait(reports: number): void {
    this.#reports += reports;
  }

  /**
   * Writes what is new, inside the transaction of the last fills. It stays until {@link clear}, so that a failed commit can be repeated.
   * @param completeTo the store has all reports up to this command
   */
  write(rest: Rest, completeTo: number): void {
    for (const { account, symbol, position } of this.#changed) {
      putPosition(this.#store.positions, account, symbol, position);
      rest();
    }
    putPositionsCompleteTo(this.#store, completeTo);
  }

  /** @param nowMs steady clock */
  clear(nowMs: number): void {
    for (const entry of this.#changed) entry.isChanged = false;
    this.#changed.length = 0;
    this.#reports = 0;
    this.#notBefore = nowMs + WRITE_MS;
    if (this.#kept <= MOST_KEPT) return;
    this.#entries.clear();
    this.#kept = 0;
  }

  /**
   * Adds the stored fills that are in no position yet: all of a store that had no positions, otherwise those that another release wrote. Call it
   * before the first fill.
   * @param upToSeq the store's watermark: reports of later commands come again
   * @param some called now and then, to commit: it calls {@link write} and {@link clear}
   * @param report called now and then, and at the end, if there are any fills
   * @throws DamagedHistoryError
   */
  catchUp(upToSeq: number, some: (completeTo: number) => void, report: (progress: PositionProgress) => void = () => undefined): void {
    const completeTo = positionsCompleteTo(this.#store);
    const isBehind = completeTo < upToSeq;
    let mark = completeTo;
    let of = 0;
    for (const account of this.#accounts(isBehind)) of += this.#newest(account) - this.#firstMissing(account, completeTo) + 1;
    let reports = 0;
    let fills = 0;
    for (const account of this.#accounts(isBehind)) {
      const from = this.#firstMissing(account, completeTo);
      if (this.#forgetLost(account)) mark = 0;
      visitFills(this.#store.reports, account, { from, to: NEWEST - 1, upToSeq }, (fill) => {
        this.fill(fill);
        if (this.#changed.length >= MANY_CHANGED) some(mark);
        if (++fills % PROGRESS_FILLS === 0) report({ reports: Math.min(reports + fill.reportNo - from + 1, of - 1), of });
      });
      reports += this.#newest(account) - from + 1;
    }
    if (mark !== upToSeq || this.#changed.length > 0) some(upToSeq);
    if (fills > 0) report({ reports: of, of });
  }

  /** Number of the account's first stored report whose fill may be in no position. */
  #firstMissing(account: number, completeTo: number): number {
    return this.#hasLost(account) ? 1 : firstReportAfter(this.#store.reports, account, completeTo);
  }

  #newest(account: number): number {
    return newestNo(this.#store.reports, account, REPORT_RUNS);
  }

  /** Accounts of which the store may lack reports; with `all`, also those that have some. */
  *#accounts(all: boolean): Generator<number> {
    const { lost, reports } = this.#store;
    const withLost = new Set(Array.from(lost.getKeys({}), Number));
    yield* withLost;
    if (!all) return;
    for (let account = 0; ; account++) {
      const next = Array.from(reports.getKeys({ start: [account, 0], end: [NEWEST, NEWEST], limit: 1 }))[0];
      if (next === undefined) return;
      [account] = next as [number, number];
      if (!withLost.has(account)) yield account;
    }
  }

  /**
   * If reports are gone that are not in the account's bases, its positions begin again with what is known, and its base says so. Until its fills are
   * added, positions are complete up to nothing, so that the next start adds them if this one ends before.
   * @returns whether there were such reports
   */
  #forgetLost(account: number): boolean {
    if (!this.#hasLost(account)) return false;
    const lostTo = lostReports(this.#store, account, 1);
    this.#store.root.transactionSync(() => {
      putPositionBase(this.#store, account, { removedTo: lostTo, lostTo });
      for (const { symbol } of Array.from(positionsOf(this.#store.positions, account))) this.#store.positions.removeSync([account, symbol]);
      for (const { symbol, position } of Array.from(positionsOf(this.#store.positionBases, account)))
        putPosition(this.#store.positions, account, symbol, position);
      putPositionsCompleteTo(this.#store, 0);
    });
    return true;
  }

  #hasLost(account: number): boolean {
    return lostReports(this.#store, account, 1) > positionBase(this.#store, account).removedTo;
  }

  #entry(account: number, symbol: number): Entry {
    let symbols = this.#entries.get(account);
    if (symbols === undefined) {
      symbols = new Map();
      this.#entries.set(account, symbols);
    }
    let entry = symbols.get(symbol);
    if (entry === undefined) {
      const position = storedPosition(this.#store.positions, account, symbol) ?? new Position();
      entry = { account, symbol, position, isChanged: false };
      symbols.set(symbol, entry);
      this.#kept++;
    }
    return entry;
  }
}
