import type { Recovery } from '../../engine/threads/engine-core.ts';
import { readRestored } from '../backup/restored.ts';
import { ClockWatch } from '../clock-watch.ts';
import type { Logger } from '../log.ts';
import { LiveCandles, RecoveredTrades } from '../market/live-candles.ts';
import { MarketData } from '../market/market-data.ts';
import { ReportHub } from '../sessions/report-hub.ts';
import { ReportTap } from '../sessions/report-tap.ts';
import type { Access } from './access.ts';
import type { Core } from './engine.ts';
import { allReported, publishedTimeUs } from './engine-waits.ts';
import type { StartContext } from './start-context.ts';

/** The engine runs, and what takes its reports and market events. */
export interface Recovered {
  readonly recovery: Recovery;
  readonly hub: ReportHub;
  readonly tap: ReportTap;
  readonly candles: LiveCandles;
  readonly marketData: MarketData;
  readonly clockWatch: ClockWatch;
}

/** Recovers from snapshot and log, and opens the log. @throws the errors of a log that cannot be read, and of a venue that does not fit */
export async function recover(
  { config, log, state, undo, signal }: StartContext,
  { engine, history }: Core,
  access: Access,
): Promise<Recovered> {
  const { audit, slices } = access;
  const { directory } = engine;
  const nowUs = () => engine.sequencer.nowUs();
  // Filled after recovery with the number of each account's reports, which sessions may still request.
  let recovered = new Float64Array(0);
  const hub = new ReportHub({ archive: history, lastReportNo: (account) => recovered[account] ?? 0 });
  const tap = new ReportTap(hub, nowUs);
  const candles = new LiveCandles(history.candleStates);
  const marketData = new MarketData(
    {
      orders: engine.limits.orders,
      slices,
      candles,
      engineTimeUs: () => publishedTimeUs(engine),
      passTime: () => engine.passTime(),
    },
    directory,
    nowUs,
  );
  engine.onReports(new RecoveredTrades(candles, tap));
  engine.onMarket(marketData);
  slices.turns.after(engine);
  const recovery = await engine.start();
  await allReported(engine);
  engine.onReports(tap);
  state.logOpened = true;
  undo.push(() => engine.stop({ snapshot: false }));
  audit.begin();
  signal?.throwIfAborted();
  for (const message of recovery.messages) log.warn(message);
  warnOfRestore(config.data, recovery.seq, log);
  recovered = Float64Array.from({ length: engine.limits.accounts }, (_, account) => directory.lastReportNo(account));
  tap.timing = true;
  const clockWatch = new ClockWatch(engine.clock, log);
  state.clockWatch = clockWatch;
  undo.push(() => clockWatch.stop());
  audit.checkAge();
  return { recovery, hub, tap, candles, marketData, clockWatch };
}

/** The first start after a restore: the commands behind the backup, if there were any, are not here. */
function warnOfRestore(dataDir: string, seq: number, log: Logger): void {
  const restored = readRestored(dataDir);
  if (restored?.seq !== seq) return;
  log.warn(
    { restored },
    `the data directory was restored from a backup of command ${seq}, begun ${restored.beganAt}: later commands are not in it, and their numbers are used again`,
  );
}
