import type { OrderLife } from '../../taps/history/order-life.ts';
import type { OrderName } from '../../taps/history/query-worker.ts';
import { NEWEST } from '../../taps/history/runs.ts';
import type { Asker } from './asker.ts';
import { eachReport } from './each-report.ts';
import type { OrderIds } from './order-commands.ts';
import { readOrderLife } from './order-life-reader.ts';
import { notFound } from './order-not-found.ts';
import type { OrderSources } from './order-sources.ts';
import { OrderState } from './order-state.ts';

/** Reports of a page, and pages of an order that are read at most. */
const PAGE = 1000;
const MOST_PAGES = 64;

/** What became of an order, from its reports in the history. @throws RequestError */
export async function readOrder(sources: OrderSources, request: Asker, account: number, ids: OrderIds) {
  const { directory, history } = sources;
  const { caller, inSlices } = request;
  const first: OrderName = ids.orderId === 0 ? { clientOrderId: ids.clientOrderId, before: NEWEST } : { orderId: ids.orderId, from: 0 };
  const { life, behind } = await readOrderLife(sources, caller, account, first, PAGE);
  const state = new OrderState();
  await inSlices(addAll(state, life));
  if (state.isEmpty) throw notFound(account, first, life);
  let { next } = life;
  for (let page = 1; next !== 0 && page < MOST_PAGES; page++) {
    const more = (await history.orderLife(account, { orderId: state.orderId, from: next }, PAGE, 0, caller)) as OrderLife;
    await inSlices(addAll(state, more));
    next = more.next;
  }
  const symbol = directory.symbol(state.symbol);
  if (symbol === undefined) throw notFound(account, first, life);
  const open = state.ended === undefined ? await inSlices(directory.restingOrderInSteps(account, state.orderId)) : undefined;
  return {
    ...state.view(account, symbol, open),
    ...((next !== 0 || life.lost !== undefined) && { incomplete: true }),
    ...(behind && { behind }),
  };
}

function* addAll(state: OrderState, { records }: OrderLife): Generator<undefined, void> {
  for (const report of eachReport(new Int32Array(records.slice().buffer))) {
    state.add(report);
    yield;
  }
}
