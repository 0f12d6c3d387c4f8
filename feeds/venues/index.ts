import type { AdapterOptions, FeedLine, FeedSink } from '../feed.ts';
import { BinanceAdapter } from './binance.ts';
import { BINANCE_COINM, BINANCE_SPOT, BINANCE_US, BINANCE_USDM, type BinanceMarket } from './binance-markets.ts';
import { BITSTAMP_URLS, BitstampAdapter } from './bitstamp.ts';
import { BybitAdapter, type BybitCategory, bybitUrls } from './bybit.ts';
import { COINBASE_URLS, CoinbaseAdapter } from './coinbase.ts';
import { COINBASE_EXCHANGE_URLS, CoinbaseExchangeAdapter } from './coinbase-exchange.ts';
import { KRAKEN_V1_URLS, KrakenV1Adapter } from './kraken-v1.ts';
import { KRAKEN_V2_URLS, KrakenV2Adapter } from './kraken-v2.ts';
import { OKX_URLS, OkxAdapter } from './okx.ts';
import { OPENBELL_URLS, OpenbellAdapter } from './openbell.ts';
import type { VenueLine } from './venue-line.ts';
import type { VenueUrls } from './venue-urls.ts';

/** An outside venue that openbell reads. */
export interface Venue {
  /** As configuration, status and metrics name it: `kraken-v1`. */
  readonly name: string;
  /** For lists. */
  readonly title: string;
  /** Its public addresses. A proxy that controls outgoing connections must allow them. */
  readonly urls: VenueUrls;
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
    urls: BITSTAMP_URLS,
    create: (options, line, sink) => new BitstampAdapter(options, line, sink),
  },
  { ...bybit('spot'), name: 'bybit', title: 'Bybit v5 spot' },
  { ...bybit('inverse'), name: 'bybit-inverse', title: 'Bybit v5 contracts with margin in the coin' },
  { ...bybit('linear'), name: 'bybit-linear', title: 'Bybit v5 contracts with margin in USDT or USDC' },
  {
    name: 'coinbase',
    title: 'Coinbase Advanced Trade',
    urls: COINBASE_URLS,
    exchange: 'COINBASE',
    address: /\/\/advanced-trade-ws\./,
    create: (options, line, sink) => new CoinbaseAdapter(options, line, sink),
  },
  {
    name: 'coinbase-exchange',
    title: 'Coinbase Exchange',
    urls: COINBASE_EXCHANGE_URLS,
    exchange: 'COINBASE',
    address: /\/\/ws-feed\./,
    create: (options, line, sink) => new CoinbaseExchangeAdapter(options, line, sink),
  },
  {
    name: 'kraken',
    title: 'Kraken, WebSocket version 2',
    urls: KRAKEN_V2_URLS,
    create: (options, line, sink) => new KrakenV2Adapter(options, line, sink),
    exchange: 'KRAKEN',
    address: /\/v2\b/,
  },
  {
    name: 'kraken-v1',
    title: 'Kraken, WebSocket version 1',
    urls: KRAKEN_V1_URLS,
    create: (options, line, sink) => new KrakenV1Adapter(options, line, sink),
    exchange: 'KRAKEN',
    address: /^(?!.*\/v2\b)/,
  },
  {
    name: 'okx',
    title: 'OKX v5',
    exchange: 'OKX',
    urls: OKX_URLS,
    create: (options, line, sink) => new OkxAdapter(options, line, sink),
  },
  {
    name: 'openbell',
    title: 'Another openbell, binary market data',
    urls: OPENBELL_URLS,
    exchange: 'OPENBELL',
    create: (options, line, sink) => new OpenbellAdapter(options, line, sink),
  },
];

export function venueNames(): string[] {
  return VENUES.map(({ name }) => name);
}

function binance(market: BinanceMarket): Pick<Venue, 'name' | 'exchange' | 'urls' | 'create'> {
  return {
    name: market.venue,
    exchange: 'BINANCE',
    urls: market,
    create: (options, line, sink) => new BinanceAdapter(market, options, line, sink),
  };
}

function bybit(category: BybitCategory): Pick<Venue, 'exchange' | 'urls' | 'address' | 'create'> {
  return {
    exchange: 'BYBIT',
    urls: bybitUrls(category),
    address: new RegExp(`/v5/public/${category}\\b`),
    create: (options, line, sink) => new BybitAdapter(category, options, line, sink),
  };
}

/** The venue of a capture. @param exchange of its header, or a venue's name @param address of its first connection */
export function venueOfCapture(exchange: string, address: string): Venue | undefined {
  const named = VENUES.find(({ name }) => name === exchange);
  return named ?? VENUES.find((venue) => venue.exchange === exchange.toUpperCase() && (venue.address?.test(address) ?? true));
}
