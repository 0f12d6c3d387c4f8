import { readLog } from '../journal/log-reader.ts';
import type { Capacities } from '../limits.ts';
import { configuredCapacities } from '../machine/configuration.ts';
import type { Seq } from '../units.ts';
import { Command, CommandKind } from '../wire/layout.ts';

const WORDS = Command.bytes / 4;

class Found extends Error {}

/**
 * The capacities that the log names first, from `fromSeq` on. They were also in
 * force before, in commands that an older release wrote: it did not log them,
 * and the release that followed logged those that it started with. In a log that
 * was begun by this release they stand in the first command. Blocks.
 * @returns undefined when the log names none
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
