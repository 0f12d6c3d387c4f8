import { Position } from '../../../feeds/analysis/average-cost.ts';
import { NEWEST } from '../history/runs.ts';
import { addFill, visitFills } from './position-fills.ts';
import {
  type FillStore,
  positionBase,
  positionsCompleteTo,
  positionsOf,
  putPosition,
  putPositionBase,
  putPositionsCompleteTo,
  storedPosition,
} from './position-store.ts';

/**
 * The positions of an account computed from its bases and its stored reports of commands up to `upToSeq`, by symbol.
 * @throws DamagedHistoryError
 */
export function recomputePositions(store: FillStore, account: number, upToSeq: number): Map<number, Position> {
  const positions = new Map<number, Position>();
  for (const { symbol, position } of positionsOf(store.positionBases, account)) positions.set(symbol, position);
  visitFills(store.reports, account, { from: 1, to: NEWEST - 1, upToSeq }, (report) => {
    let position = positions.get(report.symbol);
    if (position === undefined) {
      position = new Position();
      positions.set(report.symbol, position);
    }
    addFill(position, report);
  });
  return positions;
}

/** Positions that hold fills of commands after `seq`, at most this many rows change. @throws DamagedHistoryError */
export function positionsAfter(store: FillStore, seq: number): number {
  let rows = 0;
  for (const account of accountsAfter(store, seq)) for (const _ of positionsOf(store.positions, account)) rows += 2;
  return rows + 1;
}

/**
 * Computes positions again that hold fills of commands after `seq`, for a log that was cut there. Call it inside the transaction that has removed their
 * reports. Fills before the cut that retention has removed together with later ones are lost, and the base of the account says so.
 * @throws DamagedHistoryError
 */
export function truncatePositions(store: FillStore, seq: number): void {
  for (const account of accountsAfter(store, seq)) {
    for (const { symbol } of Array.from(positionsOf(store.positions, account))) store.positions.removeSync([account, symbol]);
    const bases = Array.from(positionsOf(store.positionBases, account));
    if (bases.some(({ position }) => position.seq > seq)) {
      for (const { symbol } of bases) store.positionBases.removeSync([account, symbol]);
      const { removedTo } = positionBase(store, account);
      putPositionBase(store, account, { removedTo, lostTo: removedTo });
    }
    for (const [symbol, position] of recomputePositions(store, account, seq)) putPosition(store.positions, account, symbol, position);
  }
  if (positionsCompleteTo(store) > seq) putPositionsCompleteTo(store, seq);
}

function accountsAfter(store: FillStore, seq: number): Set<number> {
  const accounts = new Set<number>();
  for (const rows of [store.positions, store.positionBases])
    for (const { key } of rows.getRange({})) {
      const [account, symbol] = key;
      if (symbol !== 0 && (storedPosition(rows, account, symbol)?.seq ?? 0) > seq) accounts.add(account);
    }
  return accounts;
}

/**
 * Moves the fills of an account's reports that are going to be removed into its bases, and into positions that do not have them yet. Call it inside
 * the transaction that removes them.
 * @param to number of the last one of them @throws DamagedHistoryError
 */
export function removeFills(store: FillStore, account: number, to: number): void {
  const changed = new Map<number, Position>();
  visitFills(store.reports, account, { from: 1, to, upToSeq: Number.MAX_SAFE_INTEGER }, (report) => {
    let position = changed.get(report.symbol);
    if (position === undefined) {
      position = storedPosition(store.positionBases, account, report.symbol) ?? new Position();
      changed.set(report.symbol, position);
    }
    addFill(position, report);
  });
  for (const [symbol, position] of changed) {
    putPosition(store.positionBases, account, symbol, position);
    const reportNo = storedPosition(store.positions, account, symbol)?.reportNo ?? 0;
    if (reportNo < position.reportNo) putPosition(store.positions, account, symbol, position);
  }
  putPositionBase(store, account, { ...positionBase(store, account), removedTo: to });
}
