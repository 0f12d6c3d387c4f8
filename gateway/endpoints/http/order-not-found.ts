import { Code } from '../../../engine/codes.ts';
import type { OrderLife } from '../../taps/history/order-life.ts';
import type { OrderName } from '../../taps/history/query-worker.ts';
import { HttpError } from './http-error.ts';

/** The same for an order of another account and for one that never was. */
export function notFound(account: number, order: OrderName, { next, lost }: OrderLife): HttpError {
  const [name, parameter] = 'orderId' in order ? [`order ${order.orderId}`, 'from'] : [`client order id ${order.clientOrderId}`, 'before'];
  const gone = lost === undefined ? '' : `; reports up to number ${lost} are no longer kept`;
  const more = next === 0 ? '' : `; the search ended at report ${next}: continue with ?${parameter}=${next}`;
  const message = `account ${account} has no ${name} in its reports${gone}${more}`;
  return new HttpError(404, Code.UNKNOWN_ORDER, 'UNKNOWN_ORDER', message, next === 0 ? {} : { next });
}
