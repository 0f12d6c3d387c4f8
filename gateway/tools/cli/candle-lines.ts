import type { CandleInterval } from '../../../feeds/analysis/candles.ts';
import type { CandleJson, CandlePage } from '../../client/index.ts';
import { pathOf } from '../../client/symbols.ts';
import { askAdmin, type ConnectionFlags, print, printJson, table } from './connection.ts';

/** Of the admin interface's lists. */
export const MAX_PAGE = 1000;

export interface CandleFlags extends ConnectionFlags {
  readonly interval: CandleInterval;
  readonly limit: number;
  readonly from?: string;
  readonly to?: string;
  readonly empty?: true;
  readonly follow?: true;
}

/** A page of candles of the flags' interval. */
export function askCandles(
  symbol: string,
  flags: CandleFlags,
  range: { readonly limit: number; readonly from?: string | number | undefined; readonly to?: string | number | undefined },
): Promise<CandlePage> {
  const query = new URLSearchParams({ interval: flags.interval, limit: String(range.limit) });
  for (const key of ['from', 'to'] as const) if (range[key] !== undefined) query.set(key, String(range[key]));
  if (flags.empty) query.set('empty', '1');
  return askAdmin<CandlePage>(flags, `/v1/symbols/${pathOf(symbol)}/candles?${query}`);
}

const HEAD = ['start', 'open', 'high', 'low', 'close', 'volume', 'average', 'trades', ''];

function row({ start, open, high, low, close, volume, vwap, trades, closed }: CandleJson) {
  return [start.replace('.000Z', 'Z'), open, high, low, close, volume, vwap ?? '-', trades, closed ? '' : 'forming'];
}

export function candleTable(candles: readonly CandleJson[]): string {
  return table([HEAD, ...candles.map(row)]);
}

export function showCandle(candle: CandleJson, flags: CandleFlags): void {
  if (flags.json) printJson(candle);
  else print(row(candle).join('  ').trimEnd());
}
