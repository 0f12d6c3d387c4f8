/** Terms of an order in words, for the command line and for the life of an order over HTTP. */

/** What a report, or an open order, says of its prices. */
export interface PricedOrder {
  readonly price?: string;
  readonly priceTicks: number;
  /** It is a pegged order: without a price it is parked. */
  readonly pegged?: boolean;
  /** Of a stop. */
  readonly stopPrice?: string;
  readonly trigger?: string;
}

/** Where an order rests, or will: ` at 59000.00`, ` at market`, ` at 59000.00, pegged`; then the stop price. */
export function priceWords({ price, priceTicks, pegged, ...stop }: PricedOrder): string {
  const at = priceTicks !== 0 ? ` at ${price}${pegged ? ', pegged' : ''}` : pegged ? ', pegged, parked' : ' at market';
  return `${at}${stopWords(stop)}`;
}

/** `, stop 58000.00 (last trade)`; nothing for an order that is no stop. */
export function stopWords({ stopPrice, trigger }: Pick<PricedOrder, 'stopPrice' | 'trigger'>): string {
  return stopPrice === undefined ? '' : `, stop ${stopPrice} (${triggerWords(trigger)})`;
}

/** Name of a trigger price. */
export function triggerWords(trigger: string | undefined): string {
  return trigger === 'reference' ? 'reference price' : 'last trade';
}
