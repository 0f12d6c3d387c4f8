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
  /** The first trade that is in no closed candle. */
  readonly #openTradeId = new Map<string, number>();

  /**
   * False: the stream has had this candle closed. Trades that are in no closed candle of the stream, and cannot come in one any
   * more, are reported to it before: those of a candle that was seen forming, and closed without a connection, are among them.
   */
  isNew(symbol: string, { startUs, closed, firstTradeId, lastTradeId }: CandleView, stream: GapListener): boolean {
    if (startUs <= (this.#closedUs.get(symbol) ?? -1)) return false;
    const open = this.#openTradeId.get(symbol);
    if (open !== undefined && firstTradeId > open) stream.gap(symbol, open, firstTradeId - 1);
    this.#openTradeId.set(symbol, closed ? lastTradeId + 1 : firstTradeId);
    if (closed) this.#closedUs.set(symbol, startUs);
    return true;
  }
}
