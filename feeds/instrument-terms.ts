/** What a venue's list says of an instrument. The book may say less: only that of a `Live` one has prices. */
export const InstrumentStatus = {
  /** No list was read yet, or its word is not among those of the adapter. */
  Unknown: 0,
  Trading: 1,
  /** Orders may only be placed, so that nothing trades. */
  PostOnly: 2,
  /** No trading: a halt, maintenance, the time before the first day or before a settlement. */
  Halted: 3,
  /** The list does not have it, or calls it ended. */
  Delisted: 4,
} as const;
export type InstrumentStatus = (typeof InstrumentStatus)[keyof typeof InstrumentStatus];

const STATUS_NAMES = ['unknown', 'trading', 'post-only', 'halted', 'delisted'] as const;
/** A status in JSON and logs. */
export type InstrumentStatusName = (typeof STATUS_NAMES)[number];

export function instrumentStatusName(status: InstrumentStatus): InstrumentStatusName {
  return STATUS_NAMES[status];
}

/** An instrument, as its venue's list describes it. Texts are those of the venue, and '' where it states none. */
export interface InstrumentTerms {
  /** As the feed has it: `XBT/USD`. */
  readonly name: string;
  readonly status: InstrumentStatus;
  readonly base: string;
  readonly quote: string;
  /** Smallest step of a price, and of a quantity: `0.01`. */
  readonly tick: string;
  readonly lot: string;
  /** Most decimals of a price, and of a quantity; -1: not stated, or more than a feed can have. */
  readonly priceDecimals: number;
  readonly quantityDecimals: number;
}

/** Of an instrument that no list has described. */
export function unlisted(name: string): InstrumentTerms {
  return { name, status: InstrumentStatus.Unknown, base: '', quote: '', tick: '', lot: '', priceDecimals: -1, quantityDecimals: -1 };
}

export function sameTerms(a: InstrumentTerms, b: InstrumentTerms): boolean {
  return (
    a.status === b.status &&
    a.base === b.base &&
    a.quote === b.quote &&
    a.tick === b.tick &&
    a.lot === b.lot &&
    a.priceDecimals === b.priceDecimals &&
    a.quantityDecimals === b.quantityDecimals
  );
}
