import { InstrumentStatus } from '../../instrument-terms.ts';
import { ListEntry } from './list-entry.ts';
import { eachMember, type ListPages, statusTable } from './list-format.ts';

const { Trading, Halted, Delisted } = InstrumentStatus;
const statusOf = statusTable<InstrumentStatus>({ Trading, PreLaunch: Halted, Delivering: Halted, Closed: Delisted });

/**
 * `instruments-info`: `{"result":{"list":[{"symbol","status","baseCoin","quoteCoin","lotSizeFilter":{"basePrecision" or "qtyStep"},
 * "priceFilter":{"tickSize"}}],"nextPageCursor":""}}`. A page that has a cursor is followed by another one.
 */
export const BYBIT_LIST: ListPages = {
  read: (scanner, url, bytes, onTerms) => {
    const fields = ['lotSizeFilter', 'priceFilter', 'symbol', 'status', 'baseCoin', 'quoteCoin', 'basePrecision', 'qtyStep', 'tickSize'];
    const symbol = new ListEntry(scanner, fields, 2);
    let count = 0;
    const whole = eachMember(scanner, bytes, ['result', 'list'], (position) => {
      if (!symbol.read(position)) return;
      const name = symbol.text('symbol');
      if (name === '') return;
      count++;
      const step = symbol.has('qtyStep') ? 'qtyStep' : 'basePrecision';
      onTerms({
        name,
        status: statusOf(symbol.text('status')) ?? InstrumentStatus.Unknown,
        base: symbol.text('baseCoin'),
        quote: symbol.text('quoteCoin'),
        tick: symbol.text('tickSize'),
        lot: symbol.text(step),
        priceDecimals: symbol.decimals('tickSize'),
        quantityDecimals: symbol.decimals(step),
      });
    });
    if (!whole || count === 0) return undefined;
    scanner.start(bytes);
    const answer = new ListEntry(scanner, ['result', 'nextPageCursor'], 1);
    const cursor = answer.read(scanner.position) ? answer.text('nextPageCursor') : '';
    if (cursor === '') return '';
    const next = new URL(url);
    next.searchParams.set('cursor', cursor);
    return next.href;
  },
};
