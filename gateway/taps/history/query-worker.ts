import { move, workerData } from 'piscina';
import { accountFills, accountOrders, accountReports, type OrderPage, type RecordPage, symbolTrades } from './queries.ts';
import { type HistoryStore, openHistory } from './store.ts';

/** Thread entry of the query pool. It opens the history read-only, once. */
export type Query =
  | { readonly kind: 'reports'; readonly account: number; readonly from: number; readonly limit: number }
  | { readonly kind: 'fills' | 'orders'; readonly account: number; readonly before: number; readonly limit: number }
  | { readonly kind: 'trades'; readonly symbol: number; readonly before: number; readonly limit: number };

let store: HistoryStore | undefined;

export default function answer(query: Query): Uint8Array | RecordPage | OrderPage {
  store ??= openHistory((workerData as { dataDir: string }).dataDir, true);
  store.root.resetReadTxn();
  switch (query.kind) {
    case 'reports':
      return move(accountReports(store, query.account, query.from, query.limit)) as Uint8Array;
    case 'fills':
      return accountFills(store, query.account, query.before, query.limit);
    case 'orders':
      return accountOrders(store, query.account, query.before, query.limit);
    case 'trades':
      return symbolTrades(store, query.symbol, query.before, query.limit);
  }
}
