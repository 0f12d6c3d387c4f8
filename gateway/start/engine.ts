import { existsSync, rmSync } from 'node:fs';
import type { DataLock } from '../../engine/journal/data-lock.ts';
import { resolveLimits } from '../../engine/limits.ts';
import { Engine } from '../../engine/threads/engine.ts';
import type { Recovery } from '../../engine/threads/engine-core.ts';
import type { RetentionOptions } from '../../engine/threads/engine-options.ts';
import { lastConfiguration } from '../../engine/threads/logged-configurations.ts';
import { limitsOf } from '../config/config.ts';
import type { VenueConfig } from '../config/config-file.ts';
import type { Logger } from '../log.ts';
import type { History } from '../taps/history/history.ts';
import { type PreparedHistory, prepareHistory } from '../taps/history/prepare.ts';
import { reportPrepared, startHistory } from '../taps/history/start-history.ts';
import { keepStoreLibrary } from '../taps/history/store-library.ts';
import { historyPath } from '../taps/history/store-paths.ts';
import type { StartContext } from './start-context.ts';
import { acceptVenue } from './venue.ts';

const DAY_US = 24 * 60 * 60 * 1e6;

/** Part of the log is missing: the history has commands after its end, whose numbers would be used again. */
export class HistoryAheadError extends Error {
  readonly code = 'HISTORY_AHEAD';

  constructor(dataDir: string, historySeq: number, seq: number) {
    super(
      `the log in ${dataDir} ends with command ${seq}, but its history goes on to ${historySeq}; ` +
        `put the missing log files back, or forget what followed with: openbell repair ${dataDir} --cut`,
    );
    this.name = 'HistoryAheadError';
  }
}

/** The engine, not running yet, and the history that it writes to. */
export interface Core {
  readonly engine: Engine;
  readonly history: History;
  /** This start set a damaged history aside. */
  readonly historyRebuilt: boolean;
  /** The venue to trade, once the log is read. */
  readonly venue: () => VenueConfig;
}

/** Checks the history, then makes the engine and starts the history's threads. @throws HistoryVersionError */
export async function createCore(context: StartContext, lock: DataLock): Promise<Core> {
  const { config, log, state, undo, signal } = context;
  const limits = limitsOf(config, lastConfiguration(config.data));
  keepStoreLibrary();
  const prepared = await prepareHistory(config.data, resolveLimits(limits));
  state.prepared = prepared;
  reportPrepared(prepared, log);
  signal?.throwIfAborted();
  let venue: VenueConfig = config;
  const engine = createEngine(context, limits, prepared, ({ seq }) => {
    lock.check();
    if (prepared.watermark > seq) throw new HistoryAheadError(config.data, prepared.watermark, seq);
    venue = acceptVenue(context, engine, seq);
  });
  state.engine = engine;
  // A start that fails before the log is open leaves no history behind. It is derived from the log.
  if (!existsSync(historyPath(config.data)))
    undo.push(() => state.logOpened || rmSync(historyPath(config.data), { recursive: true, force: true }));
  const history = await startHistory(engine, prepared, {
    dataDir: config.data,
    keepDays: config.historyKeep,
    keepCandleDays: config.candleKeep,
    log,
    onFailure: (error) => state.fail(error),
  });
  state.history = history;
  undo.push(() => history.stop());
  return { engine, history, historyRebuilt: prepared.setAside !== undefined, venue: () => venue };
}

/** @param accept is called before the log is opened for writing, so that a configuration that does not fit changes nothing */
function createEngine(
  { config, log, state, signal, onProgress }: StartContext,
  limits: ReturnType<typeof limitsOf>,
  { watermark }: PreparedHistory,
  accept: (recovery: Recovery) => void,
): Engine {
  return new Engine({
    dir: config.data,
    ...(config.topology !== 'auto' && { topology: config.topology }),
    durability: config.durability,
    limits,
    clockStepUs: config.clockStep * DAY_US,
    historySeq: watermark,
    accept,
    ...(config.logKeep !== undefined && { retention: retentionOf(config.logKeep, log) }),
    historyWatermark: () => state.history?.stats().watermark ?? 0,
    ...(onProgress && { onProgress }),
    signal,
    onFailed: (error) => state.fail(error),
    onSnapshot: (result) => {
      if (result instanceof Error) log.error({ err: result }, 'snapshot failed; the log still has everything');
      else log.info(result, 'snapshot taken');
    },
  });
}

function retentionOf(days: number, log: Logger): RetentionOptions {
  return {
    keepUs: days * DAY_US,
    onPass: (result) => {
      if (result instanceof Error) log.error({ err: result }, 'old segments of the log cannot be removed; the next pass tries again');
      else log.info(result, 'old segments of the log were removed');
    },
  };
}
