import type { ReportView } from '../../../engine/wire/report-view.ts';
import { Position } from '../../../feeds/analysis/average-cost.ts';
import { addFill } from './position-fills.ts';
import { type PositionStore, positionBase, positionsCompleteTo, storedPosition } from './position-store.ts';

interface Audited {
  readonly account: number;
  readonly symbol: number;
  /** After the fills of the log so far. */
  readonly position: Position;
  readonly stored: Position | undefined;
  /** The computed position was the stored one when it had the same last report. */
  agreed: boolean;
}

/** Positions of the log, and of the store as far as it goes, that are not the same. */
export interface PositionDifference {
  readonly account: number;
  readonly symbol: number;
}

/**
 * Computes positions from the fills of a log that begins with command 1, and compares them with the stored ones: each when it has the last
 * report that the stored one includes, because the log may hold more.
 */
export class PositionAudit {
  /** By account, then symbol. */
  readonly #audited = new Map<number, Map<number, Audited>>();
  readonly #store: PositionStore | undefined;
  readonly #completeTo: number;

  /** @param store undefined: nothing is compared @throws DamagedHistoryError */
  constructor(store: PositionStore | undefined) {
    this.#store = store;
    this.#completeTo = store === undefined ? 0 : positionsCompleteTo(store);
  }

  /** @param report a Fill of the log, in order */
  fill(report: ReportView): void {
    const { account, symbol } = report;
    const audited = this.#of(account, symbol);
    addFill(audited.position, report);
    const { position, stored } = audited;
    // A fill that the store should have, and does not, leaves the position without agreement.
    if (stored !== undefined && position.reportNo > stored.reportNo && report.seq <= this.#completeTo) audited.agreed = false;
    if (stored === undefined && report.seq <= this.#completeTo) audited.agreed = false;
    if (position.reportNo === stored?.reportNo) audited.agreed = position.state.every((value, i) => value === stored.state[i]);
  }

  /** The positions of an account after the last fill, by symbol. */
  positionsOf(account: number): { readonly symbol: number; readonly position: Position }[] {
    return Array.from(this.#audited.get(account)?.values() ?? []).sort((a, b) => a.symbol - b.symbol);
  }

  /** Accounts with fills. */
  accounts(): number[] {
    return Array.from(this.#audited.keys()).sort((a, b) => a - b);
  }

  /** Accounts of which the store has lost fills: they are not compared. */
  lost(): number[] {
    const store = this.#store;
    return store === undefined ? [] : this.accounts().filter((account) => positionBase(store, account).lostTo > 0);
  }

  /** What differs, after the last fill of the log; also stored positions that the log does not have. */
  differences(): PositionDifference[] {
    const lost = new Set(this.lost());
    const differences: PositionDifference[] = [];
    for (const symbols of this.#audited.values())
      for (const { account, symbol, agreed } of symbols.values()) if (!agreed && !lost.has(account)) differences.push({ account, symbol });
    for (const key of this.#store?.positions.getKeys({}) ?? []) {
      const [account, symbol] = key;
      if (symbol !== 0 && this.#audited.get(account)?.get(symbol) === undefined) differences.push({ account, symbol });
    }
    return differences;
  }

  #of(account: number, symbol: number): Audited {
    let symbols = this.#audited.get(account);
    if (symbols === undefined) {
      symbols = new Map();
      this.#audited.set(account, symbols);
    }
    let audited = symbols.get(symbol);
    if (audited === undefined) {
      const stored = this.#store && storedPosition(this.#store.positions, account, symbol);
      // Until the fills of the store have come, a stored position is not confirmed.
      audited = { account, symbol, position: new Position(), stored, agreed: stored === undefined };
      symbols.set(symbol, audited);
    }
    return audited;
  }
}
