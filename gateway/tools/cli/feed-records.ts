import {
  ALL_INSTRUMENTS,
  BookSide,
  type FeedFault,
  type FeedSink,
  FeedState,
  faultCode,
  stateName,
  TakerSide,
} from '../../../feeds/feed.ts';
import type { InstrumentTerms } from '../../../feeds/instrument-terms.ts';
import { decimalText } from '../../../feeds/text/decimal.ts';

export const RECORD_KINDS = ['clear', 'level', 'end', 'trade', 'quote', 'status', 'fault'] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

/** What an adapter wrote, with decimal text. The order of the fields is that of the output. */
export interface FeedRecordView {
  readonly kind: RecordKind;
  /** Absent: of the whole source. */
  readonly instrument?: string;
  readonly side?: 'bid' | 'ask' | 'buy' | 'sell';
  readonly price?: string;
  readonly quantity?: string;
  readonly bid?: string;
  readonly bidQuantity?: string;
  readonly ask?: string;
  readonly askQuantity?: string;
  readonly state?: string;
  readonly fault?: string;
  readonly tradeId?: number;
  /** The venue's time, us since 1970. */
  readonly venueTimeUs?: number;
  /** The venue's number of the update or message. */
  readonly venueSequence?: number;
}

interface Instrument {
  readonly name: string;
  priceDecimals: number;
  quantityDecimals: number;
  state: FeedState;
  fault: FeedFault;
  terms?: InstrumentTerms;
}

/** Turns what an adapter writes into records, and keeps states and counters. For commands: it allocates. */
export class RecordingSink implements FeedSink {
  readonly instruments: Instrument[] = [];
  /** Of the source as a whole. */
  state: FeedState = FeedState.Down;
  /** How often each fault was counted, by code. */
  readonly faults = new Map<string, number>();
  readonly #onRecord: ((record: FeedRecordView) => void) | undefined;
  #sequence = 0;

  constructor(onRecord?: (record: FeedRecordView) => void) {
    this.#onRecord = onRecord;
  }

  get live(): number {
    return this.instruments.filter(({ state }) => state === FeedState.Live).length;
  }

  instrument(name: string): number {
    const known = this.instruments.findIndex((instrument) => instrument.name === name);
    if (known !== -1) return known;
    return this.instruments.push({ name, priceDecimals: 0, quantityDecimals: 0, state: FeedState.Syncing, fault: 0 }) - 1;
  }

  scale(instrument: number, priceDecimals: number, quantityDecimals: number): void {
    Object.assign(this.instruments[instrument], { priceDecimals, quantityDecimals });
  }

  sequence(venueSequence: number): void {
    this.#sequence = venueSequence;
  }

  bookClear(instrument: number): void {
    this.#write({ kind: 'clear', instrument: this.#name(instrument) });
  }

  level(instrument: number, side: BookSide, price: number, quantity: number): void {
    this.#write({
      kind: 'level',
      instrument: this.#name(instrument),
      side: side === BookSide.Bid ? 'bid' : 'ask',
      price: this.#price(instrument, price),
      quantity: this.#quantity(instrument, quantity),
    });
  }

  bookEnd(instrument: number, venueTimeUs: number): void {
    this.#write({ kind: 'end', instrument: this.#name(instrument), ...timeOf(venueTimeUs) });
  }

  trade(instrument: number, price: number, quantity: number, takerSide: TakerSide, venueTimeUs: number, tradeId: number): void {
    this.#write({
      kind: 'trade',
      instrument: this.#name(instrument),
      ...(takerSide !== TakerSide.Unknown && { side: takerSide === TakerSide.Buy ? 'buy' : 'sell' }),
      price: this.#price(instrument, price),
      quantity: this.#quantity(instrument, quantity),
      ...(tradeId !== 0 && { tradeId }),
      ...timeOf(venueTimeUs),
    });
  }

  quote(instrument: number, bid: number, bidQuantity: number, ask: number, askQuantity: number, venueTimeUs: number): void {
    this.#write({
      kind: 'quote',
      instrument: this.#name(instrument),
      bid: this.#price(instrument, bid),
      bidQuantity: this.#quantity(instrument, bidQuantity),
      ask: this.#price(instrument, ask),
      askQuantity: this.#quantity(instrument, askQuantity),
      ...timeOf(venueTimeUs),
    });
  }

  listed(instrument: number, terms: InstrumentTerms): void {
    this.instruments[instrument].terms = terms;
  }

  status(instrument: number, state: FeedState, fault: FeedFault): void {
    if (instrument === ALL_INSTRUMENTS) this.state = state;
    else Object.assign(this.instruments[instrument], { state, fault });
    this.#onRecord?.({
      kind: 'status',
      ...this.#named(instrument),
      state: stateName(state),
      ...(fault !== 0 && { fault: faultCode(fault) }),
    });
  }

  fault(instrument: number, fault: FeedFault): void {
    const code = faultCode(fault);
    this.faults.set(code, (this.faults.get(code) ?? 0) + 1);
    this.#onRecord?.({ kind: 'fault', ...this.#named(instrument), fault: code });
  }

  #write(record: FeedRecordView): void {
    this.#onRecord?.(this.#sequence === 0 ? record : { ...record, venueSequence: this.#sequence });
  }

  #named(instrument: number): { readonly instrument?: string } {
    return instrument === ALL_INSTRUMENTS ? {} : { instrument: this.#name(instrument) };
  }

  #name(instrument: number): string {
    return this.instruments[instrument].name;
  }

  #price(instrument: number, price: number): string {
    const { priceDecimals } = this.instruments[instrument];
    return decimalText(price, priceDecimals, priceDecimals);
  }

  #quantity(instrument: number, quantity: number): string {
    const { quantityDecimals } = this.instruments[instrument];
    return decimalText(quantity, quantityDecimals, quantityDecimals);
  }
}

function timeOf(venueTimeUs: number): { readonly venueTimeUs?: number } {
  return venueTimeUs === 0 ? {} : { venueTimeUs };
}

/** A record as a line of text: kind, instrument, then its values. */
export function recordLine({ kind, instrument = '*', venueTimeUs, venueSequence, ...values }: FeedRecordView): string {
  const time = venueTimeUs === undefined ? '' : ` ${isoMicroseconds(venueTimeUs)}`;
  const { side, price, quantity, bid, bidQuantity, ask, askQuantity, state, fault, tradeId } = values;
  const shown = [
    side,
    price,
    quantity === undefined ? undefined : `x ${quantity}`,
    bid === undefined ? undefined : `${bidQuantity} x ${bid} | ${ask} x ${askQuantity}`,
    state,
    fault,
    tradeId === undefined ? undefined : `id ${tradeId}`,
    venueSequence === undefined ? undefined : `#${venueSequence}`,
  ];
  return `${kind.padEnd(6)} ${instrument.padEnd(12)} ${shown.filter((value) => value !== undefined).join(' ')}${time}`.trimEnd();
}

/** `2026-08-09T21:05:48.228568Z`. */
function isoMicroseconds(us: number): string {
  const iso = new Date(Math.floor(us / 1000)).toISOString();
  return `${iso.slice(0, -1)}${String(us % 1000).padStart(3, '0')}Z`;
}
