import { ReportKind } from '../../../engine/wire/layout.ts';
import { ReportView } from '../../../engine/wire/report-view.ts';
import { lostReports, SCAN_LIMIT } from '../history/queries.ts';
import { fieldOf, recordsOf, wordsOf } from '../history/run-format.ts';
import { REPORT_RUNS } from '../history/run-layout.ts';
import { NEWEST, newestNo, visitBackwards } from '../history/runs.ts';
import type { HistoryStore } from '../history/store.ts';
import { newestBalances, settledBy, type Units } from './ledger-balances.ts';
import { type LedgerEntry, LedgerKind, type LedgerPlace, packEntries } from './ledger-entry.ts';
import { type LedgerMark, ledgerMark, type MoneyMove, movesBefore } from './ledger-store.ts';

/** Which entries of an account. */
export interface LedgerRange {
  readonly account: number;
  /** Undefined: from the newest on. */
  readonly before: LedgerPlace | undefined;
  readonly limit: number;
  /** Undefined: of all assets. */
  readonly asset: number | undefined;
  /** Bits: 1 << LedgerKind. */
  readonly kinds: number;
  /** Of the time of an entry, microseconds: from the first, below the second. */
  readonly fromUs: number;
  readonly toUs: number;
  /** Rows of five: symbol, base asset, quote asset, and the units of a lot and of a tick times a lot. */
  readonly symbols: Float64Array;
}

/** Entries of the ledger of an account, as of the last commit of the history, newest first. */
export interface LedgerPage {
  /** See ledger-entry.ts. */
  readonly packed: Float64Array;
  /** Pass it as `before` for the next page; left out: this is the last one. */
  readonly next?: LedgerPlace;
  /** Number of the account's last report that is no longer kept; left out if all are. */
  readonly lost?: number;
  /** Deposits and withdrawals of earlier commands are missing; left out if none are. */
  readonly from?: number;
}

const UNKNOWN: LedgerMark = { from: 1, completeTo: 0, opened: true };
const SYMBOL_FIELDS = 5;
/** A leg above all legs of a fill: its place is before all entries of it. */
const ALL_LEGS = 4;

/**
 * Balances at the ends of pages, so that the next page does not begin with the newest entry again. A thread of queries owns it: the balances at a
 * place never change while it runs.
 */
export class LedgerMemory {
  readonly #most: number;
  readonly #balances = new Map<string, ReadonlyMap<number, number>>();

  constructor(most = 64) {
    this.#most = most;
  }

  get(account: number, place: LedgerPlace): ReadonlyMap<number, number> | undefined {
    return this.#balances.get(keyOf(account, place));
  }

  keep(account: number, place: LedgerPlace, balances: ReadonlyMap<number, number>): void {
    const key = keyOf(account, place);
    this.#balances.delete(key);
    this.#balances.set(key, balances);
    for (const oldest of this.#balances.keys()) {
      if (this.#balances.size <= this.#most) break;
      this.#balances.delete(oldest);
    }
  }
}

function keyOf(account: number, { reportNo, seq, leg }: LedgerPlace): string {
  return `${account} ${reportNo} ${seq} ${leg === 0}`;
}

/**
 * The entries are made of the account's fills and of its stored deposits and withdrawals. The balance after each is computed from the newest
 * one backwards, where that is at most `most` reports away or the page before ended there; otherwise it is not known.
 * @throws DamagedHistoryError
 */
export function storedLedger(store: HistoryStore, range: LedgerRange, memory: LedgerMemory, most = SCAN_LIMIT): LedgerPage {
  const { account } = range;
  const mark = ledgerMark(store) ?? UNKNOWN;
  const units = unitsOf(range.symbols);
  const start = range.before ?? placeOfTime(store, account, range.toUs);
  const near = start === undefined || newestNo(store.reports, account, REPORT_RUNS) - start.reportNo < most;
  const kept = start && memory.get(account, start);
  const balances = kept ? new Map(kept) : near ? newestBalances(store, account, mark, units) : undefined;
  const fromNewest = kept === undefined && balances !== undefined;
  const page = new PageWalk(store, range, units, balances, start, most);
  const next = page.walk(fromNewest ? undefined : start);
  if (next !== undefined && page.balancesAtNext !== undefined) memory.keep(account, next, page.balancesAtNext);
  const lost = lostReports(store, account, 1);
  return {
    packed: packEntries(page.entries),
    ...(next && { next }),
    ...(lost > 0 && { lost }),
    ...(mark.from > 1 && { from: mark.from }),
  };
}

/** The place before the first report of the account at or after a time; undefined: there is none. Where only deposits follow, the newest entry is near. */
function placeOfTime(store: HistoryStore, account: number, timeUs: number): LedgerPlace | undefined {
  if (timeUs === Number.POSITIVE_INFINITY) return undefined;
  let place: LedgerPlace | undefined;
  let [low, high] = [1, newestNo(store.reports, account, REPORT_RUNS)];
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const found = reportAt(store, account, middle);
    if (found === undefined || found.timeUs >= timeUs) high = middle - 1;
    else low = found.reportNo + 1;
    if (found !== undefined && found.timeUs >= timeUs) place = { reportNo: found.reportNo, seq: found.seq, leg: 1 };
  }
  return place;
}

