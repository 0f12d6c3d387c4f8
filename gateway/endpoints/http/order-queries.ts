import { Code } from '../../../engine/codes.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { Report, Trigger } from '../../../engine/wire/layout.ts';
import { PHASE_NAMES, subPhaseName } from '../../../engine/wire/names.ts';
import type { BookMirror } from '../../market/book-mirror.ts';
import { type QueuePosition, queuePosition } from '../../market/queue-position.ts';
import type { OrderLife } from '../../taps/history/order-life.ts';
import type { OrderName } from '../../taps/history/query-worker.ts';
import { NEWEST } from '../../taps/history/runs.ts';
import { eachSymbolOnce, moneyText, priceText, quantityText } from '../json/amounts.ts';
import { LongList } from '../json/json-pieces.ts';
import { readOrderLife } from '../json/order-life-reader.ts';
import { notFound } from '../json/order-not-found.ts';
import { ORDER_LIFE } from '../json/schemas/orders.ts';
import { accountOf, type QuerySources } from './admin-queries.ts';
import { childView, eachRecord, icebergView, openStatus, pegView, reportView, termsView } from './admin-views.ts';
import { HttpError } from './http-error.ts';
import { type Step, stepView } from './order-steps.ts';
import { BEFORE, LIMIT, wholeOr } from './query-schemas.ts';
import { get, type Request, type Route } from './route.ts';

/** Orders of these times in force are outside the book until their auction. */
const AUCTION_TIMES: readonly unknown[] = ['at-the-open', 'at-the-close'];

/** The life of one order, as steps from its reports, and its place in the book while it rests. See docs/ADMIN.md. */
export function orderRoutes(sources: QuerySources): Route[] {
  return [
    get({
      path: '/v1/accounts/:id/orders/:order',
      summary: 'The life of an order, by its order id.',
      action: 'account:read',
      query: {
        limit: LIMIT,
        from: wholeOr(0, 1, NEWEST, 'Number of the first report of the page: `next` of the page before. Default: the first one.'),
      },
      answer: ORDER_LIFE,
      handle: (request) => explain(sources, request, { orderId: idOf(request.params.order), from: request.query.from }),
    }),
    get({
      path: '/v1/accounts/:id/orders/by-client-order-id/:order',
      summary: 'The life of an order, by its client order id.',
      action: 'account:read',
      query: { limit: LIMIT, before: BEFORE },
      answer: ORDER_LIFE,
      handle: (request) => explain(sources, request, { clientOrderId: idOf(request.params.order), before: request.query.before }),
    }),
  ];
}

/** What the life of an order needs of its request. */
type Asked = Pick<Request, 'params' | 'caller' | 'inSlices'> & { readonly query: { readonly limit: number } };

async function explain(sources: QuerySources, request: Asked, order: OrderName) {
  const { directory } = sources;
  const account = accountOf(directory, request.params.id).id;
  const { life, behind } = await readOrderLife(sources, request.caller, account, order, request.query.limit);
  const { next, lost } = life;
  const steps = await request.inSlices(stepsInSteps(directory, life));
  const first = steps.at(0);
  const last = steps.at(-1);
  if (first === undefined || last === undefined) {
    // A later page may have no step, where the order's reports are far apart or there are no more.
    if ('orderId' in order && order.from > 0) return { json: { account, orderId: order.orderId, steps: [], next } };
    throw notFound(account, order, life);
  }
  const { orderId, clientOrderId, symbol, side, timeInForce } = first;
  const waits = last.stopPriceTicks !== undefined && last.kind !== 'triggered';
  const resting = last.status === undefined && !waits ? await restingView(sources, request, account, last) : undefined;
  const waiting = last.status === undefined && resting === undefined ? await waitingView(sources, request, account, last) : undefined;
  const linked = resting?.linked ?? waiting?.linked;
  const isOpen = resting !== undefined && resting.parked !== true;
  const pending = resting || waits || AUCTION_TIMES.includes(timeInForce) ? 'pending' : undefined;
  const status = last.status ?? (isOpen ? 'open' : waiting?.for === 'parent' ? 'waiting' : pending);
  return {
    pieces: {
      ...{ account, orderId, clientOrderId, symbol, side, timeInForce, status },
      steps: new LongList(steps),
      ...{ next, lost, behind, resting, waiting, linked },
    },
  };
}

