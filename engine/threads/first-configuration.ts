import { readLog } from '../journal/log-reader.ts';
import type { Capacities } from '../limits.ts';
import { configuredCapacities } from '../machine/configuration.ts';
import type { Seq } from '../units.ts';
import { Command, CommandKind } from '../wire/layout.ts';

const WORDS = Command.bytes / 4;

class Found extends Error {}

/**
 * The first capacities in the log, from `fromSeq` on. They were also in force for
 * the commands before, which an older release wrote: it did not log capacities,
 * and the next release logged those that it started with. In a log that this
 * release started, they are in the first command. Blocks.
 * @returns undefined if the log contains none
 */
export function firstConfiguration(dir: string, fromSeq: Seq): Capacities | undefined {
  let found: Capacities | undefined;
  try {
    readLog(dir, fromSeq, (words, firstWord, count) => {
      for (let i = 0; i < count; i++) {
        if ((words[firstWord + i * WORDS] & 0xff) !== CommandKind.Configure) continue;
        found = configuredCapacities(words, firstWord / WORDS + i);
        throw new Found();
      }
    });
  } catch (error) {
    if (!(error instanceof Found)) throw error;
  }
  return found;
}
