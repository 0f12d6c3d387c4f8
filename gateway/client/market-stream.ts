import type { ChannelName } from '../../engine/wire/channels/channels.ts';
import type { OpenbellError } from './errors.ts';
import type { UpdateOf } from './market-decode.ts';

export type CandleChannel = Extract<ChannelName, `candles-${string}`>;
export type StreamChannel = 'bbo' | 'trades' | 'status' | 'ticker' | CandleChannel;

/** An update with its symbol, because a stream may cover every symbol. */
export type Item<C extends StreamChannel> = UpdateOf[C] & { readonly symbol: string };

export interface StreamOptions<C extends StreamChannel> {
  /** Called for each update; without it updates are queued for `for await`. */
  readonly onItem?: (item: Item<C>) => void;
  /** Updates `from` to `to` of a symbol were missed. Missed trades can be read from the history by trade id. Of candles: trades that no closed candle of the stream has; read the candles from the history. */
  readonly onGap?: (symbol: string, from: number, to: number) => void;
  /** Number of the last update seen, of a stream of one symbol: if the stream begins later, `onGap` reports the updates between. */
  readonly after?: number;
  /** The connection was lost; updates go on after the reconnect, unless it is `final`. */
  readonly onLost?: (error: OpenbellError, final: boolean) => void;
  /** Maximum queued updates; beyond that the oldest are dropped and counted. Default 10,000. */
  readonly limit?: number;
}

export interface TradeStreamOptions extends StreamOptions<'trades'> {
  /**
   * Trades before the beginning of the stream that it begins with, of each symbol, at most: 1 to 100. With `after`: those of
   * the last trades that follow it. After a lost connection, so many of those that were missed are delivered, too.
   */
  readonly last?: number;
}

/**
 * Updates of one channel, by callback or `for await`:
 *
 * ```ts
 * for await (const trade of await market.trades('BTC-USD')) console.log(trade.price);
 * ```
 * Leaving the loop, or `close`, ends the subscription.
 */
export class MarketStream<C extends StreamChannel> implements AsyncIterableIterator<Item<C>> {
  /** Updates dropped because the queue was full. */
  dropped = 0;
  readonly #options: StreamOptions<C>;
  readonly #limit: number;
  readonly #onClose: () => void;
  readonly #queue: Item<C>[] = [];
  readonly #takers: ((result: IteratorResult<Item<C>>) => void)[] = [];
  #closed = false;

  constructor(options: StreamOptions<C>, onClose: () => void) {
    this.#options = options;
    this.#limit = options.limit ?? 10_000;
    this.#onClose = onClose;
  }

  push(item: Item<C>): void {
    if (this.#closed) return;
    if (this.#options.onItem !== undefined) return this.#options.onItem(item);
    const taker = this.#takers.shift();
    if (taker !== undefined) return taker({ value: item, done: false });
    if (this.#queue.length === this.#limit) {
      this.#queue.shift();
      this.dropped++;
    }
    this.#queue.push(item);
  }

  gap(symbol: string, from: number, to: number): void {
    this.#options.onGap?.(symbol, from, to);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const taker of this.#takers.splice(0)) taker({ value: undefined, done: true });
    this.#onClose();
  }

  next(): Promise<IteratorResult<Item<C>>> {
    const item = this.#queue.shift();
    if (item !== undefined) return Promise.resolve({ value: item, done: false });
    if (this.#closed) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  return(): Promise<IteratorResult<Item<C>>> {
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
