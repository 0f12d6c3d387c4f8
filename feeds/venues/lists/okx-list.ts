import { InstrumentStatus } from '../../instrument-terms.ts';
import { ListEntry } from './list-entry.ts';
import { singlePage, statusTable } from './list-format.ts';

const { Trading, PostOnly, Halted, Delisted } = InstrumentStatus;
const statusOf = statusTable<InstrumentStatus>({
  live: Trading,
  suspend: Halted,
  preopen: Halted,
  test: Halted,
  rebase: Halted,
  post_only: PostOnly,
  expired: Delisted,
});

/** `public/instruments`: `{"data":[{"instId","state","tickSz","lotSz","baseCcy","quoteCcy","uly"}]}`. Contracts have an underlying, `BTC-USD`, in place of currencies. */
export const OKX_LIST = singlePage(['data'], (scanner) => {
  const instrument = new ListEntry(scanner, ['instId', 'state', 'tickSz', 'lotSz', 'baseCcy', 'quoteCcy', 'uly']);
  return (position) => {
    if (!instrument.read(position)) return undefined;
    const [base = '', quote = ''] = instrument.text('uly').split('-');
    return {
      name: instrument.text('instId'),
      status: statusOf(instrument.text('state')) ?? InstrumentStatus.Unknown,
      base: instrument.text('baseCcy') || base,
      quote: instrument.text('quoteCcy') || quote,
      tick: instrument.text('tickSz'),
      lot: instrument.text('lotSz'),
      priceDecimals: instrument.decimals('tickSz'),
      quantityDecimals: instrument.decimals('lotSz'),
    };
  };
});

/** The lists that have the instruments of these names: `BTC-USDT`, `BTC-USD-SWAP`, `BTC-USD-220527`, `BTC-USD-220527-22000-C`. @returns queries */
export function okxListQueries(names: readonly string[]): string[] {
  const queries = names.map((name) => {
    const parts = name.split('-');
    if (parts.length === 5) return `instType=OPTION&uly=${parts[0]}-${parts[1]}`;
    if (name.endsWith('-SWAP')) return 'instType=SWAP';
    return parts.length === 2 ? 'instType=SPOT' : 'instType=FUTURES';
  });
  return [...new Set(queries)];
}
