import type { Candles } from '../../feeds/analysis/candles.ts';
import { DayWindow } from '../../feeds/analysis/day-window.ts';
import { RecentTrades } from './recent-trades.ts';

/** Trades of a symbol that are kept, and the most that a snapshot has. */
export const MOST_LAST_TRADES = 100;

/** What is kept of a symbol's last trades and of its last 24 hours, from the first request on. What came before is loaded: see PastLoader. */
export class SymbolPast {
  /** Undefined: not requested yet. */
  trades: RecentTrades | undefined;
  day: DayWindow | undefined;
  /** What came before is there. */
  ready = false;
  /** Time of the last `advance`, microseconds since the Unix epoch. */
  timeUs = 0;

  /** Keeps what trades from now on. */
  begin(): void {
    this.trades ??= new RecentTrades(MOST_LAST_TRADES);
    this.day ??= new DayWindow();
  }

  /** Drops what is older than 24 hours before the end of the minute of `timeUs`. */
  advance(timeUs: number): void {
    this.timeUs = timeUs;
    this.day?.advance(timeUs);
  }

  /** Call after candles have closed. */
  onClosed(candles: Candles): void {
    if (this.day !== undefined) this.day.follow(candles);
  }
}
