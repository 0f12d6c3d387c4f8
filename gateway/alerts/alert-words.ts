import { unitsToDecimal } from '../../engine/decimal.ts';
import type { AssetInfo, SymbolInfo } from '../../engine/threads/directory-info.ts';
import { SIDE_NAMES } from '../../engine/wire/names.ts';
import type { Alert, Condition, Firing } from './alert.ts';

/** What is known of symbols and assets. */
export interface Names {
  symbol(id: number): SymbolInfo | undefined;
  asset(id: number): AssetInfo | undefined;
}

type Details = Readonly<Record<string, string | number | boolean>>;

/** A ratio in millionths as a percentage: `1.5%`. */
export function percentText(ppm: number): string {
  return `${unitsToDecimal(ppm, 1, 4).replace(/\.?0+$/, '')}%`;
}

const decimal = {
  price: (symbol: SymbolInfo | undefined, ticks: number) =>
    symbol === undefined ? String(ticks) : unitsToDecimal(ticks, symbol.tickMantissa, symbol.tickDecimals),
  quantity: (symbol: SymbolInfo | undefined, lots: number) =>
    symbol === undefined ? String(lots) : unitsToDecimal(lots, symbol.lotMantissa, symbol.lotDecimals),
  money: (asset: AssetInfo | undefined, units: number) => (asset === undefined ? String(units) : unitsToDecimal(units, 1, asset.decimals)),
};

/** The condition of an alert as the admin interface takes and shows it: names, decimal text, percentages. */
export function conditionView(condition: Condition, names: Names): Details {
  const { kind } = condition;
  switch (kind) {
    case 'price':
      return { kind, symbol: nameOf(names, condition.symbol), direction: condition.direction, price: levelText(condition, names) };
    case 'move': {
      const { window, direction } = condition;
      return { kind, symbol: nameOf(names, condition.symbol), window, direction, percent: levelText(condition, names) };
    }
    case 'volume':
      return { kind, symbol: nameOf(names, condition.symbol), window: condition.window, quantity: levelText(condition, names) };
    case 'volume-ratio':
      return { kind, symbol: nameOf(names, condition.symbol), window: condition.window, percent: levelText(condition, names) };
    case 'spread':
      return { kind, symbol: nameOf(names, condition.symbol), direction: condition.direction, percent: levelText(condition, names) };
    case 'indicator': {
      const { interval, indicator, crosses, direction } = condition;
      const what = { kind, symbol: nameOf(names, condition.symbol), interval, indicator };
      return { ...what, ...(crosses === undefined ? { level: levelText(condition, names) } : { crosses }), direction };
    }
    case 'position':
    case 'exposure':
      return { kind, asset: assetName(names, condition.asset), direction: condition.direction, amount: levelText(condition, names) };
    case 'feed-stale':
      return { kind, feed: condition.feed, ...(condition.instrument !== '' && { instrument: condition.instrument }) };
    case 'fill':
      return {
        kind,
        ...(condition.symbol !== 0 && { symbol: nameOf(names, condition.symbol) }),
        ...(condition.complete && { complete: true }),
      };
  }
}

/** An alert as the admin interface shows it. */
export function alertView(alert: Alert, names: Names): Readonly<Record<string, unknown>> {
  const { id, account, note, condition, coolDownS, createdUs, fired, firedUs, suppressed } = alert;
  return {
    id,
    account,
    ...conditionView(condition, names),
    repeat: coolDownS === undefined ? 'once' : coolDownS === 0 ? 'every' : coolDownS,
    note,
    created: timeText(createdUs),
    fired,
    ...(fired > 0 && { lastFired: timeText(firedUs) }),
    ...(suppressed > 0 && { suppressed }),
  };
}

/** What fired, in words and in fields. */
export function firingView({ alert, from, to, fill }: Firing, names: Names): { readonly text: string; readonly details: Details } {
  const { condition } = alert;
  const { kind: _, ...details } = conditionView(condition, names);
  if (condition.kind === 'fill') {
    if (fill === undefined) return { text: 'an order was filled', details };
    const symbol = names.symbol(fill.symbol);
    const side = SIDE_NAMES[fill.side];
    const fields = {
      symbol: nameOf(names, fill.symbol),
      side,
      quantity: decimal.quantity(symbol, fill.quantity),
      price: decimal.price(symbol, fill.price),
      leaves: decimal.quantity(symbol, fill.leaves),
      orderId: fill.orderId,
      clientOrderId: fill.clientOrderId,
      tradeId: fill.tradeId,
      reportNo: fill.reportNo,
    };
    const done = fill.leaves === 0 ? ', the order is filled' : `, ${fields.leaves} left`;
    return { text: `${side} ${fields.quantity} ${fields.symbol} at ${fields.price}${done}`, details: fields };
  }
  if (condition.kind === 'feed-stale')
    return { text: `${[condition.feed, condition.instrument].join(' ').trim()} has no current prices`, details };
  const value = valueText(condition, to, names);
  return { text: sentence(condition, value, names), details: { ...details, value, before: valueText(condition, from, names) } };
}

type Measured = Exclude<Condition, { kind: 'fill' | 'feed-stale' }>;

function sentence(condition: Measured, value: string, names: Names): string {
  const level = levelText(condition, names);
  switch (condition.kind) {
    case 'price':
      return `${nameOf(names, condition.symbol)} traded at ${value} and reached ${level}`;
    case 'move':
      return `${nameOf(names, condition.symbol)} is ${value} ${condition.direction} within ${condition.window}, ${level} or more`;
    case 'volume':
      return `${value} of ${nameOf(names, condition.symbol)} traded within ${condition.window}, ${level} or more`;
    case 'volume-ratio':
      return `the volume of ${nameOf(names, condition.symbol)} within ${condition.window} is ${value} of its average, ${level} or more`;
    case 'spread':
      return `the spread of ${nameOf(names, condition.symbol)} is ${value} and reached ${level}`;
    case 'indicator': {
      const { indicator, crosses, interval } = condition;
      const what = `${indicator} of ${nameOf(names, condition.symbol)}, ${interval},`;
      return crosses === undefined ? `${what} is ${value} and reached ${level}` : `${what} crossed ${crosses}; the difference is ${value}`;
    }
    case 'position':
      return `the position in ${assetName(names, condition.asset)} is ${value} and reached ${level}`;
    case 'exposure':
      return `open orders reserve ${value} ${assetName(names, condition.asset)} and reached ${level}`;
  }
}

function levelText(condition: Measured, names: Names): string {
  return valueText(condition, condition.level, names);
}

function valueText(condition: Measured, value: number, names: Names): string {
  switch (condition.kind) {
    case 'price':
      return decimal.price(names.symbol(condition.symbol), value);
    case 'volume':
      return decimal.quantity(names.symbol(condition.symbol), value);
    case 'indicator':
      return String(Number(value.toPrecision(10)));
    case 'position':
    case 'exposure':
      return decimal.money(names.asset(condition.asset), value);
    default:
      return percentText(value);
  }
}

function nameOf(names: Names, symbol: number): string {
  return names.symbol(symbol)?.name ?? `#${symbol}`;
}

function assetName(names: Names, asset: number): string {
  return names.asset(asset)?.name ?? `#${asset}`;
}

/** A time of the engine in ISO 8601, to the millisecond. */
export function timeText(timeUs: number): string {
  return new Date(Math.floor(timeUs / 1000)).toISOString();
}