/** The newest stored report numbered `no` at most, else the oldest one. */
function reportAt(store: HistoryStore, account: number, no: number): { reportNo: number; seq: number; timeUs: number } | undefined {
  const { bytes, seqAt, timeAt } = REPORT_RUNS;
  const older = { start: [account, no], end: [account, 0], reverse: true, limit: 1 };
  const newer = { start: [account, no], end: [account, NEWEST], limit: 1 };
  const [run] = [...store.reports.getRange(older), ...store.reports.getRange(newer)];
  if (run === undefined) return undefined;
  const first = (run.key as [number, number])[1];
  const records = recordsOf(REPORT_RUNS, account, first, run.value);
  const i = Math.min(Math.max(no - first, 0), records.length / bytes - 1);
  return { reportNo: first + i, seq: fieldOf(records, i * bytes + seqAt), timeUs: fieldOf(records, i * bytes + timeAt) };
}

function unitsOf(symbols: Float64Array): Units {
  const units = new Map();
  for (let at = 0; at < symbols.length; at += SYMBOL_FIELDS) {
    const [symbol, baseAsset, quoteAsset, basePerLot, quotePerTickLot] = symbols.subarray(at, at + SYMBOL_FIELDS);
    units.set(symbol, { baseAsset, quoteAsset, basePerLot, quotePerTickLot });
  }
  return units;
}

/** Whether an entry is older than a place. Deposits and withdrawals follow the report of their number. */
function isBefore(entry: LedgerPlace, place: LedgerPlace): boolean {
  if (place.leg !== 0)
    return entry.reportNo < place.reportNo || (entry.reportNo === place.reportNo && entry.leg > 0 && entry.leg < place.leg);
  return entry.leg === 0 ? entry.seq < place.seq : entry.reportNo <= place.reportNo;
}

/** Whether a deposit or withdrawal is newer than the fill, or deposit or withdrawal, at a place. */
function isAfter({ afterNo, seq }: MoneyMove, place: LedgerPlace): boolean {
  return place.leg === 0 ? seq > place.seq : afterNo >= place.reportNo;
}

/** Walks back over what changed the balances of an account, and collects the entries of a page. */
class PageWalk {
  readonly entries: LedgerEntry[] = [];
  /** Balances after what is at the place where the next page begins. */
  balancesAtNext: ReadonlyMap<number, number> | undefined;
  readonly #store: HistoryStore;
  readonly #range: LedgerRange;
  readonly #units: Units;
  /** Going back: before what was visited last. Undefined: not known. */
  readonly #balances: Map<number, number> | undefined;
  readonly #start: LedgerPlace | undefined;
  readonly #most: number;
  readonly #report = new ReportView();
  /** Balances of the assets of the fill, deposit or withdrawal that is visited, after it. */
  readonly #after = { asset: 0, balance: 0, otherAsset: 0, otherBalance: 0 };
  /** Of the last entry of a full page. */
  #last: LedgerPlace | undefined;
  #next: LedgerPlace | undefined;
  #ended = false;
  #run: Buffer | undefined;
  #words: Int32Array = new Int32Array(0);

  constructor(
    store: HistoryStore,
    range: LedgerRange,
    units: Units,
    balances: Map<number, number> | undefined,
    start: LedgerPlace | undefined,
    most: number,
  ) {
    this.#store = store;
    this.#range = range;
    this.#units = units;
    this.#balances = balances;
    this.#start = start;
    this.#most = most;
  }

