import type { FeedState, TakerSide } from '../feed.ts';

/** Gets the records of a source that candles are made of, on the thread that writes the records. */
export interface TradeListener {
  /** Decimals of an instrument from now on. @param row its number */
  scale(row: number, priceDecimals: number, quantityDecimals: number): void;

  /** Times in microseconds since the Unix epoch. @param venueTimeUs 0: the venue gives none @param tradeId the same for its number */
  trade(
    row: number,
    price: number,
    quantity: number,
    takerSide: TakerSide,
    venueTimeUs: number,
    receiveTimeUs: number,
    tradeId: number,
  ): void;

  /** The venue's time, of a book or a quote. */
  time(venueTimeUs: number, receiveTimeUs: number): void;

  /** State of the source's connection. */
  connection(state: FeedState): void;
}
