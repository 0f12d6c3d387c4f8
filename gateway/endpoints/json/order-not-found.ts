import { Code } from '../../../engine/codes.ts';
import type { OrderLife } from '../../taps/history/order-life.ts';
import type { OrderName } from '../../taps/history/query-worker.ts';
import { RequestError } from './request-error.ts';

/** The same for an order of another account and for one that never was. Where a limit ended the search, it names the query that continues it. */
export function notFound(account: number, order: OrderName, { next, lost }: Pick<OrderLife, 'next' | 'lost'>): RequestError {
  const [name, path, parameter] =
    'orderId' in order
      ? [`order ${order.orderId}`, order.orderId, 'from']
      : [`client order id ${order.clientOrderId}`, `by-client-order-id/${order.clientOrderId}`, 'before'];
  const gone = lost === undefined ? '' : `; reports up to number ${lost} are no longer kept`;
  const query = `GET /v1/accounts/${account}/orders/${path}?${parameter}=${next}`;
  const more = next === 0 ? '' : `; the search ended at report ${next}: continue with ${query}`;
  const message = `account ${account} has no ${name} in its reports${gone}${more}`;
  return new RequestError(Code.UNKNOWN_ORDER, 'UNKNOWN_ORDER', message, next === 0 ? {} : { next });
}
