import { InstrumentStatus } from '../../instrument-terms.ts';
import { ListEntry } from './list-entry.ts';
import { singlePage, statusTable } from './list-format.ts';

const { Trading, Halted } = InstrumentStatus;
/** In an auction orders collect, and nothing trades before its end. A closed symbol opens again by its calendar. */
const statusOf = statusTable<InstrumentStatus>({ continuous: Trading, auction: Halted, halted: Halted, closed: Halted });

/** `GET /v1/symbols`: `[{"name","base","quote","phase","tickSize","lotSize","killed"}]` */
export const OPENBELL_LIST = singlePage([], (scanner) => {
  const symbol = new ListEntry(scanner, ['name', 'base', 'quote', 'phase', 'tickSize', 'lotSize']);
  return (position) => {
    if (!symbol.read(position)) return undefined;
    return {
      name: symbol.text('name'),
      status: statusOf(symbol.text('phase')) ?? InstrumentStatus.Unknown,
      base: symbol.text('base'),
      quote: symbol.text('quote'),
      tick: symbol.text('tickSize'),
      lot: symbol.text('lotSize'),
      priceDecimals: symbol.decimals('tickSize'),
      quantityDecimals: symbol.decimals('lotSize'),
    };
  };
});
