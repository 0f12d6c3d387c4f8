import type { ReportView } from '../../../engine/wire/report-view.ts';
import { Position } from '../../../feeds/analysis/average-cost.ts';
import { lostReports } from '../history/queries.ts';
import { fieldOf, REPORT_RUNS } from '../history/run-format.ts';
import { NEWEST, visitBackwards } from '../history/runs.ts';
import type { HistoryStore } from '../history/store.ts';
import { addFill, visitFills } from './position-fills.ts';
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
/** Changed positions at which a catch-up commits. */
const MANY_CHANGED = 4096;

interface Entry {
  readonly account: number;
  readonly symbol: number;
  readonly position: Position;
  isChanged: boolean;
}

/** Called between two rows. */
export type Rest = () => void;

/**
 * Adds the fills that the history's writer takes to the positions of their accounts, and writes these in its transaction. A position is read from the
 * store when its first fill comes. The history's thread owns it.
 */
export class PositionWriter {
  readonly #store: HistoryStore;
  /** By account, then symbol. */
  readonly #entries = new Map<number, Map<number, Entry>>();
  readonly #changed: Entry[] = [];
  #kept = 0;

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

  /**
   * Writes what is new, inside the transaction of the fills. It stays until {@link clear}, so that a failed commit can be repeated.
   * @param completeTo the store has all reports up to this command
   */
  write(rest: Rest, completeTo: number): void {
    for (const { account, symbol, position } of this.#changed) {
      putPosition(this.#store.positions, account, symbol, position);
      rest();
    }
    putPositionsCompleteTo(this.#store, completeTo);
  }

  clear(): void {
    for (const entry of this.#changed) entry.isChanged = false;
    this.#changed.length = 0;
    if (this.#kept <= MOST_KEPT) return;
    this.#entries.clear();
    this.#kept = 0;
  }

  /**
   * Adds the stored fills that are in no position yet: all of a store that had no positions, otherwise those that another release wrote. Call it
   * before the first fill.
   * @param upToSeq the store's watermark: reports of later commands come again
   * @param some called now and then, to commit: it calls {@link write} and {@link clear}
   * @throws DamagedHistoryError
   */
  catchUp(upToSeq: number, some: (completeTo: number) => void): void {
    const completeTo = positionsCompleteTo(this.#store);
    for (const account of this.#accounts(completeTo < upToSeq)) {
      const from = this.#forgetLost(account) ? 1 : this.#firstAfter(account, completeTo);
      visitFills(this.#store.reports, account, { from, to: NEWEST - 1, upToSeq }, (report) => {
        this.fill(report);
        if (this.#changed.length >= MANY_CHANGED) some(completeTo);
      });
    }
    if (completeTo !== upToSeq || this.#changed.length > 0) some(upToSeq);
  }

  /** Accounts of which the store may lack reports; with `all`, also those that have some. */
  *#accounts(all: boolean): Generator<number> {
    const { lost, reports } = this.#store;
    for (const account of Array.from(lost.getKeys({}), Number)) yield account;
    if (!all) return;
    for (let account = 0; ; account++) {
      const next = Array.from(reports.getKeys({ start: [account, 0], end: [NEWEST, NEWEST], limit: 1 }))[0];
      if (next === undefined) return;
      [account] = next as [number, number];
      yield account;
    }
  }

  /**
   * If reports are gone that are not in the account's bases, its positions begin again with what is known, and its base says so.
   * @returns whether they do
   */
  #forgetLost(account: number): boolean {
    const lostTo = lostReports(this.#store, account, 1);
    if (lostTo <= positionBase(this.#store, account).removedTo) return false;
    this.#store.root.transactionSync(() => {
      putPositionBase(this.#store, account, { removedTo: lostTo, lostTo });
      for (const { symbol } of Array.from(positionsOf(this.#store.positions, account))) this.#store.positions.removeSync([account, symbol]);
      for (const { symbol, position } of Array.from(positionsOf(this.#store.positionBases, account)))
        putPosition(this.#store.positions, account, symbol, position);
    });
    return true;
  }

  /** Number of the account's first stored report of a command after `seq`. */
  #firstAfter(account: number, seq: number): number {
    let first = 1;
    visitBackwards(this.#store.reports, account, NEWEST, REPORT_RUNS, (no, bytes, offset) => {
      if (fieldOf(bytes, offset + REPORT_RUNS.seqAt) > seq) return true;
      first = no + 1;
      return false;
    });
    return first;
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
