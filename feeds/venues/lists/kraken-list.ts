import { InstrumentStatus, type InstrumentTerms } from '../../instrument-terms.ts';
import type { JsonScanner } from '../../text/json-scanner.ts';
import { ListEntry, stepText } from './list-entry.ts';
import { singlePage, statusTable } from './list-format.ts';

const { Trading, PostOnly, Halted, Delisted } = InstrumentStatus;
/** Of both versions; the first one lacks some. A pair that takes only limit orders, or only smaller positions, trades. */
const statusOf = statusTable<InstrumentStatus>({
  online: Trading,
  limit_only: Trading,
  reduce_only: Trading,
  post_only: PostOnly,
  cancel_only: Halted,
  maintenance: Halted,
  work_in_progress: Halted,
  delisted: Delisted,
});

/**
 * `AssetPairs`, for version 1: `{"result":{"XXBTZUSD":{"wsname":"XBT/USD","base":"XXBT","quote":"ZUSD","pair_decimals":1,"lot_decimals":8,
 * "tick_size":"0.1","status":"online"}}}`. Pairs without `wsname` have no channels. Before 2022 there was neither `status` nor `tick_size`.
 */
export const KRAKEN_V1_LIST = singlePage(['result'], (scanner) => {
  const pair = new ListEntry(scanner, ['wsname', 'pair_decimals', 'lot_decimals', 'tick_size', 'status']);
  return (position) => {
    if (!pair.read(position)) return undefined;
    const name = pair.text('wsname');
    // The venue's own codes (XXBT, ZUSD) are not those of the names.
    const [base = '', quote = ''] = name.split('/');
    const [priceDecimals, quantityDecimals] = [pair.count('pair_decimals'), pair.count('lot_decimals')];
    return {
      name,
      // The pairs of the first lists traded.
      status: pair.has('status') ? (statusOf(pair.text('status')) ?? InstrumentStatus.Unknown) : Trading,
      base,
      quote,
      tick: pair.has('tick_size') ? pair.text('tick_size') : stepText(priceDecimals),
      lot: stepText(quantityDecimals),
      priceDecimals,
      quantityDecimals,
    };
  };
});

const V2_FIELDS = ['symbol', 'base', 'quote', 'status', 'price_precision', 'qty_precision', 'price_increment', 'qty_increment'];

/** A pair of the channel `instrument`, version 2: its increments are bare numbers. */
export function krakenPairs(scanner: JsonScanner): (position: number) => InstrumentTerms | undefined {
  const pair = new ListEntry(scanner, V2_FIELDS);
  return (position) => {
    if (!pair.read(position) || !pair.has('symbol')) return undefined;
    return {
      name: pair.text('symbol'),
      status: statusOf(pair.text('status')) ?? InstrumentStatus.Unknown,
      base: pair.text('base'),
      quote: pair.text('quote'),
      tick: pair.text('price_increment'),
      lot: pair.text('qty_increment'),
      priceDecimals: pair.count('price_precision'),
      quantityDecimals: pair.count('qty_precision'),
    };
  };
}