function* stepsInSteps(directory: Directory, { records }: OrderLife): Generator<undefined, Step[]> {
  const symbols = eachSymbolOnce(directory);
  const steps: Step[] = [];
  const views = eachRecord(records, Report.bytes, (bytes, words, byte) => {
    const symbol = symbols.symbol(words[(byte + Report.symbol) >> 2]);
    return stepView(reportView(symbols, bytes, words, byte), symbol?.quoteAsset.name ?? '', steps.at(-1));
  });
  for (const step of views) {
    if (step !== undefined) steps.push(step);
    yield;
  }
  return steps;
}

/** Undefined: the order does not rest. */
async function restingView(sources: QuerySources, { inSlices }: Asked, account: number, { orderId, symbol: name = '' }: Step) {
  const { directory, book } = sources;
  const symbol = directory.symbolByName(name);
  const mirror = symbol && book(symbol.id);
  if (symbol === undefined || mirror === undefined) return undefined;
  const found = await inSlices(placeInSteps(directory, mirror, account, orderId));
  if (found === undefined) return undefined;
  const { order, place } = found;
  const asset = directory.asset(order.asset);
  return {
    price: priceText(symbol, order.price),
    priceTicks: order.price,
    ...quantityView('leaves', symbol, order.leaves),
    ...(order.iceberg && icebergView(symbol, order.iceberg)),
    ...(order.peg && pegView(symbol, order.peg)),
    ...phaseView(symbol),
    ...(place && placeView(symbol, place)),
    reserved: asset && { asset: asset.name, amount: moneyText(asset, order.reserved), amountUnits: order.reserved },
    ...childView(symbol, order),
    ...termsView(order),
    seq: mirror.seq,
  };
}

/** Of an order that is open outside the book: what it waits for. */
async function waitingView({ directory }: QuerySources, { inSlices }: Asked, account: number, { orderId, symbol: name = '' }: Step) {
  const symbol = directory.symbolByName(name);
  if (symbol === undefined) return undefined;
  const order = await inSlices(directory.restingOrderInSteps(account, orderId));
  if (order === undefined || (order.stop === undefined && !order.waits && !order.child)) return undefined;
  const asset = directory.asset(order.asset);
  const { status: _, ...stop } = { ...openStatus(symbol, order), ...childView(symbol, order) };
  const ofTrade = order.stop === undefined || order.stop.trigger === Trigger.LastTrade;
  return {
    for: order.child?.waits ? 'parent' : order.stop === undefined ? 'auction' : 'trigger',
    ...quantityView('leaves', symbol, order.leaves),
    ...(order.price !== 0 && { price: priceText(symbol, order.price), priceTicks: order.price }),
    ...stop,
    ...(order.iceberg && icebergView(symbol, order.iceberg)),
    ...(order.stop && { triggerPrice: priceText(symbol, ofTrade ? symbol.lastPrice : symbol.referencePrice) }),
    ...phaseView(symbol),
    reserved: asset && { asset: asset.name, amount: moneyText(asset, order.reserved), amountUnits: order.reserved },
    ...termsView(order),
  };
}

/** A volatility interruption has an earliest end. */
function phaseView({ phase, subPhase, interruptedUntilUs }: SymbolInfo) {
  const interruptedUntil = interruptedUntilUs === 0 ? undefined : new Date(Math.ceil(interruptedUntilUs / 1000)).toISOString();
  return { phase: PHASE_NAMES[phase], subPhase: subPhaseName(subPhase), interruptedUntil };
}

function* placeInSteps(directory: Directory, mirror: BookMirror, account: number, orderId: number) {
  const order = yield* directory.restingOrderInSteps(account, orderId);
  // Market data has a part of an iceberg under an id of its own.
  const place = order && queuePosition(mirror, order.iceberg?.publicId ?? orderId);
  // It does not have a hidden order, nor an order outside the book.
  return order !== undefined && (place !== undefined || order.hidden || order.peg?.parked) ? { order, place } : undefined;
}

function placeView(symbol: SymbolInfo, place: QueuePosition) {
  return {
    before: { orders: place.ordersBefore, ...quantityView('quantity', symbol, place.quantityBefore) },
    better: { levels: place.betterLevels, orders: place.betterOrders, ...quantityView('quantity', symbol, place.betterQuantity) },
    exact: place.exact,
  };
}

function quantityView<N extends 'leaves' | 'quantity'>(name: N, symbol: SymbolInfo, lots: number) {
  return { [name]: quantityText(symbol, lots), [`${name}Lots`]: lots };
}

/** @throws HttpError 404 */
function idOf(text: string): number {
  const id = Number(text);
  if (/^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(id)) return id;
  throw new HttpError(404, Code.UNKNOWN_ORDER, 'UNKNOWN_ORDER', `there is no order ${text.slice(0, 32)}: an id is a whole number from 1`);
}
