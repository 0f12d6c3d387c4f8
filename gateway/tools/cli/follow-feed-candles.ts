import { setTimeout as sleep } from 'node:timers/promises';
import { askCandles, type CandleFlags, MAX_PAGE, showCandle } from './candle-lines.ts';
import { CliError, ExitCode } from './exit.ts';
import { outputTaken } from './followed.ts';
import { stopSignal } from './stop-signals.ts';

/** Between two questions: the shortest candle has a second. */
const EVERY_MS = 1000;

/**
 * Shows each candle of an outside market when it has closed, until a signal, once and in order. The exchange is asked again and
 * again, also after it could not be reached.
 * @param seenUs begin of the last candle that was shown
 */
export async function followFeedCandles(instrument: string, flags: CandleFlags, seenUs: number | undefined): Promise<void> {
  const stop = stopSignal();
  let from = seenUs === undefined ? 0 : seenUs + 1;
  let isLost = false;
  while (!stop.aborted) {
    try {
      const { candles } = await askCandles(instrument, flags, { limit: MAX_PAGE, from });
      isLost = false;
      for (const candle of candles) {
        if (!candle.closed) break;
        showCandle(candle, flags);
        from = candle.startUs + 1;
      }
      await outputTaken(stop);
    } catch (error) {
      if (!(error instanceof CliError) || error.exitCode !== ExitCode.Unreachable) throw error;
      if (!isLost) process.stderr.write(`openbell: ${error.message}; asking again\n`);
      isLost = true;
    }
    await sleep(EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}
