/** One of Binance's markets: the same messages, other addresses, another way to number the changes of a book. */
export interface BinanceMarket {
  readonly venue: string;
  readonly webSocketUrl: string;
  readonly httpUrl: string;
  readonly depthPath: string;
  /** The list of instruments, and the parameters of its address. */
  readonly listPath: string;
  readonly listQuery: string;
  /** Levels of a snapshot that the venue offers. */
  readonly depths: readonly number[];
  /** The stream of trades. Futures publish them joined by taker order only. */
  readonly trades: 'trade' | 'aggTrade';
  /** A change has the number of the one before as `pu`. Spot numbers changes without gaps instead. */
  readonly linked: boolean;
}

export const BINANCE_SPOT: BinanceMarket = {
  venue: 'binance',
  webSocketUrl: 'wss://stream.binance.com:9443',
  httpUrl: 'https://api.binance.com',
  depthPath: '/api/v3/depth',
  listPath: '/api/v3/exchangeInfo',
  // Permissions are most of the answer.
  listQuery: 'showPermissionSets=false',
  depths: [100, 500, 1000, 5000],
  trades: 'trade',
  linked: false,
};

export const BINANCE_US: BinanceMarket = {
  ...BINANCE_SPOT,
  venue: 'binance-us',
  webSocketUrl: 'wss://stream.binance.us:9443',
  httpUrl: 'https://api.binance.us',
  listQuery: '',
};

/** Futures with margin in USDT or USDC. */
export const BINANCE_USDM: BinanceMarket = {
  venue: 'binance-usdm',
  webSocketUrl: 'wss://fstream.binance.com',
  httpUrl: 'https://fapi.binance.com',
  depthPath: '/fapi/v1/depth',
  listPath: '/fapi/v1/exchangeInfo',
  listQuery: '',
  depths: [100, 500, 1000],
  trades: 'aggTrade',
  linked: true,
};

/** Futures with margin in the coin. */
export const BINANCE_COINM: BinanceMarket = {
  ...BINANCE_USDM,
  venue: 'binance-coinm',
  webSocketUrl: 'wss://dstream.binance.com',
  httpUrl: 'https://dapi.binance.com',
  depthPath: '/dapi/v1/depth',
  listPath: '/dapi/v1/exchangeInfo',
};
