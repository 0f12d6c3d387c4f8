import type { Engine } from '../../../engine/threads/engine.ts';
import type { Logger } from '../../log.ts';
import { History } from './history.ts';
import type { PreparedHistory } from './prepare.ts';

const DAY_US = 24 * 60 * 60 * 1e6;

export interface HistoryStart {
  readonly dataDir: string;
  /** Days that reports are kept; undefined: all. */
  readonly keepDays: number | undefined;
  /** The same for candles shorter than a minute. */
  readonly keepCandleDays: number;
  readonly log: Logger;
  /** Called when the history's thread has failed. */
  readonly onFailure: (error: Error) => void;
}

/** Starts the history of an engine that is not running yet. */
export function startHistory(
  engine: Engine,
  { verified }: PreparedHistory,
  { dataDir, keepDays, keepCandleDays, log, onFailure }: HistoryStart,
): Promise<History> {
  return History.start({
    dataDir,
    reports: engine.tap('reports', 'history'),
    durable: engine.durable,
    applied: engine.applied,
    onState: (event, error) => {
      engine.setHistoryFull(event === 'failing');
      if (event === 'failing') log.error({ error }, 'history cannot be written; reports are queued until the disk has room');
      else log.info('history is written again');
    },
    onCandles: ({ trades, of }) =>
      log.info(
        { trades, of },
        trades < of ? 'candles of stored trades are being made; the exchange starts afterwards' : 'candles of stored trades are made',
      ),
    onPositions: ({ reports, of }) =>
      log.info(
        { reports, of },
        reports < of
          ? 'positions of stored reports are being computed; the exchange starts afterwards'
          : 'positions of stored reports are computed',
      ),
    keepCandlesUs: keepCandleDays * DAY_US,
    ...(keepDays !== undefined && { keepUs: keepDays * DAY_US }),
    onFailure,
    onDamaged: (err) =>
      log.error({ err, code: 'HISTORY_DAMAGED' }, 'the history is damaged; trading continues, and a restart builds it again'),
    verify: !verified,
  });
}

/** Logs what the preparation has found. */
export function reportPrepared({ setAside, lostToSeq }: PreparedHistory, log: Logger): void {
  if (setAside !== undefined)
    log.error(
      { code: 'HISTORY_DAMAGED', reason: setAside.reason, kept: setAside.kept },
      'the history is damaged; it was set aside and is built again from the log',
    );
  if (lostToSeq > 0)
    log.error(
      { code: 'HISTORY_LOST', lostToSeq },
      `the log no longer begins with command 1: the reports of commands up to ${lostToSeq} cannot be built again and are lost (REPORTS_GONE)`,
    );
}

/** What an operator should know, and what does not stop trading. */
export function warningsOf(prepared: PreparedHistory | undefined, history: History | undefined): string[] {
  const warnings: string[] = [];
  if (prepared?.setAside !== undefined)
    warnings.push(
      `HISTORY_DAMAGED: this start built the history again (${prepared.setAside.reason}); the old one is kept in ${prepared.setAside.kept}`,
    );
  if ((prepared?.lostToSeq ?? 0) > 0) warnings.push(`HISTORY_LOST: the reports of commands up to ${prepared?.lostToSeq} are lost`);
  const damaged = history?.stats().damaged;
  if (damaged !== undefined) warnings.push(`HISTORY_DAMAGED: ${damaged}`);
  return warnings;
}
