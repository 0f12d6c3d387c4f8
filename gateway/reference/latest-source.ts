import { type LatestReader, LatestValues } from '../../feeds/rings/latest-values.ts';
import type { ReferenceValue } from '../config/config-reference.ts';
import { SourceCondition, type SourceReading } from './reference-choice.ts';
import type { TickScale } from './tick-scale.ts';

/** The table of the feeds' latest values, as a source of reference prices needs it. */
export interface LatestTable {
  readonly latest: Pick<LatestReader, 'find' | 'read'>;
  /** Changes of the row wake this thread. */
  watch(row: number): void;
}

/** One outside price: a value of an instrument, in ticks of a symbol. I/O thread. */
export class LatestSource {
  /** What the last `read` found. */
  readonly reading: SourceReading = { condition: SourceCondition.Missing, price: 0, stamp: 0 };
  readonly #table: LatestTable;
  readonly #feed: number;
  readonly #instrument: string;
  readonly #value: ReferenceValue;
  readonly #scale: TickScale;
  readonly #values = new LatestValues();
  #row = -1;
  #version = -1;
  #highest = 0;

  /** @param feed number of the source in the table @param scale of the symbol, for this source alone */
  constructor(table: LatestTable, feed: number, instrument: string, value: ReferenceValue, scale: TickScale) {
    this.#table = table;
    this.#feed = feed;
    this.#instrument = instrument;
    this.#value = value;
    this.#scale = scale;
  }

  /** @param highest price of the symbol, ticks */
  read(highest: number): SourceReading {
    const { latest } = this.#table;
    if (this.#row === -1) {
      this.#row = latest.find(this.#feed, this.#instrument);
      if (this.#row === -1) return this.reading;
      this.#table.watch(this.#row);
    }
    const version = latest.read(this.#row, this.#values);
    if (version === this.#version && highest === this.#highest) return this.reading;
    this.#version = version;
    this.#highest = highest;
    return this.#value === 'mid' ? this.#readMiddle() : this.#readTrade();
  }

  #readMiddle(): SourceReading {
    const { bid, bidQuantity, ask, askQuantity, priceDecimals, quoteReceiveTimeUs } = this.#values;
    const isMarket = bidQuantity > 0 && askQuantity > 0 && bid > 0 && ask > bid;
    return this.#set(quoteReceiveTimeUs, isMarket ? this.#scale.middle(bid, ask, priceDecimals) : -1);
  }

  #readTrade(): SourceReading {
    const { tradePrice, tradeQuantity, priceDecimals, tradeReceiveTimeUs } = this.#values;
    const hasTraded = tradeQuantity > 0 && tradePrice > 0;
    return this.#set(tradeReceiveTimeUs, hasTraded ? this.#scale.nearest(tradePrice, priceDecimals) : -1);
  }

  /** @param price ticks; -1: there is none */
  #set(stamp: number, price: number): SourceReading {
    const { reading } = this;
    reading.stamp = stamp;
    reading.price = Math.max(price, 0);
    if (!this.#values.live) reading.condition = SourceCondition.NotLive;
    else if (price === -1) reading.condition = SourceCondition.NoPrice;
    else reading.condition = price >= 1 && price <= this.#highest ? SourceCondition.Usable : SourceCondition.OutOfRange;
    return reading;
  }
}
