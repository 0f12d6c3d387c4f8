import type { Directory } from '../../../engine/threads/directory.ts';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { CANDLE_INTERVALS, type CandleInterval, INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import { dependsOnBegin, readIndicatorOutput } from '../../../feeds/analysis/indicators/indicator-output.ts';
import { IndicatorError } from '../../../feeds/analysis/indicators/indicator-text.ts';
import { ALERT_KINDS, type Condition, DIRECTIONS, type Direction, WINDOW_NAMES } from '../../alerts/alert.ts';
import type { NewAlert } from '../../alerts/alert-state.ts';
import { MAX_COOL_DOWN_S, MAX_NOTE } from '../../alerts/limits.ts';
import type { Place } from '../../config/config-place.ts';

export const ALERT_KEYS = [
  'account',
  'kind',
  'symbol',
  'asset',
  'feed',
  'instrument',
  'direction',
  'window',
  'interval',
  'indicator',
  'crosses',
  'level',
  'price',
  'percent',
  'quantity',
  'amount',
  'complete',
  'repeat',
  'note',
] as const;
type Key = (typeof ALERT_KEYS)[number];
type Fields = Partial<Record<Key, Place>>;

/** What each kind needs, and what it may have, beside `account`, `kind`, `repeat` and `note`. */
const KEYS_OF: Readonly<Record<Condition['kind'], { readonly needs: readonly Key[]; readonly may?: readonly Key[] }>> = {
  price: { needs: ['symbol', 'price'], may: ['direction'] },
  move: { needs: ['symbol', 'window', 'direction', 'percent'] },
  volume: { needs: ['symbol', 'window', 'quantity'] },
  'volume-ratio': { needs: ['symbol', 'window', 'percent'] },
  spread: { needs: ['symbol', 'percent'], may: ['direction'] },
  indicator: { needs: ['symbol', 'interval', 'indicator'], may: ['level', 'crosses', 'direction'] },
  position: { needs: ['asset', 'amount'], may: ['direction'] },
  exposure: { needs: ['asset', 'amount'], may: ['direction'] },
  'feed-stale': { needs: ['feed'], may: ['instrument'] },
  fill: { needs: [], may: ['symbol', 'complete'] },
};
const OF_ALL: readonly Key[] = ['account', 'kind', 'repeat', 'note'];
/** Percentages, ppm: from the smallest that can be written to 999%. */
const LEAST_PPM = 1;
const MOST_PPM = 9_990_000;
/** Levels of indicators: floats, which have at most ten digits here. */
const LEVEL = /^-?(?=(?:\d\.?){1,10}$)\d+(?:\.\d+)?$/;
/** Longest name of a feed or an instrument, characters. */
const MAX_NAME = 64;

export type AlertNames = Pick<Directory, 'symbolByName' | 'assetByName'>;

/** The alert of a body. Problems are noted at the place; then it is undefined. @param feeds names of the feeds of the configuration */
export function readAlert(place: Place, names: AlertNames, feeds: readonly string[]): NewAlert | undefined {
  const fields = place.fields(ALERT_KEYS);
  if (fields === undefined) return undefined;
  if (fields.account === undefined) return place.missing('account');
  if (fields.kind === undefined) return place.missing('kind', `one of ${ALERT_KINDS.join(', ')}`);
  const account = fields.account.whole(1, 2 ** 32 - 1);
  const kind = fields.kind.oneOf(ALERT_KINDS);
  if (account === undefined || kind === undefined) return undefined;
  const { needs, may = [] } = KEYS_OF[kind];
  for (const key of needs) if (fields[key] === undefined) return place.missing(key, `an alert of kind ${kind} needs it`);
  for (const key of Object.keys(fields) as Key[])
    if (![...OF_ALL, ...needs, ...may].includes(key))
      return fields[key]?.failKey(`has no meaning for kind ${kind}, which takes ${[...needs, ...may].join(', ') || 'no other keys'}`);
  const condition = readCondition(kind, fields, names, feeds);
  const repeat = fields.repeat === undefined ? { coolDownS: undefined } : readRepeat(fields.repeat);
  const note = fields.note === undefined ? '' : readNote(fields.note);
  return condition && repeat && note !== undefined ? { account, condition, ...repeat, note } : undefined;
}

/** Text of its owner. */
export function readNote(place: Place): string | undefined {
  const text = place.text();
  if (text === undefined) return undefined;
  if (text.length > MAX_NOTE || /\p{Cc}/u.test(text))
    return place.fail(`must have at most ${MAX_NOTE} characters, and no control characters`);
  return text;
}

function readRepeat(place: Place): { readonly coolDownS: number | undefined } | undefined {
  const text = place.text();
  if (text === 'once') return { coolDownS: undefined };
  if (text === 'every') return { coolDownS: 0 };
  if (text === undefined || (/^\d{1,7}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_COOL_DOWN_S))
    return text === undefined ? undefined : { coolDownS: Number(text) };
  return place.fail(`must be once, every, or the seconds of a cool-down from 1 to ${MAX_COOL_DOWN_S}, not ${text}`);
}

/** The needed fields are there. */
function readCondition(kind: Condition['kind'], fields: Fields, names: AlertNames, feeds: readonly string[]): Condition | undefined {
  const symbol = fields.symbol === undefined ? undefined : readSymbolName(fields.symbol, names);
  if (fields.symbol !== undefined && symbol === undefined) return undefined;
  const direction = fields.direction === undefined ? 'either' : fields.direction.oneOf(DIRECTIONS);
  const window = fields.window?.oneOf(WINDOW_NAMES);
  const percent = fields.percent?.ppm(LEAST_PPM, MOST_PPM);
  if (
    direction === undefined ||
    (fields.window !== undefined && window === undefined) ||
    (fields.percent !== undefined && percent === undefined)
  )
    return undefined;
  switch (kind) {
    case 'price': {
      const level = symbol && fields.price?.units(symbol.tickMantissa, symbol.tickDecimals);
      if (level === 0) return fields.price?.fail('must be above 0');
      return symbol && level !== undefined ? { kind, symbol: symbol.id, direction, level } : undefined;
    }
    case 'move':
      if (direction === 'either') return fields.direction?.fail('must be up or down: how far the price rose or fell');
      return symbol && window && percent !== undefined ? { kind, symbol: symbol.id, window, direction, level: percent } : undefined;
    case 'volume': {
      const level = symbol && fields.quantity?.units(symbol.lotMantissa, symbol.lotDecimals);
      if (level === 0) return fields.quantity?.fail('must be above 0');
      return symbol && window && level !== undefined ? { kind, symbol: symbol.id, window, level } : undefined;
    }
    case 'volume-ratio':
      return symbol && window && percent !== undefined ? { kind, symbol: symbol.id, window, level: percent } : undefined;
    case 'spread':
      return symbol && percent !== undefined ? { kind, symbol: symbol.id, direction, level: percent } : undefined;
    case 'indicator':
      return symbol && readIndicator(symbol.id, direction, fields);
    case 'position':
    case 'exposure': {
      const asset = readAssetName(fields.asset as Place, names);
      const level = asset && fields.amount?.units(1, asset.decimals);
      return asset && level !== undefined ? { kind, asset: asset.id, direction, level } : undefined;
    }
    case 'feed-stale':
      return readFeed(fields, feeds);
    case 'fill': {
      const complete = fields.complete === undefined ? false : fields.complete.boolean();
      return complete === undefined ? undefined : { kind, symbol: symbol?.id ?? 0, complete };
    }
  }
}

function readSymbolName(place: Place, names: AlertNames): SymbolInfo | undefined {
  const name = place.text();
  if (name === undefined) return undefined;
  return names.symbolByName(name) ?? place.fail('is no symbol of this exchange; GET /v1/symbols lists them');
}

function readAssetName(place: Place, names: AlertNames) {
  const name = place.text();
  if (name === undefined) return undefined;
  return names.assetByName(name) ?? place.fail('is no asset of this exchange; GET /v1/assets lists them');
}

function readIndicator(symbol: number, direction: Direction, fields: Fields): Condition | undefined {
  const { indicator: place, crosses: otherPlace, level: levelPlace } = fields;
  const interval = fields.interval?.oneOf(CANDLE_INTERVALS);
  const indicator = interval && place && readOutput(place, interval);
  if (interval === undefined || place === undefined || indicator === undefined) return undefined;
  if ((otherPlace === undefined) === (levelPlace === undefined))
    return place.fail(`give either level, such as 70, or crosses, another indicator such as sma:50`);
  const about = { kind: 'indicator', symbol, interval, indicator, direction } as const;
  if (otherPlace === undefined) {
    const level = levelPlace?.text();
    if (level !== undefined && !LEVEL.test(level)) return levelPlace?.fail(`must be a decimal number with at most 10 digits, not ${level}`);
    return level === undefined ? undefined : { ...about, level: Number(level) + 0 };
  }
  const crosses = readOutput(otherPlace, interval);
  if (crosses === indicator) return otherPlace.fail(`must be another indicator than ${indicator}`);
  return crosses === undefined ? undefined : { ...about, crosses, level: 0 };
}

/** An indicator with all of its parameters. */
function readOutput(place: Place, interval: CandleInterval): string | undefined {
  const text = place.text();
  if (text === undefined) return undefined;
  try {
    const output = readIndicatorOutput(text, INTERVAL_US[CANDLE_INTERVALS.indexOf(interval)]);
    if (dependsOnBegin(output)) return place.fail(`${text} depends on the first bar that is read, so a level of it has no meaning`);
    return output.text;
  } catch (error) {
    if (error instanceof IndicatorError) return place.fail(error.message);
    throw error;
  }
}

function readFeed({ feed: feedPlace, instrument: instrumentPlace }: Fields, feeds: readonly string[]): Condition | undefined {
  const feed = feedPlace?.text();
  if (feed === undefined) return undefined;
  if (!feeds.includes(feed)) return feedPlace?.fail(`is no feed of this exchange; there are: ${feeds.join(', ') || 'none'}`);
  const instrument = instrumentPlace === undefined ? '' : instrumentPlace.text();
  if (instrument === undefined) return undefined;
  if (instrument.length > MAX_NAME) return instrumentPlace?.fail(`must have at most ${MAX_NAME} characters`);
  return { kind: 'feed-stale', feed, instrument, level: 1, direction: 'up' };
}
