import type { CandleView } from '../../engine/wire/channels/candles.ts';

/** A stream that reports what was missed. */
interface GapListener {
  gap(symbol: string, from: number, to: number): void;
}

export function isCandle(item: object): item is CandleView {
  return 'firstTradeId' in item;
}

/** What of a stream of candles was seen, by symbol: after a reconnect, a snapshot repeats the last closed candle. */
export class SeenCandles {
  readonly #closedUs = new Map<string, number>();
  readonly #lastTradeId = new Map<string, number>();

  /** False: the stream has had this candle closed. Trades that are in no candle of the stream are reported to it before. */
  isNew(symbol: string, { startUs, closed, firstTradeId, lastTradeId }: CandleView, stream: GapListener): boolean {
    if (startUs <= (this.#closedUs.get(symbol) ?? -1)) return false;
    const last = this.#lastTradeId.get(symbol);
    if (last !== undefined && firstTradeId > last + 1) stream.gap(symbol, last + 1, firstTradeId - 1);
    this.#lastTradeId.set(symbol, lastTradeId);
    if (closed) this.#closedUs.set(symbol, startUs);
    return true;
  }
}
