import { availableParallelism } from 'node:os';
import { move, workerData } from 'piscina';
import { DutyLimit } from '../../../engine/threads/duty-limit.ts';
import { type CandleRange, type StoredCandles, storedCandlesOf } from '../candles/candle-queries.ts';
import { LedgerMemory, type LedgerPage, type LedgerRange, storedLedger } from '../ledger/ledger-queries.ts';
import { type PositionPage, type PositionRange, storedPositions } from '../positions/position-queries.ts';
import { type AcceptanceTimes, acceptanceTimes } from './acceptance-times.ts';
import { clientOrderLife, isBehind, type OrderLife, orderLife } from './order-life.ts';
import { packOrders } from './order-rows.ts';
import {
  accountFills,
  accountOrders,
  accountReports,
  lostReports,
  type OrderPage,
  type RecordPage,
  type TradeRange,
  tradesOf,
  type VerifiedTo,
  verifyRuns,
} from './queries.ts';
import { DamagedHistoryError, type Runs } from './run-format.ts';
import { type HistoryStore, openHistory } from './store.ts';

const ENOUGH_CORES = 4;

/** Thread entry of the query pool. It opens the history read-only, once. */
export type Query =
  | { readonly kind: 'reports'; readonly account: number; readonly from: number; readonly limit: number }
  | { readonly kind: 'fills' | 'orders'; readonly account: number; readonly before: number; readonly limit: number }
  | ({ readonly kind: 'trades'; readonly symbol: number } & TradeRange)
  | ({ readonly kind: 'candles' } & CandleRange)
  | ({ readonly kind: 'positions' /** Report number. */; readonly atLeast: number } & PositionRange)
  | ({
      readonly kind: 'ledger' /** Of the account and of the operator. */;
      readonly atLeast: number;
      readonly atLeastOperator: number;
    } & LedgerRange)
  | { readonly kind: 'accepted'; readonly account: number /** Ascending. */; readonly orderIds: Float64Array }
  | { readonly kind: 'newest'; readonly account: number; readonly atLeast: number }
  | ({ readonly kind: 'order'; readonly account: number; readonly limit: number; readonly atLeast: number } & OrderName)
  | { readonly kind: 'verify'; readonly name: 'reports' | 'trades'; readonly owner: number; readonly no: number };

/** An order, and where to continue; see {@link orderLife} and {@link clientOrderLife}. */
export type OrderName = { readonly orderId: number; readonly from: number } | { readonly clientOrderId: number; readonly before: number };

/** An error as data: one that is thrown would lose its class between threads. */
export interface Unanswered {
  /** The run that was read is damaged. */
  readonly damaged?: string;
  /** The reports up to this number are no longer kept. */
  readonly lost?: number;
  /** The history does not have report or trade `atLeast` yet. */
  readonly behind?: true;
}
export type Answer =
  | Uint8Array
  | OrderLife
  | AcceptanceTimes
  | RecordPage
  | PackedOrderPage
  | VerifiedTo
  | StoredCandles
  | PositionPage
  | LedgerPage
  | { readonly unanswered: Unanswered };

/** Orders as `order-rows.ts` packs them. */
export type PackedOrderPage = Omit<OrderPage, 'orders'> & { readonly packed: Float64Array };

/** With fewer cores than trading and queries need, a query rests between small pieces of work: see DutyLimit. */
const duty = availableParallelism() < ENOUGH_CORES ? new DutyLimit(DutyLimit.allocate()) : undefined;

let store: HistoryStore | undefined;
const ledgerMemory = new LedgerMemory();

export default function answer(query: Query): Answer {
  if (store === undefined) {
    const opened = openHistory((workerData as { dataDir: string }).dataDir, true);
    store = { ...opened, reports: withRests(opened.reports), trades: withRests(opened.trades) };
  }
  store.root.resetReadTxn();
  duty?.begin();
  try {
    return answerFrom(store, query);
  } catch (error) {
    if (error instanceof DamagedHistoryError) return { unanswered: { damaged: error.detail } };
    throw error;
  }
}

function answerFrom(store: HistoryStore, query: Query): Answer {
  switch (query.kind) {
    case 'reports': {
      const records = accountReports(store, query.account, query.from, query.limit);
      if (records.length > 0) return move(records) as Uint8Array;
      const lost = lostReports(store, query.account, query.from);
      return lost === 0 ? records : { unanswered: { lost } };
    }
    case 'fills':
      return accountFills(store, query.account, query.before, query.limit);
    case 'orders':
      return packed(accountOrders(store, query.account, query.before, query.limit));
    case 'trades':
      return tradesOf(store, query.symbol, query);
    case 'accepted':
      return acceptanceTimes(store, query.account, query.orderIds);
    case 'newest':
      return isBehind(store, query.account, query.atLeast) ? { unanswered: { behind: true } } : new Uint8Array(0);
    case 'order':
      if (isBehind(store, query.account, query.atLeast)) return { unanswered: { behind: true } };
      return 'orderId' in query
        ? orderLife(store, query.account, query.orderId, query.from, query.limit)
        : clientOrderLife(store, query.account, query.clientOrderId, query.before, query.limit);
    case 'candles':
      return storedCandlesOf(store, query) ?? { unanswered: { behind: true } };
    case 'positions':
      return isBehind(store, query.account, query.atLeast) ? { unanswered: { behind: true } } : storedPositions(store, query);
    case 'ledger':
      if (isBehind(store, query.account, query.atLeast) || isBehind(store, 0, query.atLeastOperator))
        return { unanswered: { behind: true } };
      return storedLedger(store, query, ledgerMemory);
    case 'verify':
      return verifyRuns(store, query.name, query.owner, query.no);
  }
}

function packed({ orders, ...page }: OrderPage): PackedOrderPage {
  return { ...page, packed: packOrders(orders) };
}

/** The runs, with a rest between two of them when one is due. */
function withRests(runs: Runs): Runs {
  if (duty === undefined) return runs;
  const getRange = function* (options: Parameters<Runs['getRange']>[0]) {
    for (const run of runs.getRange(options)) {
      yield run;
      duty.rest();
    }
  };
  return { getRange, getKeys: runs.getKeys.bind(runs) } as unknown as Runs;
}
