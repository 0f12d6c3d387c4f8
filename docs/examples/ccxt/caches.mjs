/** The bounded lists in which the exchange classes of ccxt keep what they watch. The package does not export them by name. */
const { ArrayCache, ArrayCacheBySymbolById, ArrayCacheByTimestamp } = await import(
  new URL('./src/base/ws/Cache.js', import.meta.resolve('ccxt')).href
);

export { ArrayCache, ArrayCacheBySymbolById, ArrayCacheByTimestamp };
