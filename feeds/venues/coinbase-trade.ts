import type { InstrumentFeed } from '../books/instrument-feed.ts';
import { FeedFault, TakerSide } from '../feed.ts';
import type { ByteTable } from '../text/byte-table.ts';
import { wholeNumber } from '../text/decimal.ts';
import type { JsonFields } from '../text/json-fields.ts';
import { isoToUs } from '../text/times.ts';

/** Numbers of the fields of a trade in the {@link JsonFields} of its message. */
export interface TradeFields {
  readonly Price: number;
  readonly Quantity: number;
  readonly Side: number;
  readonly Time: number;
  readonly TradeId: number;
}

/**
 * Writes a trade of Coinbase, whose side is that of the maker. A trade without price or quantity is counted.
 * @param fields read from `bytes` @param makerSides names of the buying side and the selling side, in this order
 */
export function writeMakerTrade(
  instrument: InstrumentFeed,
  bytes: Uint8Array,
  fields: JsonFields,
  { Price, Quantity, Side, Time, TradeId }: TradeFields,
  makerSides: ByteTable,
): void {
  if (!fields.has(Price) || !fields.has(Quantity)) {
    instrument.fault(FeedFault.MissingField);
    return;
  }
  const { from, to } = fields;
  const maker = makerSides.find(bytes, from[Side], to[Side]);
  const taker = maker === 0 ? TakerSide.Sell : maker === 1 ? TakerSide.Buy : TakerSide.Unknown;
  const timeUs = isoToUs(bytes, from[Time], to[Time]);
  const id = Math.max(0, wholeNumber(bytes, from[TradeId], to[TradeId]));
  instrument.trade(bytes, from[Price], to[Price], from[Quantity], to[Quantity], taker, timeUs, id);
}
