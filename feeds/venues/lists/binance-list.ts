import { InstrumentStatus } from '../../instrument-terms.ts';
import { ListEntry } from './list-entry.ts';
import { singlePage, statusTable } from './list-format.ts';

const { Trading, Halted, Delisted } = InstrumentStatus;
/** `BREAK` is maintenance as well as the end of a symbol on spot, which keeps ended ones in its list. */
const statusOf = statusTable<InstrumentStatus>({
  TRADING: Trading,
  PRE_TRADING: Halted,
  POST_TRADING: Halted,
  END_OF_DAY: Halted,
  HALT: Halted,
  AUCTION_MATCH: Halted,
  BREAK: Halted,
  PENDING_TRADING: Halted,
  PRE_DELIVERING: Halted,
  DELIVERING: Halted,
  PRE_SETTLE: Halted,
  SETTLING: Halted,
  DELIVERED: Delisted,
  CLOSE: Delisted,
});

/**
 * `exchangeInfo`: `{"symbols":[{"symbol","status","baseAsset","quoteAsset","filters":[{"filterType":"PRICE_FILTER","tickSize"},
 * {"filterType":"LOT_SIZE","stepSize"}]}]}`. Contracts with margin in the coin have `contractStatus`.
 */
export const BINANCE_LIST = singlePage(['symbols'], (scanner) => {
  const symbol = new ListEntry(scanner, ['symbol', 'status', 'contractStatus', 'baseAsset', 'quoteAsset', 'filters']);
  const filter = new ListEntry(scanner, ['filterType', 'tickSize', 'stepSize']);
  return (position) => {
    if (!symbol.read(position)) return undefined;
    let [tick, lot, priceDecimals, quantityDecimals] = ['', '', -1, -1];
    symbol.some('filters', (at) => {
      const kind = filter.read(at) ? filter.text('filterType') : '';
      if (kind === 'PRICE_FILTER') [tick, priceDecimals] = [filter.text('tickSize'), filter.decimals('tickSize')];
      else if (kind === 'LOT_SIZE') [lot, quantityDecimals] = [filter.text('stepSize'), filter.decimals('stepSize')];
      return tick !== '' && lot !== '';
    });
    const status = statusOf(symbol.text(symbol.has('contractStatus') ? 'contractStatus' : 'status')) ?? InstrumentStatus.Unknown;
    const [name, base, quote] = [symbol.text('symbol'), symbol.text('baseAsset'), symbol.text('quoteAsset')];
    return { name, status, base, quote, tick, lot, priceDecimals, quantityDecimals };
  };
});
