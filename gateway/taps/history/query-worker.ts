import { move, workerData } from 'piscina';
import {
  accountFills,
  accountOrders,
  accountReports,
  lostReports,
  type OrderPage,
  type RecordPage,
  symbolTrades,
  type VerifiedTo,
  verifyRuns,
} from './queries.ts';
import { DamagedHistoryError } from './run-format.ts';
import { type HistoryStore, openHistory } from './store.ts';

/** Thread entry of the query pool. It opens the history read-only, once. */
export type Query =
  | { readonly kind: 'reports'; readonly account: number; readonly from: number; readonly limit: number }
  | { readonly kind: 'fills' | 'orders'; readonly account: number; readonly before: number; readonly limit: number }
  | { readonly kind: 'trades'; readonly symbol: number; readonly before: number; readonly limit: number }
  | { readonly kind: 'verify'; readonly name: 'reports' | 'trades'; readonly owner: number; readonly no: number };

/** An error as data: one that is thrown would lose its class between threads. */
export interface Unanswered {
  /** The run that was read is damaged. */
  readonly damaged?: string;
  /** The reports up to this number are no longer kept. */
  readonly lost?: number;
}
export type Answer = Uint8Array | RecordPage | OrderPage | VerifiedTo | { readonly unanswered: Unanswered };

let store: HistoryStore | undefined;

export default function answer(query: Query): Answer {
  store ??= openHistory((workerData as { dataDir: string }).dataDir, true);
  store.root.resetReadTxn();
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
      return accountOrders(store, query.account, query.before, query.limit);
    case 'trades':
      return symbolTrades(store, query.symbol, query.before, query.limit);
    case 'verify':
      return verifyRuns(store, query.name, query.owner, query.no);
  }
}
