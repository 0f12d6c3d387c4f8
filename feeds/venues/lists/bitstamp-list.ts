import { InstrumentStatus } from '../../instrument-terms.ts';
import { ListEntry, stepText } from './list-entry.ts';
import { singlePage, statusTable } from './list-format.ts';

const statusOf = statusTable<InstrumentStatus>({ Enabled: InstrumentStatus.Trading, Disabled: InstrumentStatus.Halted });

/** `trading-pairs-info`: `[{"url_symbol":"btcusd","name":"BTC/USD","base_decimals":8,"counter_decimals":2,"trading":"Enabled"}]`. */
export const BITSTAMP_LIST = singlePage([], (scanner) => {
  const pair = new ListEntry(scanner, ['url_symbol', 'name', 'base_decimals', 'counter_decimals', 'trading']);
  return (position) => {
    if (!pair.read(position)) return undefined;
    const [priceDecimals, quantityDecimals] = [pair.count('counter_decimals'), pair.count('base_decimals')];
    const [base = '', quote = ''] = pair.text('name').split('/');
    return {
      name: pair.text('url_symbol'),
      status: statusOf(pair.text('trading')) ?? InstrumentStatus.Unknown,
      base,
      quote,
      tick: stepText(priceDecimals),
      lot: stepText(quantityDecimals),
      priceDecimals,
      quantityDecimals,
    };
  };
});
