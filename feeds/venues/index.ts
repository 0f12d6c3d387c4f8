import type { AdapterOptions, FeedLine, FeedSink } from '../feed.ts';
import { BinanceAdapter } from './binance.ts';
import { BINANCE_COINM, BINANCE_SPOT, BINANCE_US, BINANCE_USDM, type BinanceMarket } from './binance-markets.ts';
import { BitstampAdapter } from './bitstamp.ts';
import { BybitAdapter, type BybitCategory } from './bybit.ts';
import { CoinbaseAdapter } from './coinbase.ts';
import { CoinbaseExchangeAdapter } from './coinbase-exchange.ts';
import { KrakenV1Adapter } from './kraken-v1.ts';
import { KrakenV2Adapter } from './kraken-v2.ts';
import { OkxAdapter } from './okx.ts';
import { OpenbellAdapter } from './openbell.ts';
import type { VenueLine } from './venue-line.ts';

/** An outside venue that openbell reads. */
export interface Venue {
  /** As configuration, status and metrics name it: `kraken-v1`. */
  readonly name: string;
  /** For lists. */
  readonly title: string;
  create(options: AdapterOptions, line: FeedLine, sink: FeedSink): VenueLine;
  /** `exchange` in the header of captures, in upper case: `KRAKEN`. */
  readonly exchange: string;
  /** Which addresses belong to it, where several adapters share an `exchange`. */
  readonly address?: RegExp;
}

/** In the order of their names. */
export const VENUES: readonly Venue[] = [
  { ...binance(BINANCE_SPOT), title: 'Binance spot', address: /\/\/(data-)?stream\.binance\.(com|vision)\b/ },
  { ...binance(BINANCE_COINM), title: 'Binance COIN-M futures', address: /\/\/dstream\.binance\.com\b/ },
  { ...binance(BINANCE_US), title: 'Binance US', address: /\/\/stream\.binance\.us\b/ },
  { ...binance(BINANCE_USDM), title: 'Binance USD-M futures', address: /\/\/fstream\.binance\.com\b/ },
  {
    name: 'bitstamp',
    title: 'Bitstamp',
    exchange: 'BITSTAMP',
    create: (options, line, sink) => new BitstampAdapter(options, line, sink),
  },
  { ...bybit('spot'), name: 'bybit', title: 'Bybit v5 spot' },
  { ...bybit('inverse'), name: 'bybit-inverse', title: 'Bybit v5 contracts with margin in the coin' },
  { ...bybit('linear'), name: 'bybit-linear', title: 'Bybit v5 contracts with margin in USDT or USDC' },
  {
    name: 'coinbase',
    title: 'Coinbase Advanced Trade',
    exchange: 'COINBASE',
    address: /\/\/advanced-trade-ws\./,
    create: (options, line, sink) => new CoinbaseAdapter(options, line, sink),
  },
  {
    name: 'coinbase-exchange',
    title: 'Coinbase Exchange',
    exchange: 'COINBASE',
    address: /\/\/ws-feed\./,
    create: (options, line, sink) => new CoinbaseExchangeAdapter(options, line, sink),
  },
  {
    name: 'kraken',
    title: 'Kraken, WebSocket version 2',
    create: (options, line, sink) => new KrakenV2Adapter(options, line, sink),
    exchange: 'KRAKEN',
    address: /\/v2\b/,
  },
  {
    name: 'kraken-v1',
    title: 'Kraken, WebSocket version 1',
    create: (options, line, sink) => new KrakenV1Adapter(options, line, sink),
    exchange: 'KRAKEN',
    address: /^(?!.*\/v2\b)/,
  },
  { name: 'okx', title: 'OKX v5', exchange: 'OKX', create: (options, line, sink) => new OkxAdapter(options, line, sink) },
  {
    name: 'openbell',
    title: 'Another openbell, binary market data',
    exchange: 'OPENBELL',
    create: (options, line, sink) => new OpenbellAdapter(options, line, sink),
  },
];

function binance(market: BinanceMarket): Pick<Venue, 'name' | 'exchange' | 'create'> {
  return {
    name: market.venue,
    exchange: 'BINANCE',
    create: (options, line, sink) => new BinanceAdapter(market, options, line, sink),
  };
}

function bybit(category: BybitCategory): Pick<Venue, 'exchange' | 'address' | 'create'> {
  return {
    exchange: 'BYBIT',
    address: new RegExp(`/v5/public/${category}\\b`),
    create: (options, line, sink) => new BybitAdapter(category, options, line, sink),
  };
}

/** The venue of a capture. @param exchange of its header, or a venue's name @param address of its first connection */
export function venueOfCapture(exchange: string, address: string): Venue | undefined {
  const named = VENUES.find(({ name }) => name === exchange);
  return named ?? VENUES.find((venue) => venue.exchange === exchange.toUpperCase() && (venue.address?.test(address) ?? true));
}
