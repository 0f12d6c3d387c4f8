import { Code } from '../../../engine/codes.ts';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { tickerWire } from '../../../engine/wire/channels/ticker.ts';
import { JsonBytes } from '../../../engine/wire/json-bytes.ts';
import { Side, Ticker, Trade } from '../../../engine/wire/layout.ts';
import type { LevelsCopy } from '../../market/levels-copy.ts';
import { PastUnavailableError } from '../../market/past-loader.ts';
import { putTicker } from '../../market/ticker.ts';
import { NEWEST } from '../../taps/history/runs.ts';
import { LongList } from '../json/json-pieces.ts';
import { BOOK, TICKERS, TIME, TRADES } from '../json/schemas/market.ts';
import { symbolNamed } from '../json/symbol-named.ts';
import type { QuerySources } from './admin-queries.ts';
import { eachRecord, levelView, symbolView, tradeView } from './admin-views.ts';
import { bad } from './candle-parameters.ts';
import { HttpError } from './http-error.ts';
import { LIMIT, time, wholeNumber, wholeOr } from './query-schemas.ts';
import { get, type Request, type Route } from './route.ts';
import { ofSymbol, SYMBOL } from './symbol-routes.ts';

export interface MarketSources extends QuerySources {
  /** Values of a symbol's ticker, see market/ticker.ts. @throws PastUnavailableError */
  readonly ticker: (symbol: number) => Promise<Float64Array>;
  /** The clock that stamps commands, microseconds. */
  readonly nowUs: () => number;
}

const DEFAULT_DEPTH = 20;
const MAX_DEPTH = 5000;

const TRADE_RANGE = {
  after: wholeNumber(0, NEWEST, { description: 'Only trades with a higher id, oldest first.' }).optional(),
  before: wholeNumber(1, NEWEST, { description: 'Only trades with a lower id.' }).optional(),
  from: time('Only trades from this time on, oldest first.').optional(),
  to: time('Only trades before this time.').optional(),
  limit: LIMIT,
};

/** Market data of the venue that is public where `--public-market-data` says so: see docs/MARKET-DATA.md. */
export function marketRoutes(sources: MarketSources): Route[] {
  const { directory, history, nowUs } = sources;
  return [
    ...ofSymbol({
      paths: ['/v1/book/:name', '/v1/book'],
      summary: 'Price levels of a symbol, best first.',
      action: 'market:read',
      public: true,
      query: { depth: wholeOr(DEFAULT_DEPTH, 1, MAX_DEPTH, 'Levels of each side.') },
      answer: BOOK,
      handle: async (name, { query, inSlices }) => ({ pieces: await bookView(sources, name, query.depth, inSlices) }),
    }),
    ...ofSymbol({
      paths: ['/v1/symbols/:name/trades', '/v1/trades'],
      summary: 'Trades of a symbol, newest first; with after or from, oldest first.',
      action: 'market:read',
      public: true,
      query: TRADE_RANGE,
      answer: TRADES,
      handle: async (name, { query: { after, before, from, to, limit }, caller }) => {
        const symbol = symbolNamed(directory, name);
        if (from !== undefined && to !== undefined && from > to) throw bad('from must not be after to');
        const range = { after, before, fromUs: from, toUs: to, limit };
        const { records, next, lost } = await history.tradesOf(symbol.id, range, caller);
        const trades = new LongList(eachRecord(records, Trade.bytes, (...at) => tradeView(symbol, ...at)));
        return { pieces: { trades, next: String(next), lost } };
      },
    }),
    get({
      path: '/v1/ticker',
      summary: 'What a symbol, or each symbol, traded in the last 24 hours, with best bid and offer.',
      action: 'market:read',
      public: true,
      query: { symbol: SYMBOL.optional().meta({ description: 'Name of the symbol. Default: all symbols.' }) },
      answer: TICKERS,
      handle: async ({ query: { symbol } }) => {
        const symbols = symbol === undefined ? directory.symbols() : [symbolNamed(directory, symbol)];
        const tickers: unknown[] = [];
        // The first request for a symbol loads its last 24 hours; one after the other.
        for (const each of symbols) tickers.push(tickerView(each, await tickerOf(sources, each.id)));
        return { pieces: { tickers: new LongList(tickers) } };
      },
    }),
    get({
      path: '/v1/time',
      summary: 'The time of the exchange.',
      action: 'market:read',
      public: true,
      answer: TIME,
      handle: () => {
        const timeUs = nowUs();
        return { json: { timeUs, time: new Date(timeUs / 1000).toISOString() } };
      },
    }),
  ];
}

/** @throws HttpError 503 */
async function tickerOf({ ticker }: MarketSources, symbol: number): Promise<Float64Array> {
  try {
    return await ticker(symbol);
  } catch (error) {
    if (error instanceof PastUnavailableError) throw new HttpError(503, Code.BUSY, 'BUSY', error.message);
    throw error;
  }
}

const out = new JsonBytes();

/** The ticker as the channel of the subprotocol `json` has it. */
function tickerView(symbol: SymbolInfo, values: Float64Array): object {
  const words = new Int32Array(Ticker.bytes / 4);
  putTicker(words, 0, values);
  out.clear();
  out.struct(tickerWire.decimal, words, 0, symbol);
  return { symbol: symbol.name, ...JSON.parse(Buffer.from(out.written).toString('latin1')) };
}

/** Both sides are of one moment; they are sorted and shown in slices. */
async function bookView({ directory, book }: QuerySources, name: string, depth: number, inSlices: Request['inSlices']) {
  const symbol = symbolNamed(directory, name);
  const mirror = book(symbol.id);
  const { phase, subPhase, lastPrice, lastPriceTicks } = symbolView(symbol);
  const [bids, asks] = [mirror?.levels.copy(Side.Buy), mirror?.levels.copy(Side.Sell)];
  const side = async (copy: LevelsCopy | undefined) =>
    new LongList(each(copy === undefined ? [] : await inSlices(copy.sorted(depth)), (level) => levelView(symbol, level)));
  return { symbol: symbol.name, phase, subPhase, lastPrice, lastPriceTicks, bids: await side(bids), asks: await side(asks) };
}

/** Each item as `view` shows it, one at a time. */
function* each<T>(items: Iterable<T>, view: (item: T) => unknown): Generator<unknown> {
  for (const item of items) yield view(item);
}
