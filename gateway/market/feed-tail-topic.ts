import { type BookView, eachChange, type SideView } from '../../feeds/books/book-views.ts';
import { type FeedFault, faultCode, stateName, TAKER_SIDE_NAMES } from '../../feeds/feed.ts';
import type { FeedRecord } from '../../feeds/feed-record.ts';
import { LatestValues } from '../../feeds/rings/latest-values.ts';
import { decimalText } from '../../feeds/text/decimal.ts';

const EMPTY: SideView = new Float64Array(0);
/** Trades of one message, at most; the oldest are left out. */
const MOST_TRADES = 256;

/**
 * One instrument of a feed as its readers see it: the best levels of its book, its best prices and its trades, as messages in JSON. Each
 * change of it has a number, one above that of the change before. docs/FEEDS.md has the messages.
 */
export class FeedTailTopic {
  readonly source: number;
  readonly row: number;
  /** Of each side. */
  readonly levels: number;
  readonly #head: string;
  readonly #values = new LatestValues();
  #no = 0;
  /** The first view of the book has come. */
  #isLoaded = false;
  #priceDecimals = 0;
  #quantityDecimals = 0;
  #bids = EMPTY;
  #asks = EMPTY;
  #status = '';
  #best = '';
  /** Of the trades in the ring, which may be ahead of the book's view. */
  #tradePriceDecimals = 0;
  #tradeQuantityDecimals = 0;
  #trades: string[] = [];
  #leftOut = 0;
  #missed = 0;
  #snapshot = '';

  constructor(feed: string, source: number, instrument: string, row: number, levels: number) {
    this.source = source;
    this.row = row;
    this.levels = levels;
    this.#head = `"feed":${JSON.stringify(feed)},"instrument":${JSON.stringify(instrument)}`;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Notes a trade for the next update. @param record valid during the call */
  trade(record: FeedRecord): void {
    // No reader has a snapshot yet, so none lacks this trade.
    if (!this.#isLoaded) return;
    if (this.#trades.length === MOST_TRADES) {
      this.#trades.shift();
      this.#leftOut++;
    }
    const { price, quantity, detail, tradeId, venueTimeUs } = record;
    const trade = {
      price: decimalText(price, this.#tradePriceDecimals, this.#tradePriceDecimals),
      quantity: decimalText(quantity, this.#tradeQuantityDecimals, this.#tradeQuantityDecimals),
      takerSide: TAKER_SIDE_NAMES[detail],
      tradeId: tradeId === 0 ? undefined : tradeId,
      venueTimeUs,
    };
    this.#trades.push(JSON.stringify(trade));
  }

  /** The units of the trades that follow. */
  scale(priceDecimals: number, quantityDecimals: number): void {
    this.#tradePriceDecimals = priceDecimals;
    this.#tradeQuantityDecimals = quantityDecimals;
  }

  /** Records of the ring were lost: trades may be missing. */
  missed(records: number): void {
    if (this.#isLoaded) this.#missed += records;
  }

  /** The newest values of the instrument, for the next message. */
  get values(): LatestValues {
    return this.#values;
  }

  /** There is something to be said without a new view of the book. */
  get hasNews(): boolean {
    return this.#trades.length > 0 || this.#missed > 0 || this.#leftOut > 0;
  }

  /**
   * Takes a new view of the book; undefined: it has not changed, or is not there. @returns the message with what has changed since the last one; '' if
   * nothing has; undefined: readers need a new snapshot
   */
  update(view: BookView | undefined): string | undefined {
    const rescaled = view !== undefined && (view.priceDecimals !== this.#priceDecimals || view.quantityDecimals !== this.#quantityDecimals);
    const first = !this.#isLoaded;
    // Trades are no part of a snapshot: they follow it.
    const isSnapshot = first || rescaled;
    const parts: string[] = [];
    const status = statusText(this.#values);
    if (status !== this.#status) parts.push(status);
    const best = this.#bestText();
    if (best !== this.#best) parts.push(best);
    if (view !== undefined) {
      if (!isSnapshot) {
        this.#changes('bids', this.#bids, view.bids, 1, parts);
        this.#changes('asks', this.#asks, view.asks, -1, parts);
      }
      this.#priceDecimals = view.priceDecimals;
      this.#quantityDecimals = view.quantityDecimals;
      // Copies: a view is a part of the memory of many.
      this.#bids = view.bids.slice();
      this.#asks = view.asks.slice();
      this.#isLoaded = true;
    }
    this.#status = status;
    this.#best = best;
    if (!this.#isLoaded) return '';
    if (isSnapshot) {
      this.#no++;
      this.#snapshot = '';
      return undefined;
    }
    if (this.#trades.length > 0) parts.push(`"trades":[${this.#trades.join(',')}]`);
    if (this.#leftOut > 0) parts.push(`"tradesLeftOut":${this.#leftOut}`);
    if (this.#missed > 0) parts.push(`"missedRecords":${this.#missed}`);
    this.#trades = [];
    this.#leftOut = 0;
    this.#missed = 0;
    if (parts.length === 0) return '';
    this.#no++;
    this.#snapshot = '';
    return `{"kind":"update",${this.#head},"no":${this.#no},${parts.join(',')}}`;
  }

  /** All of it, as of the last update. @param lost updates that its reader did not get since its last message */
  snapshot(lost: number): string {
    if (this.#snapshot === '') {
      const side = (levels: SideView) => {
        const pairs: string[] = [];
        for (let at = 0; at < levels.length; at += 2) pairs.push(this.#pair(levels[at], levels[at + 1]));
        return `[${pairs.join(',')}]`;
      };
      this.#snapshot = `{"kind":"snapshot",${this.#head},"no":${this.#no},${this.#status},${this.#best},"bids":${side(this.#bids)},"asks":${side(this.#asks)}`;
    }
    return `${this.#snapshot}${lost > 0 ? `,"updatesLeftOut":${lost}` : ''}}`;
  }

  #changes(name: 'bids' | 'asks', before: SideView, now: SideView, sign: 1 | -1, parts: string[]): void {
    const pairs: string[] = [];
    eachChange(before, now, sign, (price, quantity) => pairs.push(this.#pair(price, quantity)));
    if (pairs.length > 0) parts.push(`"${name}":[${pairs.join(',')}]`);
  }

  #pair(price: number, quantity: number): string {
    return `["${this.#price(price)}","${quantity === 0 ? '0' : this.#quantity(quantity)}"]`;
  }

  #price(units: number): string {
    return decimalText(units, this.#priceDecimals, this.#priceDecimals);
  }

  #quantity(units: number): string {
    return decimalText(units, this.#quantityDecimals, this.#quantityDecimals);
  }

  /** Best prices of the newest book or quote; a side without orders is null. */
  #bestText(): string {
    const now = this.#values;
    const side = (price: number, quantity: number) =>
      quantity === 0
        ? 'null'
        : `["${decimalText(price, now.priceDecimals, now.priceDecimals)}","${decimalText(quantity, now.quantityDecimals, now.quantityDecimals)}"]`;
    return `"best":{"bid":${side(now.bid, now.bidQuantity)},"ask":${side(now.ask, now.askQuantity)},"venueTimeUs":${now.quoteVenueTimeUs}}`;
  }
}

function statusText({ state, fault }: LatestValues): string {
  return `"state":"${stateName(state)}","fault":${fault === 0 ? 'null' : `"${faultCode(fault as FeedFault)}"`}`;
}
