import { eachSymbolOnce } from './amounts.ts';
import type { Asker } from './asker.ts';
import { listedOrderView } from './order-list-view.ts';
import type { OrderSources } from './order-sources.ts';

export interface PageOptions {
  readonly limit: number;
  /** Only above this order id. */
  readonly after: number;
  /** Only of this symbol. Undefined: of all. */
  readonly symbol: number | undefined;
}

/**
 * Open orders of an account, lowest order id first. A page may have fewer orders than `limit` where a symbol is named: only
 * `next`, 0 for the last page, says whether there are more.
 */
export async function openOrderPage(
  { directory, accepted }: Pick<OrderSources, 'directory' | 'accepted'>,
  asker: Asker,
  account: number,
  { limit, after, symbol }: PageOptions,
) {
  const { orders, complete } = await asker.inSlices(directory.openOrdersInSteps(account, limit, after));
  const next = orders.length < limit ? 0 : (orders.at(-1)?.orderId ?? 0);
  const symbols = eachSymbolOnce(directory);
  const wanted = orders.filter((order) => symbol === undefined || order.symbol === symbol);
  const times = await accepted.of(account, wanted, asker);
  return { orders: wanted.flatMap((order) => listedOrderView(symbols, account, order, undefined, times) ?? []), next, complete };
}
