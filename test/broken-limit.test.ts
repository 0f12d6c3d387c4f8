/** The limit that a reject names: a row for each code of an order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import type { AccountInfo, SymbolInfo } from '../engine/threads/directory-info.ts';
import { Side } from '../engine/wire/layout.ts';
import { type BrokenLimit, brokenLimit, type RefusedOrder } from '../gateway/endpoints/json/broken-limit.ts';
import { PROBLEM } from '../gateway/endpoints/json/schemas/problem.ts';

const USD = { id: 1, name: 'USD', decimals: 5 };
const BTC = { id: 2, name: 'BTC', decimals: 3 };
const NOW = Date.UTC(2026, 0, 31);
const asOf = '2026-01-31T00:00:00.000Z';
/** A tick of 0.01 USD, a lot of 0.001 BTC. */
const SYMBOL = {
  ...{ id: 7, baseAsset: BTC, quoteAsset: USD, tickMantissa: 1, tickDecimals: 2, lotMantissa: 1, lotDecimals: 3 },
  ...{ quotePerTickLot: 1, basePerLot: 1 },
  params: {
    ...{ MaxPrice: 100_000, TickStep: 5, LotStep: 10, MinQuantity: 10, MaxQuantity: 5000, MinNotional: 100_000, MaxNotional: 9_000_000 },
    ...{ MinDisplayed: 20, PriceBandPpm: 100_000, ReferencePrice: 10_000, TakerFeePpm: 500, MakerFeePpm: -100, FeeTierTable: 0 },
  },
} as unknown as SymbolInfo;
const ACCOUNT = {
  ...{ id: 3, maxOpenOrders: 5, openOrders: 5, commandsPerSecond: 10, commandBurst: 20, orderToTrade: 50 },
  balances: [
    { asset: USD, available: 250_000, reserved: 1 },
    { asset: BTC, available: 40, reserved: 0 },
  ],
  positionLimits: [{ symbol: 7, maxPosition: 100, maxExposure: 70, position: -30, openBuys: 40, openSells: 25 }],
} as unknown as AccountInfo;
const BUY: RefusedOrder = { side: Side.Buy, price: 11_001, quantity: 57, stopPrice: 0, retryUs: 1_700_000_000_000_000 };
const SELL: RefusedOrder = { ...BUY, side: Side.Sell };

type Name = keyof typeof Code;
const ROWS: readonly (readonly [Name, RefusedOrder | undefined, BrokenLimit])[] = [
  ['QUANTITY_MIN', BUY, { name: 'minQuantity', least: '0.010', asked: '0.057' }],
  ['QUANTITY_MAX', BUY, { name: 'maxQuantity', most: '5.000', asked: '0.057' }],
  ['QUANTITY_MAX', undefined, { name: 'maxQuantity', most: '5.000' }],
  ['LOT', BUY, { name: 'lotStep', multipleOf: '0.010', asked: '0.057' }],
  ['TICK', BUY, { name: 'tickStep', multipleOf: '0.05', asked: '110.01' }],
  ['PRICE_RANGE', BUY, { name: 'maxPrice', least: '0.01', most: '1000.00', asked: '110.01' }],
  ['PRICE_RANGE', { ...BUY, price: undefined }, { name: 'maxPrice', least: '0.01', most: '1000.00' }],
  ['STOP_PRICE', { ...BUY, stopPrice: 3 }, { name: 'stopPx', least: '0.01', most: '1000.00', multipleOf: '0.05', asked: '0.03' }],
  ['TRAIL_OFFSET', BUY, { name: 'stopPx', least: '0.01', most: '1000.00' }],
  ['NO_PRICE_LEFT', BUY, { name: 'maxPrice', least: '0.01', most: '1000.00' }],
  ['PRICE_BAND', BUY, { name: 'priceBand', most: '110.00', asked: '110.01', reference: '100.00', asOf }],
  ['PRICE_BAND', { ...SELL, price: 8999 }, { name: 'priceBand', least: '90.00', asked: '89.99', reference: '100.00', asOf }],
  ['NOTIONAL_MIN', { ...BUY, quantity: 9 }, { name: 'minNotional', least: '1.00000', asset: 'USD', asked: '0.99009' }],
  ['NOTIONAL_MAX', BUY, { name: 'maxNotional', most: '90.00000', asset: 'USD', asked: '6.27057' }],
  ['NOTIONAL_MAX', { ...BUY, price: 0 }, { name: 'maxNotional', most: '90.00000', asset: 'USD' }],
  ['NOTIONAL_MAX', { ...BUY, quantity: 2 ** 52 }, { name: 'maxNotional', most: '90.00000', asset: 'USD' }],
  ['DISPLAYED_QUANTITY', BUY, { name: 'minDisplayed', least: '0.020', multipleOf: '0.010' }],
  ['DISPLAYED_QUANTITY', { ...BUY, quantity: 4001 }, { name: 'minDisplayed', least: '0.041', multipleOf: '0.010' }],
  ['OPEN_ORDER_LIMIT', BUY, { name: 'maxOpenOrders', most: 5, used: 5, asOf }],
  ['THROTTLED', BUY, { name: 'commandsPerSecond', most: 10, burst: 20, retryUs: 1_700_000_000_000_000 }],
  ['THROTTLED', { ...BUY, retryUs: 0 }, { name: 'commandsPerSecond', most: 10, burst: 20 }],
  ['ORDER_TO_TRADE', BUY, { name: 'orderToTrade', most: 50, retryUs: 1_700_000_000_000_000 }],
  ['POSITION_LIMIT', BUY, { name: 'maxPosition', most: '0.100', used: '0.010', asked: '0.057', asOf }],
  ['POSITION_LIMIT', SELL, { name: 'maxPosition', most: '0.100', used: '0.055', asked: '0.057', asOf }],
  ['EXPOSURE_LIMIT', SELL, { name: 'maxExposure', most: '0.070', used: '0.065', asked: '0.057', asOf }],
  // 627,057 units of USD, and 313.5285 of fees, rounded up.
  ['INSUFFICIENT_FUNDS', BUY, { name: 'funds', asset: 'USD', available: '2.50000', needed: '6.27371', asOf }],
  ['INSUFFICIENT_FUNDS', SELL, { name: 'funds', asset: 'BTC', available: '0.040', needed: '0.057', asOf }],
  ['INSUFFICIENT_FUNDS', { ...BUY, price: 0 }, { name: 'funds', asset: 'USD', available: '2.50000', asOf }],
  ['INSUFFICIENT_FUNDS', { ...BUY, stopPrice: 10 }, { name: 'funds', asset: 'USD', available: '2.50000', asOf }],
  ['INSUFFICIENT_FUNDS', undefined, { name: 'funds', asOf }],
  ['MASS_CANCEL_RATE', undefined, { name: 'massCancelsPerSecond', most: 5, burst: 25 }],
  ['PEG_LIMIT', BUY, { name: 'peggedOrders', most: 1024 }],
  ['ORDER_SHARE_FULL', BUY, { name: 'ordersPerAccount' }],
  ['LEVEL_SHARE_FULL', BUY, { name: 'pagesPerAccount' }],
  ['BOOK_FULL', BUY, { name: 'orders' }],
  ['LEVELS_FULL', BUY, { name: 'pages' }],
];

