/** Coins whose price follows the dollar: where a symbol is priced in dollars, an instrument may be priced in one of them. */
const DOLLARS = /USD[TC]$/;

/**
 * True if an instrument of a venue is what a symbol of the exchange is called: the same letters and digits, whatever their
 * case and what stands between them. `XBT` is `BTC`, and `USDT` and `USDC` at the end are `USD` as well.
 */
export function isSameInstrument(symbol: string, instrument: string): boolean {
  const [own, outside] = [plain(symbol), plain(instrument)];
  return own === outside || own === outside.replace(DOLLARS, 'USD');
}

function plain(name: string): string {
  return name
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '')
    .replace('XBT', 'BTC');
}
