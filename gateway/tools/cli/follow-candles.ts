import { CANDLE_INTERVALS, INTERVAL_US } from '../../../feeds/analysis/candles.ts';
import { connect, type OpenbellError } from '../../client/index.ts';
import { askCandles, type CandleFlags, MAX_PAGE, showCandle } from './candle-lines.ts';
import { clientOptions } from './connection.ts';
import { interruption, outputTaken } from './followed.ts';

/**
 * Shows each candle of a symbol when it has closed, until a signal, once and in order. The stream says that one has closed,
 * and the history has all of them: so what closed without a connection is shown when it is back.
 * @param seenUs begin of the last candle that was shown
 */
export async function followCandles(symbol: string, flags: CandleFlags, seenUs: number | undefined): Promise<void> {
  const client = await connect(clientOptions(flags));
  let closedUs = -1;
  let nextUs = seenUs === undefined ? undefined : seenUs + INTERVAL_US[CANDLE_INTERVALS.indexOf(flags.interval)];
  let failure: OpenbellError | undefined;
  let wake: () => void = () => undefined;
  const stop = interruption();
  stop.addEventListener('abort', () => wake(), { once: true });
  try {
    await client.market.candles(symbol, flags.interval, {
      onItem: ({ closed, startUs }) => {
        if (!closed) return;
        closedUs = Math.max(closedUs, startUs);
        wake();
      },
      onLost: (error, final) => {
        if (!final) process.stderr.write(`openbell: ${error.message}; connecting again\n`);
        else failure = error;
        wake();
      },
    });
    while (!stop.aborted) {
      await outputTaken(stop);
      if (closedUs >= (nextUs ?? 0)) nextUs = await showUpTo(symbol, flags, nextUs ?? closedUs, closedUs);
      else if (failure !== undefined) throw failure;
      else {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
    }
  } finally {
    await client.close();
  }
}

/** Shows the candles that begin from `fromUs` to `lastUs`, page by page. @returns where the next one begins */
async function showUpTo(symbol: string, flags: CandleFlags, fromUs: number, lastUs: number): Promise<number> {
  for (let from = fromUs; ; ) {
    const { candles, next } = await askCandles(symbol, flags, { limit: MAX_PAGE, from, to: lastUs + 1 });
    for (const candle of candles) showCandle(candle, flags);
    if (next === 0) return lastUs + INTERVAL_US[CANDLE_INTERVALS.indexOf(flags.interval)];
    from = next;
  }
}
