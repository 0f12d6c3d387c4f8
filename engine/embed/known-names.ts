import { badOption } from './embed-error.ts';
import type {
  AmendOrder,
  CancelAll,
  ListedOrder,
  OrderTarget,
  OrderTerms,
  PlaceList,
  PlaceOrder,
  PlaceQuote,
  QuoteProtection,
  QuoteSide,
} from './orders.ts';

/**
 * The names that the objects of calls may have. A name that is not known is refused, because a misspelt price would make a market order, and a
 * misspelt symbol would cancel the orders of all symbols. What an object inherits counts as its own.
 */

/** The compiler demands a row for each name of the type, and no other. */
type Names<Given> = Readonly<Record<keyof Given, true>>;

const WHERE: Names<Pick<PlaceOrder, 'account' | 'symbol'>> = { account: true, symbol: true };
const TERMS: Names<OrderTerms> = {
  side: true,
  quantity: true,
  price: true,
  type: true,
  timeInForce: true,
  expiresUs: true,
  selfTrade: true,
  stopPrice: true,
  trigger: true,
  triggerNow: true,
  trailOffset: true,
  trailPpm: true,
  activationPrice: true,
  limitOffset: true,
  reportTrail: true,
  postOnly: true,
  reprice: true,
  minQuantity: true,
  hidden: true,
  displayedQuantity: true,
  peg: true,
  pegOffset: true,
  clientOrderId: true,
  tag: true,
};
const PLACE: Names<PlaceOrder> = { ...WHERE, ...TERMS };
const TARGET: Names<OrderTarget> = { ...WHERE, orderId: true, clientOrderId: true, tag: true };
const AMEND: Names<AmendOrder> = {
  ...TARGET,
  price: true,
  quantity: true,
  stopPrice: true,
  trailOffset: true,
  trailPpm: true,
  activationPrice: true,
  limitOffset: true,
  displayedQuantity: true,
};
const LISTED: Names<ListedOrder> = TERMS;
const LIST: Names<PlaceList> = { ...WHERE, link: true, side: true, quantity: true, orders: true };
const QUOTE: Names<PlaceQuote> = { ...WHERE, bid: true, ask: true, postOnly: true, tag: true };
const QUOTE_SIDE: Names<QuoteSide> = { price: true, quantity: true };
const MASS_CANCEL: Names<CancelAll> = { ...WHERE, side: true };
const PROTECTION: Names<QuoteProtection> = { windowUs: true, fills: true, lots: true, netLots: true };

const PLACE_NAMES = new Set(Object.keys(PLACE));
const AMEND_NAMES = new Set(Object.keys(AMEND));
const TARGET_NAMES = new Set(Object.keys(TARGET));

/**
 * Refuses an object with a name that is not known. @param what with its article, such as `a symbol` @throws EmbedError BAD_OPTION, also for what is no object
 */
export function checkNames(what: string, given: object, known: Iterable<string>): void {
  checkObject(what, given);
  const names = known instanceof Set ? known : new Set(known);
  for (const name in given) if (!names.has(name)) unknownName(what, name, names);
}

// The checks of single orders: the usual names are compared one by one, and a set is asked for the others only. No allocation. They say
// whether there are others, so that the terms that few orders have are not looked for in each one.

/** @returns whether the order has none but usual names @throws EmbedError BAD_OPTION */
export function checkPlace(order: PlaceOrder): boolean {
  checkObject('an order', order);
  let plain = true;
  for (const name in order) {
    switch (name) {
      case 'account':
      case 'symbol':
      case 'side':
      case 'price':
      case 'quantity':
      case 'timeInForce':
      case 'clientOrderId':
      case 'type':
      case 'postOnly':
      case 'tag':
        break;
      default:
        if (!PLACE_NAMES.has(name)) unknownName('an order', name, PLACE_NAMES);
        plain = false;
    }
  }
  return plain;
}

/** @returns as of {@link checkPlace} @throws EmbedError BAD_OPTION */
export function checkAmend(order: AmendOrder): boolean {
  checkObject('an amend', order);
  let plain = true;
  for (const name in order) {
    switch (name) {
      case 'account':
      case 'orderId':
      case 'price':
      case 'quantity':
      case 'symbol':
      case 'clientOrderId':
      case 'tag':
        break;
      default:
        if (!AMEND_NAMES.has(name)) unknownName('an amend', name, AMEND_NAMES);
        plain = false;
    }
  }
  return plain;
}

/** @throws EmbedError BAD_OPTION */
export function checkCancel(order: OrderTarget): void {
  checkObject('a cancel', order);
  for (const name in order) {
    switch (name) {
      case 'account':
      case 'orderId':
      case 'symbol':
      case 'clientOrderId':
        break;
      default:
        if (!TARGET_NAMES.has(name)) unknownName('a cancel', name, TARGET_NAMES);
    }
  }
}

/** The target of a question. @throws EmbedError BAD_OPTION */
export function checkTarget(target: Omit<OrderTarget, 'symbol' | 'tag'>): void {
  checkNames('a target', target, TARGET_NAMES);
}

/** @throws EmbedError BAD_OPTION */
export function checkQuote(quote: PlaceQuote): void {
  checkNames('a quote', quote, QUOTE_NAMES);
  if (quote.bid !== undefined) checkNames('a bid', quote.bid, QUOTE_SIDE_NAMES);
  if (quote.ask !== undefined) checkNames('an ask', quote.ask, QUOTE_SIDE_NAMES);
}

const QUOTE_NAMES = new Set(Object.keys(QUOTE));
const QUOTE_SIDE_NAMES = new Set(Object.keys(QUOTE_SIDE));

/** @throws EmbedError BAD_OPTION */
export function checkPlaceList(list: PlaceList): void {
  checkNames('a list', list, Object.keys(LIST));
  if (!Array.isArray(list.orders)) badOption(`the orders of a list are an array, not ${String(list.orders)}`);
  for (const order of list.orders) checkNames('an order of a list', order, Object.keys(LISTED));
}

/** @throws EmbedError BAD_OPTION */
export function checkMassCancel(selection: CancelAll): void {
  checkNames('a mass cancel', selection, Object.keys(MASS_CANCEL));
}

/** @throws EmbedError BAD_OPTION */
export function checkProtection(limits: QuoteProtection): void {
  checkNames('a protection', limits, Object.keys(PROTECTION));
}

/** @throws EmbedError BAD_OPTION */
export function checkFunction(what: string, given: unknown): void {
  if (typeof given !== 'function') badOption(`${what} is a function, not ${String(given)}`);
}

function checkObject(what: string, given: unknown): void {
  if (typeof given !== 'object' || given === null) badOption(`${what} is an object, not ${String(given)}`);
}

function unknownName(what: string, name: string, known: Iterable<string>): never {
  badOption(`${what} has no ${name}; it may have: ${[...known].join(', ')}`);
}