/** Codes of rejects that are about no number: a state of the account, the symbol or the book, an id, or terms that do not fit together. */
const WITHOUT: readonly Name[] = [
  ...(['MALFORMED_FRAME', 'WRONG_SCHEMA_VERSION', 'FRAME_TOO_LARGE', 'UNKNOWN_KIND', 'BAD_ENUM', 'BAD_RANGE', 'FOREIGN_ACCOUNT'] as const),
  ...(['ADMIN_ONLY', 'BAD_SUBSCRIPTION', 'REPORTS_GONE', 'UNAUTHENTICATED', 'PERMISSION_DENIED', 'BUSY', 'DISK_FULL', 'DRAINING'] as const),
  ...(['ILLEGAL_COMBINATION', 'UNSUPPORTED_TERM', 'UNKNOWN_ACCOUNT', 'ACCOUNT_SUSPENDED', 'KILL_SWITCH'] as const),
  ...(['UNKNOWN_SYMBOL', 'SYMBOL_HALTED', 'SYMBOL_CLOSED', 'NOT_IN_AUCTION', 'NO_SESSION', 'AUCTION_OVER'] as const),
  ...(['BAD_CLIENT_ORDER_ID', 'UNKNOWN_ORDER', 'POST_ONLY_WOULD_TRADE', 'FOK_NOT_FILLABLE', 'NO_LIQUIDITY'] as const),
  ...(['CLIENT_ORDER_ID_TOO_OLD', 'MIN_QUANTITY_NOT_FILLABLE', 'CLIENT_ORDER_ID_REUSED', 'EXPIRY_PAST', 'ORDERS_EXPIRING'] as const),
  ...(['STOP_WOULD_TRIGGER', 'TRAIL_UNAVAILABLE', 'QUOTE_CROSSED', 'QUOTE_OTHER_SIDE', 'PROTECTION_TRIGGERED', 'QUOTE_AMEND'] as const),
  ...(['LIST_REJECTED', 'BAD_LIST', 'LINKED_AMEND', 'UNCROSS_WAITS', 'PEG_OFFSET', 'PARENT_FILLED'] as const),
];

test('each code of a limit has its name, its value, and what was asked', () => {
  for (const [name, order, limit] of ROWS) {
    assert.deepEqual(brokenLimit(Code[name], SYMBOL, ACCOUNT, order, NOW), limit, `${name} ${JSON.stringify(order)}`);
    const problem = { type: '', title: '', status: 409, detail: '', code: Code[name], name, message: '', limit };
    assert.equal(PROBLEM.safeParse(problem).error, undefined);
  }
});

test('every code of a reject has a limit, or is listed as one without', () => {
  const withLimit = new Set<Name>(ROWS.map(([name]) => name));
  for (const name of WITHOUT) {
    assert.ok(!withLimit.has(name), name);
    assert.equal(brokenLimit(Code[name], SYMBOL, ACCOUNT, BUY, NOW), undefined, name);
  }
  const rejects = Object.values(Code).filter((code) => code >= 100 && code < 450);
  assert.deepEqual(
    rejects.map(codeName).filter((name) => !withLimit.has(name as Name) && !WITHOUT.includes(name as Name)),
    [],
  );
});

test('what is not known of symbol or account has no limit, and a fee tier no sum', () => {
  assert.equal(brokenLimit(Code.LOT, undefined, ACCOUNT, BUY, NOW), undefined);
  assert.equal(brokenLimit(Code.THROTTLED, SYMBOL, undefined, BUY, NOW), undefined);
  assert.equal(brokenLimit(Code.INSUFFICIENT_FUNDS, SYMBOL, undefined, BUY, NOW), undefined);
  const tiered = { ...SYMBOL, params: { ...SYMBOL.params, FeeTierTable: 1 } };
  assert.equal(brokenLimit(Code.INSUFFICIENT_FUNDS, tiered, ACCOUNT, BUY, NOW)?.needed, undefined);
  assert.deepEqual(brokenLimit(Code.POSITION_LIMIT, SYMBOL, { ...ACCOUNT, positionLimits: [] }, BUY, NOW)?.most, '0.000');
});
