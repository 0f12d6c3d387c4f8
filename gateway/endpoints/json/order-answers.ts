import { Code } from '../../../engine/codes.ts';
import { ReportsGoneError } from '../../sessions/report-cursor.ts';
import { HistoryBusyError } from '../../taps/history/history.ts';
import { DamagedHistoryError } from '../../taps/history/run-format.ts';
import type { Asker } from './asker.ts';
import { balanceView } from './balance-feed.ts';
import { jsonBytes, LongList } from './json-pieces.ts';
import type { KnownSymbols } from './known-symbols.ts';
import { openOrderPage } from './open-order-page.ts';
import { idNumber } from './order-ids.ts';
import { listedOrderView } from './order-list-view.ts';
import { readOrder } from './order-reader.ts';
import type { OrderSources } from './order-sources.ts';
import { orderIdsOf } from './request-commands.ts';
import { RequestError } from './request-error.ts';
import { MAX_PAGE, MAX_SNAPSHOT, type OrderRequest, type RequestOf } from './schemas/order-messages.ts';

/** The requests that are answered from the state of the engine and the history. */
export type QueryRequest = Extract<OrderRequest, { op: 'snapshot' | 'orders' | 'order' }>;

/** Answers queries of sessions, in slices. I/O thread. */
export class OrderAnswers {
  readonly #sources: OrderSources;
  readonly #symbols: KnownSymbols;

  constructor(sources: OrderSources, symbols: KnownSymbols) {
    this.#sources = sources;
    this.#symbols = symbols;
  }

  /**
   * @param shown resolves when reports of the account up to a number may be shown: the engine's state may be ahead of what is on the disk
   * @throws RequestError, and what the history throws
   */
  async answer(request: QueryRequest, account: number, asker: Asker, shown: (reportNo: number) => Promise<void>): Promise<Buffer> {
    const tag = request.tag ? { tag: request.tag } : {};
    switch (request.op) {
      case 'snapshot':
        return this.#snapshot(tag, account, asker, shown);
      case 'orders':
        return this.#orders(request, tag, account, asker);
      case 'order': {
        const order = await readOrder(this.#sources, asker, account, orderIdsOf(request));
        return Buffer.from(JSON.stringify({ kind: 'order', ...tag, order }));
      }
    }
  }

  /** Looks up what a snapshot needs of the history, so that it is made without waiting for it. */
  async prepareSnapshot(account: number, asker: Asker): Promise<void> {
    const { directory, accepted } = this.#sources;
    const { orders } = await asker.inSlices(directory.openOrdersInSteps(account, MAX_SNAPSHOT));
    await accepted.of(account, orders, asker);
  }

  async #snapshot(tag: object, account: number, asker: Asker, shown: (reportNo: number) => Promise<void>): Promise<Buffer> {
    const { directory, accepted } = this.#sources;
    const { inSlices } = asker;
    // One more than are sent shows that there are more.
    const found = await inSlices(directory.openOrdersInSteps(account, MAX_SNAPSHOT + 1, 0, true));
    const { balances, lastReportNo } = found.at ?? directory.balances(account);
    const orders = found.orders.slice(0, MAX_SNAPSHOT);
    const complete = found.at !== undefined && found.orders.length === orders.length;
    await shown(lastReportNo);
    const times = await accepted.recent(account, orders, asker);
    const message = {
      ...{ kind: 'snapshot', ...tag, lastReportNo, complete },
      orders: new LongList(views(orders, (order) => listedOrderView(this.#symbols, account, order, undefined, times))),
      balances: new LongList(views(balances, balanceView)),
    };
    return inSlices(jsonBytes(message));
  }

  async #orders({ symbol, limit = MAX_PAGE, after }: RequestOf<'orders'>, tag: object, account: number, asker: Asker) {
    const page = {
      limit,
      after: after === undefined ? 0 : idNumber(after, 'after'),
      symbol: symbol === undefined ? undefined : this.#symbols.units(symbol).id,
    };
    const { orders, next, complete } = await openOrderPage(this.#sources, asker, account, page);
    return asker.inSlices(jsonBytes({ kind: 'orders', ...tag, orders: new LongList(orders), next: String(next), complete }));
  }
}

/** What a query failed with, for its caller; undefined: a fault of the exchange. */
export function queryError(error: unknown): RequestError | undefined {
  if (error instanceof RequestError) return error;
  if (error instanceof ReportsGoneError) return new RequestError(Code.REPORTS_GONE, 'REPORTS_GONE', error.message);
  if (error instanceof HistoryBusyError || error instanceof DamagedHistoryError) return new RequestError(Code.BUSY, 'BUSY', error.message);
  return undefined;
}

function* views<Item>(items: readonly Item[], view: (item: Item) => object | undefined): Generator<object> {
  for (const item of items) {
    const shown = view(item);
    if (shown !== undefined) yield shown;
  }
}
