import { type Code, codeName } from '../../../engine/codes.ts';
import { MILLION } from '../../../engine/params.ts';
import { buyReserve } from '../../../engine/rules/fees.ts';
import { PEGS_PER_ACCOUNT } from '../../../engine/rules/peg-checks.ts';
import type { AccountInfo, BalanceInfo, PositionLimitInfo, SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { Side } from '../../../engine/wire/layout.ts';
import { MASS_CANCEL_BURST, MASS_CANCELS_PER_SECOND } from '../../sessions/order-intake.ts';
import { moneyText, priceText, quantityText } from './amounts.ts';

/**
 * The limit that an order has broken. The exchange reports only the code: the values are those of account and symbol when the answer is made, so
 * that what changes with trading has the time, `asOf`. They explain a reject, and decide nothing.
 */
export interface BrokenLimit {
  readonly name: string;
  readonly most?: string | number;
  readonly least?: string | number;
  /** The value must be a multiple of it. */
  readonly multipleOf?: string;
  /** What the order has; left out if its reports do not say. */
  readonly asked?: string;
  /** What counts against the limit already. */
  readonly used?: string | number;
  readonly asset?: string;
  readonly available?: string;
  /** Fees included; left out if it depends on the book, or on a fee tier. */
  readonly needed?: string;
  /** Price from which a band is measured. */
  readonly reference?: string;
  /** Commands that may come at once. */
  readonly burst?: number;
  /** The order may be sent again from then on, microseconds since the Unix epoch. */
  readonly retryUs?: number;
  /** ISO 8601. */
  readonly asOf?: string;
}

/** What a reject says of the order; a report has all of it. */
export interface RefusedOrder {
  /** 0: buy, 1: sell. */
  readonly side: number;
  /** Ticks; 0: none. Undefined: not known, as that of a trailing stop, whose reject has a distance there. */
  readonly price: number | undefined;
  /** Lots. */
  readonly quantity: number;
  /** Ticks; 0: none. */
  readonly stopPrice: number;
  readonly retryUs: number;
}

interface Case {
  readonly symbol: SymbolInfo;
  readonly account: AccountInfo;
  /** Undefined: not known. */
  readonly order: RefusedOrder | undefined;
  readonly asOf: string;
}

type CodeName = keyof typeof Code;
type LimitOf = (refused: Case) => BrokenLimit;

/** Codes that are about a limit of the symbol. */
const OF_SYMBOL: { readonly [Name in CodeName]?: LimitOf } = {
  QUANTITY_MIN: ({ symbol, order }) => ({
    name: 'minQuantity',
    least: quantityText(symbol, symbol.params.MinQuantity),
    ...askedQuantity(symbol, order),
  }),
  QUANTITY_MAX: ({ symbol, order }) => ({
    name: 'maxQuantity',
    most: quantityText(symbol, symbol.params.MaxQuantity),
    ...askedQuantity(symbol, order),
  }),
  LOT: ({ symbol, order }) => ({
    name: 'lotStep',
    multipleOf: quantityText(symbol, symbol.params.LotStep),
    ...askedQuantity(symbol, order),
  }),
  TICK: ({ symbol, order }) => ({ name: 'tickStep', multipleOf: priceText(symbol, symbol.params.TickStep), ...askedPrice(symbol, order) }),
  PRICE_RANGE: ({ symbol, order }) => ({ name: 'maxPrice', ...priceRange(symbol), ...askedPrice(symbol, order) }),
  STOP_PRICE: ({ symbol, order }) => ({
    name: 'stopPx',
    ...priceRange(symbol),
    multipleOf: priceText(symbol, symbol.params.TickStep),
    ...(order && { asked: priceText(symbol, order.stopPrice) }),
  }),
  TRAIL_OFFSET: ({ symbol }) => ({ name: 'stopPx', ...priceRange(symbol) }),
  NO_PRICE_LEFT: ({ symbol }) => ({ name: 'maxPrice', ...priceRange(symbol) }),
  PRICE_BAND: priceBand,
  NOTIONAL_MIN: ({ symbol, order }) => ({
    name: 'minNotional',
    least: moneyText(symbol.quoteAsset, symbol.params.MinNotional),
    ...askedNotional(symbol, order),
  }),
  NOTIONAL_MAX: ({ symbol, order }) => ({
    name: 'maxNotional',
    most: moneyText(symbol.quoteAsset, symbol.params.MaxNotional),
    ...askedNotional(symbol, order),
  }),
  DISPLAYED_QUANTITY: ({ symbol, order }) => ({
    name: 'minDisplayed',
    least: quantityText(symbol, Math.max(symbol.params.MinDisplayed, Math.ceil((order?.quantity ?? 0) / MOST_PARTS))),
    multipleOf: quantityText(symbol, symbol.params.LotStep),
  }),
};

/** Codes that are about a limit of the account, and need no symbol. */
const OF_ACCOUNT: { readonly [Name in CodeName]?: (refused: Omit<Case, 'symbol'>) => BrokenLimit } = {
  OPEN_ORDER_LIMIT: ({ account, asOf }) => ({ name: 'maxOpenOrders', most: account.maxOpenOrders, used: account.openOrders, asOf }),
  THROTTLED: ({ account, order }) => ({
    name: 'commandsPerSecond',
    most: account.commandsPerSecond,
    ...(account.commandBurst !== 0 && { burst: account.commandBurst }),
    ...retry(order),
  }),
  ORDER_TO_TRADE: ({ account, order }) => ({ name: 'orderToTrade', most: account.orderToTrade, ...retry(order) }),
};

/** Codes that are about a limit of the account in the symbol. */
const OF_BOTH: { readonly [Name in CodeName]?: LimitOf } = {
  INSUFFICIENT_FUNDS: funds,
  POSITION_LIMIT: (refused) => {
    const { symbol, order, asOf } = refused;
    const { maxPosition, position, openBuys, openSells } = positionLimit(refused);
    const used = order?.side === Side.Sell ? openSells - position : position + openBuys;
    return {
      name: 'maxPosition',
      most: quantityText(symbol, maxPosition),
      ...(order && { used: quantityText(symbol, used) }),
      ...askedQuantity(symbol, order),
      asOf,
    };
  },
  EXPOSURE_LIMIT: (refused) => {
    const { symbol, order, asOf } = refused;
    const { maxExposure, openBuys, openSells } = positionLimit(refused);
    return {
      name: 'maxExposure',
      most: quantityText(symbol, maxExposure),
      used: quantityText(symbol, openBuys + openSells),
      ...askedQuantity(symbol, order),
      asOf,
    };
  },
};

/** Limits that are the same for all. Those of capacities have no number here: docs/CONFIGURATION.md. */
const OF_ALL: { readonly [Name in CodeName]?: BrokenLimit } = {
  MASS_CANCEL_RATE: { name: 'massCancelsPerSecond', most: MASS_CANCELS_PER_SECOND, burst: MASS_CANCEL_BURST },
  PEG_LIMIT: { name: 'peggedOrders', most: PEGS_PER_ACCOUNT },
  ORDER_SHARE_FULL: { name: 'ordersPerAccount' },
  LEVEL_SHARE_FULL: { name: 'pagesPerAccount' },
  BOOK_FULL: { name: 'orders' },
  LEVELS_FULL: { name: 'pages' },
};

/** Parts that an iceberg displays, at most. */
const MOST_PARTS = 100;
const NOTHING: PositionLimitInfo = { symbol: 0, maxPosition: 0, maxExposure: 0, position: 0, openBuys: 0, openSells: 0 };

/**
 * The limit behind a reject; undefined: the code is not about one, or its account or symbol is not known.
 * @param order what the reject says of the order
 */
export function brokenLimit(
  code: number,
  symbol: SymbolInfo | undefined,
  account: AccountInfo | undefined,
  order?: RefusedOrder,
  nowMs: number = Date.now(),
): BrokenLimit | undefined {
  const name = codeName(code) as CodeName;
  const asOf = new Date(nowMs).toISOString();
  const limit = OF_ALL[name];
  if (limit !== undefined) return limit;
  if (account !== undefined && OF_ACCOUNT[name] !== undefined) return OF_ACCOUNT[name]({ account, order, asOf });
  if (symbol === undefined) return undefined;
  // Limits of the symbol alone do not look at the account.
  if (OF_SYMBOL[name] !== undefined) return OF_SYMBOL[name]({ symbol, account: account as AccountInfo, order, asOf });
  return account && OF_BOTH[name]?.({ symbol, account, order, asOf });
}

function askedQuantity(symbol: SymbolInfo, order: RefusedOrder | undefined) {
  return order && { asked: quantityText(symbol, order.quantity) };
}

function askedPrice(symbol: SymbolInfo, order: RefusedOrder | undefined) {
  return order?.price !== undefined && { asked: priceText(symbol, order.price) };
}

/** That of a market order depends on the book. */
function askedNotional(symbol: SymbolInfo, order: RefusedOrder | undefined) {
  const { quoteAsset, quotePerTickLot } = symbol;
  const notional = (order?.price ?? 0) * (order?.quantity ?? 0) * quotePerTickLot;
  return { asset: quoteAsset.name, ...(notional > 0 && Number.isSafeInteger(notional) && { asked: moneyText(quoteAsset, notional) }) };
}

function priceRange(symbol: SymbolInfo) {
  return { least: priceText(symbol, 1), most: priceText(symbol, symbol.params.MaxPrice) };
}

function retry(order: RefusedOrder | undefined) {
  return order && order.retryUs > 0 && { retryUs: order.retryUs };
}

function priceBand({ symbol, order, asOf }: Case): BrokenLimit {
  const { PriceBandPpm, ReferencePrice } = symbol.params;
  const distance = Math.floor((ReferencePrice * PriceBandPpm) / MILLION);
  const edge =
    order &&
    (order.side === Side.Buy
      ? { most: priceText(symbol, ReferencePrice + distance) }
      : { least: priceText(symbol, Math.max(ReferencePrice - distance, 1)) });
  return { name: 'priceBand', ...edge, ...askedPrice(symbol, order), reference: priceText(symbol, ReferencePrice), asOf };
}

function positionLimit({ account, symbol }: Case): PositionLimitInfo {
  return account.positionLimits.find((limit) => limit.symbol === symbol.id) ?? NOTHING;
}

function funds({ symbol, account, order, asOf }: Case): BrokenLimit {
  const pays = order?.side === Side.Sell ? symbol.baseAsset : symbol.quoteAsset;
  if (order === undefined) return { name: 'funds', asOf };
  const balance = account.balances.find(({ asset }: BalanceInfo) => asset.id === pays.id);
  const needed = neededBy(symbol, order);
  return {
    name: 'funds',
    asset: pays.name,
    available: moneyText(pays, balance?.available ?? 0),
    ...(needed !== undefined && { needed: moneyText(pays, needed) }),
    asOf,
  };
}

/** What the order would have reserved; undefined: it depends on the book, on a stop price that is not known yet, or on the account's fee tier. */
function neededBy(symbol: SymbolInfo, { side, price, quantity, stopPrice }: RefusedOrder): number | undefined {
  const { basePerLot, quotePerTickLot, params } = symbol;
  if (side === Side.Sell) return quantity * basePerLot;
  if (price === undefined || price === 0 || stopPrice !== 0 || params.FeeTierTable !== 0) return undefined;
  return buyReserve(price * quantity * quotePerTickLot, Math.max(params.MakerFeePpm, params.TakerFeePpm, 0), 0);
}