  /** @param from the balances are those after what is at this place; undefined: after all @returns where the next page begins */
  walk(from: LedgerPlace | undefined): LedgerPlace | undefined {
    const { account, fromUs } = this.#range;
    const moves = movesBefore(this.#store, account, from === undefined ? NEWEST : from.seq + 1);
    let move = moves.next();
    while (!move.done && from !== undefined && isAfter(move.value, from)) move = moves.next();
    let scanned = 0;
    const before = from === undefined ? NEWEST : from.reportNo + 1;
    visitBackwards(this.#store.reports, account, before, REPORT_RUNS, (no, bytes, offset) => {
      for (; !move.done && move.value.afterNo >= no && !this.#ended; move = moves.next()) this.#move(move.value);
      if (this.#ended) return false;
      const report = this.#reportAt(bytes, offset);
      if (++scanned > this.#most) this.#stopAt({ reportNo: no, seq: report.seq, leg: ALL_LEGS }, this.#balances);
      else if (report.timeUs < fromUs) this.#ended = true;
      else if (report.kind === ReportKind.Fill) this.#fill(report);
      return !this.#ended;
    });
    for (; !move.done && !this.#ended; move = moves.next()) this.#move(move.value);
    return this.#next;
  }

  #move({ seq, timeUs, asset, amount, balance, afterNo }: MoneyMove): void {
    this.#visit(asset, asset);
    const kind = amount < 0 ? LedgerKind.Withdrawal : LedgerKind.Deposit;
    const none = { symbol: 0, side: 0, price: 0, quantity: 0, orderId: 0, clientOrderId: 0, tradeId: 0 };
    this.#add({ reportNo: afterNo, seq, leg: 0, kind, timeUs, asset, amount, balance, ...none });
    this.#undo(asset, amount);
  }

  #fill(report: ReportView): void {
    const { base, quote, fee, baseAsset, quoteAsset } = settledBy(report, this.#units);
    this.#visit(baseAsset, quoteAsset);
    this.#leg(report, 3, fee < 0 ? LedgerKind.Fee : LedgerKind.Rebate, quoteAsset, fee);
    this.#leg(report, 2, LedgerKind.Settlement, quoteAsset, quote);
    this.#leg(report, 1, LedgerKind.Settlement, baseAsset, base);
  }

  #leg(report: ReportView, leg: number, kind: number, asset: number, amount: number): void {
    if (amount !== 0 && this.#shows(kind, asset)) {
      const { reportNo, seq, timeUs, symbol, side, price, quantity, orderId, clientOrderId, tradeId } = report;
      const fill = { reportNo, seq, timeUs, symbol, side, price, quantity, orderId, clientOrderId, tradeId };
      this.#add({ ...fill, leg, kind, asset, amount, balance: this.#balanceOf(asset) });
    }
    this.#undo(asset, amount);
  }

  /** Notes the balances before the assets change. */
  #visit(asset: number, otherAsset: number): void {
    const after = this.#after;
    after.asset = asset;
    after.balance = this.#balanceOf(asset);
    after.otherAsset = otherAsset;
    after.otherBalance = this.#balanceOf(otherAsset);
  }

  #shows(kind: number, ofAsset: number): boolean {
    const { asset, kinds } = this.#range;
    return (asset === undefined || asset === ofAsset) && (kinds & (1 << kind)) !== 0;
  }

  #add(entry: LedgerEntry): void {
    const { fromUs, toUs, limit } = this.#range;
    if (this.#ended || (this.#start !== undefined && !isBefore(entry, this.#start))) return;
    if (entry.timeUs < fromUs) {
      this.#ended = true;
      return;
    }
    if (entry.timeUs >= toUs || !this.#shows(entry.kind, entry.asset)) return;
    if (this.entries.length === limit) {
      this.#ended = true;
      this.#next = this.#last;
      return;
    }
    this.entries.push(entry);
    if (this.entries.length === limit) this.#noteLast(entry);
  }

  /** The page is full; whether there is a next one, a further entry shows. */
  #noteLast({ reportNo, seq, leg }: LedgerEntry): void {
    const { asset, balance, otherAsset, otherBalance } = this.#after;
    this.#last = { reportNo, seq, leg };
    this.balancesAtNext = this.#balances && new Map(this.#balances).set(asset, balance).set(otherAsset, otherBalance);
  }

  /** The limit of reports ends the walk. */
  #stopAt(next: LedgerPlace, balances: ReadonlyMap<number, number> | undefined): void {
    this.#ended = true;
    this.#next = this.#last ?? next;
    if (this.#last === undefined) this.balancesAtNext = balances && new Map(balances);
  }

  #balanceOf(asset: number): number {
    return this.#balances === undefined ? Number.NaN : (this.#balances.get(asset) ?? 0);
  }

  #undo(asset: number, amount: number): void {
    this.#balances?.set(asset, this.#balanceOf(asset) - amount);
  }

  /** Runs need not be aligned: one copy for each. */
  #reportAt(bytes: Buffer, offset: number): ReportView {
    if (bytes !== this.#run) {
      this.#run = bytes;
      this.#words = wordsOf(bytes);
    }
    return this.#report.wrap(this.#words, offset / 4);
  }
}
