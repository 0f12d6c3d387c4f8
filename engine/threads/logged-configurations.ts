import { listSegments } from '../journal/log-format.ts';
import { lastOfKind } from '../journal/log-lookup.ts';
import { type BatchListener, readLog, readLogSteps } from '../journal/log-reader.ts';
import { readNewestSnapshot } from '../journal/snapshot-files.ts';
import { CAPACITIES, type Capacities, CapacityError, capacityText, type Limits, type Shares } from '../limits.ts';
import { configuredCapacities, configuredRules, configuredShares, loggedCapacities, loggedShares } from '../machine/configuration.ts';
import type { Exchange } from '../machine/exchange.ts';
import { ROW_FIELDS, RowKind } from '../state-part.ts';
import { atOnce } from '../turns.ts';
import type { Seq } from '../units.ts';
import { Command, CommandKind } from '../wire/layout.ts';
import { snapshotOf } from './snapshot-of-log.ts';

const WORDS = Command.bytes / 4;

class Found extends Error {}

export type LoggedCapacities = Capacities & Partial<Shares>;

/** Takes the Configure commands out of the batches of a log. @throws NewerRulesError */
function eachConfiguration(onEach: (capacities: Capacities) => void): BatchListener {
  return (words, firstWord, count) => {
    for (let i = 0; i < count; i++) {
      if ((words[firstWord + i * WORDS] & 0xff) !== CommandKind.Configure) continue;
      const slot = firstWord / WORDS + i;
      configuredRules(words, slot);
      onEach(configuredCapacities(words, slot));
    }
  };
}

/**
 * The first capacities in the log, from `fromSeq` on. They were also in force for
 * the commands before, which an older release wrote: it did not log capacities,
 * and the next release logged those that it started with. In a log that this
 * release started, they are in the first command. Blocks.
 * @returns undefined if the log contains none
 */
export function firstConfiguration(dir: string, fromSeq: Seq): Capacities | undefined {
  let found: Capacities | undefined;
  const take = (capacities: Capacities): void => {
    found = capacities;
    throw new Found();
  };
  try {
    readLog(dir, fromSeq, eachConfiguration(take));
  } catch (error) {
    if (!(error instanceof Found)) throw error;
  }
  return found;
}

/**
 * The last capacities in a data directory, with their shares from rules 3 on: those of the log after its newest good snapshot, else those of the snapshot. Blocks; without a
 * snapshot it reads the log. The start verifies the log later.
 * @returns undefined if the directory holds no log, or an older release wrote all of it
 * @throws NewerLogError, NewerSnapshotError, NewerRulesError
 */
export function lastConfiguration(dir: string): LoggedCapacities | undefined {
  let seq = 0;
  let inSnapshot: LoggedCapacities | undefined;
  try {
    const header = readNewestSnapshot(
      dir,
      Number.POSITIVE_INFINITY,
      snapshotOf(dir),
      (rows) => {
        // Rules and capacities are the second row, and shares the third; the first one begins with the seq.
        seq = rows[1];
        if (rows[ROW_FIELDS] === RowKind.Configuration) inSnapshot = loggedCapacities(rows, ROW_FIELDS);
        if (rows[2 * ROW_FIELDS] === RowKind.Shares) inSnapshot = { ...(inSnapshot as Capacities), ...loggedShares(rows, 2 * ROW_FIELDS) };
        throw new Found();
      },
      () => undefined,
    );
    seq = header?.seq ?? 0;
  } catch (error) {
    if (!(error instanceof Found)) throw error;
  }
  const words = lastOfKind(dir, seq + 1, CommandKind.Configure);
  if (words === undefined) return inSnapshot;
  const rules = configuredRules(words, 0);
  return { ...configuredCapacities(words, 0), ...(rules >= 3 && configuredShares(words, 0)) };
}

/** The error of a start, with the largest capacities in the log: what the next start needs. Reads the log as far as it is good. Blocks. */
export function withLargestCapacities(dir: string, error: CapacityError, given: Limits): CapacityError {
  return new CapacityError(atOnce(largestCapacities(dir, error.needed)), given);
}

/** The largest capacities that the log names, at least those given, in the steps of {@link readLogSteps}. Reads the log as far as it is good. */
export function* largestCapacities(dir: string, least: Capacities): Generator<undefined, Capacities> {
  const needed = { ...least };
  const take = (capacities: Capacities): void => {
    for (const name of CAPACITIES) needed[name] = Math.max(needed[name], capacities[name]);
  };
  try {
    yield* readLogSteps(dir, listSegments(dir)[0]?.firstSeq ?? 1, eachConfiguration(take));
  } catch {
    // The replay with these capacities reports what is wrong with the log.
  }
  return needed;
}

/**
 * Message for the operator if commands were replayed under capacities that no log names: an earlier release wrote them, and with other
 * capacities than it had they may have another result than was acknowledged.
 */
export function unloggedCapacities({ configuration, limits }: Exchange, replayed: number): string[] {
  if (replayed === 0 || configuration.known) return [];
  const list = CAPACITIES.map((name) => `${name} ${capacityText(name, limits[name])}`).join(', ');
  return [
    `The log names no capacities, because an earlier release wrote it: ${replayed} commands were replayed with ${list}. ` +
      'If the exchange was last used with others, some of their results differ from those that were acknowledged: ' +
      'give its capacities in the configuration, and use a copy of the directory that this release has not started.',
  ];
}
