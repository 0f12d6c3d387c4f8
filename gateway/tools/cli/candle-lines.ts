import type { CandleInterval } from '../../../feeds/analysis/candles.ts';
import type { CandleJson, FeedCandleJson } from '../../client/index.ts';
import { pathOf } from '../../client/symbols.ts';
import { askAdmin, type ConnectionFlags, print, printJson, table } from './connection.ts';

/** Of the admin interface's lists. */
export const MAX_PAGE = 1000;

export interface CandleFlags extends ConnectionFlags {
  readonly interval: CandleInterval;
  readonly source?: string;
  readonly limit: number;
  readonly from?: string;
  readonly to?: string;
  readonly empty?: true;
  readonly follow?: true;
}

/** A candle of a symbol or of an outside market. */
export type ShownCandle = CandleJson | FeedCandleJson;

export interface ShownPage {
  readonly candles: readonly ShownCandle[];
  readonly next: number;
}

/** A page of candles of the flags' interval, of a symbol or of an instrument of the flags' source. */
export function askCandles(
  symbol: string,
  flags: CandleFlags,
  range: { readonly limit: number; readonly from?: string | number | undefined; readonly to?: string | number | undefined },
): Promise<ShownPage> {
  const query = new URLSearchParams({ interval: flags.interval, limit: String(range.limit) });
  for (const key of ['from', 'to'] as const) if (range[key] !== undefined) query.set(key, String(range[key]));
  if (flags.empty) query.set('empty', '1');
  if (flags.source === undefined) return askAdmin(flags, `/v1/symbols/${pathOf(symbol)}/candles?${query}`);
  query.set('instrument', symbol);
  return askAdmin(flags, `/v1/feeds/${pathOf(flags.source)}/candles?${query}`);
}

const HEAD = ['start', 'open', 'high', 'low', 'close', 'volume', 'average', 'trades', ''];

function row(candle: ShownCandle) {
  const { start, open, high, low, close, volume, vwap, trades, closed } = candle;
  const state = [...(closed ? [] : ['forming']), ...('incomplete' in candle ? ['incomplete'] : [])].join(', ');
  return [start.replace('.000Z', 'Z'), open, high, low, close, volume, vwap ?? '-', trades, state];
}

export function candleTable(candles: readonly ShownCandle[]): string {
  return table([HEAD, ...candles.map(row)]);
}

export function showCandle(candle: ShownCandle, flags: CandleFlags): void {
  if (flags.json) printJson(candle);
  else print(row(candle).join('  ').trimEnd());
}
