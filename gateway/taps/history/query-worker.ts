import { availableParallelism } from 'node:os';
import { move, workerData } from 'piscina';
import { DutyLimit } from '../../../engine/threads/duty-limit.ts';
import { packOrders } from './order-rows.ts';
import { accountFills, accountOrders, accountReports, type OrderPage, type RecordPage, symbolTrades } from './queries.ts';
import { type HistoryStore, openHistory, type Runs } from './store.ts';

const ENOUGH_CORES = 4;

/** Thread entry of the query pool. It opens the history read-only, once. */
export type Query =
  | { readonly kind: 'reports'; readonly account: number; readonly from: number; readonly limit: number }
  | { readonly kind: 'fills' | 'orders'; readonly account: number; readonly before: number; readonly limit: number }
  | { readonly kind: 'trades'; readonly symbol: number; readonly before: number; readonly limit: number };

/** Orders as `order-rows.ts` packs them. */
export type PackedOrderPage = Omit<OrderPage, 'orders'> & { readonly packed: Float64Array };

/** With fewer cores than trading and queries need, a query rests between small pieces of work: see DutyLimit. */
const duty = availableParallelism() < ENOUGH_CORES ? new DutyLimit(DutyLimit.allocate()) : undefined;

let store: HistoryStore | undefined;

export default function answer(query: Query): Uint8Array | RecordPage | PackedOrderPage {
  if (store === undefined) {
    const opened = openHistory((workerData as { dataDir: string }).dataDir, true);
    store = { ...opened, reports: withRests(opened.reports), trades: withRests(opened.trades) };
  }
  store.root.resetReadTxn();
  duty?.begin();
  switch (query.kind) {
    case 'reports':
      return move(accountReports(store, query.account, query.from, query.limit)) as Uint8Array;
    case 'fills':
      return accountFills(store, query.account, query.before, query.limit);
    case 'orders':
      return packed(accountOrders(store, query.account, query.before, query.limit));
    case 'trades':
      return symbolTrades(store, query.symbol, query.before, query.limit);
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
