import { readOrders, readTrades } from '../../feeds/files/order-flow-csv.ts';
import { ItchEncoder } from './itch-encoder.ts';

/** ITCH has four decimals, the recorded days have three. */
const TENTHS = 10;

/** A recorded day of the Shanghai exchange as ITCH: orders as A, cancellations as D, trades as P. Books are not meant to come out right: auctions have other rules. */
export async function sseToItch(locate: number, stock: string, orders: string, trades: string): Promise<ItchEncoder> {
  const file = new ItchEncoder();
  file.directory(locate, 0, stock);
  let ns = 0;
  for await (const row of readOrders(orders)) {
    ns = row.timeMs * 1e6;
    if (row.op === 'new') file.add(locate, ns, BigInt(row.orderId), row.side, row.quantity, stock, row.priceMilli * TENTHS);
    else if (row.op === 'cancel') file.delete(locate, ns, BigInt(row.orderId));
  }
  let match = 0n;
  for await (const row of readTrades(trades)) file.trade(locate, ns, 'B', row.quantity, stock, row.priceMilli * TENTHS, ++match);
  return file;
}
