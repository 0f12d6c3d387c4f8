import { InstrumentStatus } from '../../instrument-terms.ts';
import { ListEntry } from './list-entry.ts';
import { type ListPages, singlePage, statusTable } from './list-format.ts';

const { Trading, PostOnly, Halted, Delisted } = InstrumentStatus;
const statusOf = statusTable<InstrumentStatus>({ online: Trading, offline: Halted, internal: Halted, delisted: Delisted });
const SWITCHES = ['is_disabled', 'trading_disabled', 'cancel_only', 'post_only', 'auction_mode'];

/** `{"products":[{"product_id","status","price_increment","base_increment","base_currency_id","quote_currency_id", switches}]}` */
export const COINBASE_LIST: ListPages = products(['products'], {
  name: 'product_id',
  base: 'base_currency_id',
  quote: 'quote_currency_id',
  tick: 'price_increment',
  otherTick: 'quote_increment',
});

/** Of Coinbase Exchange: `[{"id","status","quote_increment","base_increment","base_currency","quote_currency", switches}]` */
export const COINBASE_EXCHANGE_LIST: ListPages = products([], {
  name: 'id',
  base: 'base_currency',
  quote: 'quote_currency',
  tick: 'quote_increment',
  otherTick: 'quote_increment',
});

interface ProductFields {
  readonly name: string;
  readonly base: string;
  readonly quote: string;
  readonly tick: string;
  /** In place of `tick` where that is absent. */
  readonly otherTick: string;
}

function products(path: readonly string[], { name, base, quote, tick, otherTick }: ProductFields): ListPages {
  const fields = [...new Set([name, base, quote, tick, otherTick]), 'status', 'base_increment', ...SWITCHES];
  return singlePage(path, (scanner) => {
    const product = new ListEntry(scanner, fields);
    return (position) => {
      if (!product.read(position)) return undefined;
      const step = product.text(tick) === '' ? otherTick : tick;
      return {
        name: product.text(name),
        status: productStatus(product),
        base: product.text(base),
        quote: product.text(quote),
        tick: product.text(step),
        lot: product.text('base_increment'),
        priceDecimals: product.decimals(step),
        quantityDecimals: product.decimals('base_increment'),
      };
    };
  });
}

/** A product that is online has switches. In an auction, orders collect and nothing trades. */
function productStatus(product: ListEntry): InstrumentStatus {
  const status = statusOf(product.text('status'));
  if (status !== Trading) return status ?? InstrumentStatus.Unknown;
  if (['is_disabled', 'trading_disabled', 'cancel_only', 'auction_mode'].some((name) => product.isTrue(name))) return Halted;
  return product.isTrue('post_only') ? PostOnly : Trading;
}
