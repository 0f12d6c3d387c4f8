import type { RingSlots } from '../../engine/rings/ring.ts';
import type { ReportHandler } from '../../engine/threads/pumps.ts';
import { ReportKind } from '../../engine/wire/layout.ts';
import { REPORT_WORDS } from '../../engine/wire/report-frames.ts';
import { ReportView } from '../../engine/wire/report-view.ts';
import { CANDLES_STATE, Candles } from '../../feeds/analysis/candles.ts';
import { NO_TRADE, takerOfFill } from '../fill-trade.ts';

/** The candles of all symbols as market data has them: those of the last candle of each interval and of the forming one. I/O thread. */
export class LiveCandles {
  readonly #symbols: (Candles | undefined)[] = [];

  /** @param states of the history, packed: for each symbol its number and CANDLES_STATE numbers; default: no trade yet */
  constructor(states: Float64Array = new Float64Array(0)) {
    for (let at = 0; at < states.length; at += CANDLES_STATE + 1)
      this.#symbols[states[at]] = new Candles(states.slice(at + 1, at + 1 + CANDLES_STATE));
  }

  /** Those of a symbol, for ever the same object. */
  of(symbol: number): Candles {
    this.#symbols[symbol] ??= new Candles();
    return this.#symbols[symbol];
  }
}

/**
 * Stands before a handler of reports while the engine recovers: it adds the trades that the log has and the history did
 * not have yet. What was in the history already is ignored, by its trade id.
 */
export class RecoveredTrades implements ReportHandler {
  readonly #candles: LiveCandles;
  readonly #next: ReportHandler;
  readonly #report = new ReportView();

  constructor(candles: LiveCandles, next: ReportHandler) {
    this.#candles = candles;
    this.#next = next;
  }

  onReport(slots: RingSlots, slot: number): void {
    const report = this.#report.wrap(slots.i32, slot * REPORT_WORDS);
    if (report.kind === ReportKind.Fill) {
      const taker = takerOfFill(report.flags, report.side);
      const { symbol, timeUs, price, quantity, tradeId, seq } = report;
      if (taker !== NO_TRADE) this.#candles.of(symbol).trade(timeUs, price, quantity, taker, tradeId, seq);
    }
    this.#next.onReport(slots, slot);
  }

  onReportsEnd(): void {
    this.#next.onReportsEnd();
  }
}
