import { parseArgs } from 'node:util';
import { MIN_PAIRS } from './pair-verdict.ts';
import type { Profile } from './result.ts';

export interface Arguments {
  readonly scopes: readonly string[];
  readonly profile: Profile;
  readonly check: boolean;
  readonly windows: number;
  /** Undefined: the output folder. */
  readonly dir?: string;
  readonly out: string;
  readonly compare?: string;
  /** A commit to take turns with. */
  readonly against?: string;
  readonly list: boolean;
  readonly help: boolean;
  readonly options: Readonly<Record<string, string>>;
}

/** The command line is invalid: exit code 2, no scope was run. */
export class UsageError extends Error {}

export const MIN_WINDOWS = 3;

export const USAGE = `usage: npm run bench -- [SCOPE...] [options]

  --profile full|ci  full takes the full time for accurate figures (default), ci some 6 minutes
  --check            exit 3 when a guard or a ratio of bench/budgets.json does not hold,
                     nor in two further measurements of its scope
  --windows N        measure each figure N times (at least and by default ${MIN_WINDOWS})
  --against COMMIT   take turns with another commit, which is checked out and built under --out:
                     N pairs of turns (at least and by default ${MIN_PAIRS}), new processes in each.
                     A turn is a whole window. For small differences of order entry, the
                     state machine or the book take the scope pairs: both commits run side
                     by side, in turns of a second (-o only=wire for order entry alone)
  --dir DIR          measure on the disk of this folder (default: the output folder)
  --out DIR          result.json, previous.json, history.jsonl, summary.md, report.html
                     (default bench/out)
  --compare FILE     a result.json to compare with (default: the previous run in --out)
  -o KEY=VALUE       an option of the named scopes
  --list             the scopes, their options and their durations
  --help             this, and the list

Without SCOPE: all except those marked "by name only". Progress goes to stderr, a short
summary to stdout; all figures are in summary.md and report.html. Exit codes: 0, 1 a
scope failed, 2 usage, 3 with --check: a guard or a ratio is broken or could not be
measured, 130 interrupted (nothing is written then).
`;

/** @throws UsageError */
export function parseCommandLine(args: readonly string[], defaultOut: string): Arguments {
  const { values, positionals } = parse(args);
  const { profile = 'full', against } = values;
  const fewest = against === undefined ? MIN_WINDOWS : MIN_PAIRS;
  const { windows = String(fewest) } = values;
  if (profile !== 'full' && profile !== 'ci') throw new UsageError(`--profile must be full or ci, not ${profile}`);
  if (!/^\d{1,3}$/.test(windows) || Number(windows) < fewest)
    throw new UsageError(`--windows must be a number from ${fewest} to 999, not ${windows}`);
  if (against !== undefined && values.compare !== undefined) throw new UsageError('--against and --compare are two comparisons: give one');
  const options: Record<string, string> = {};
  for (const option of values.option ?? []) {
    const at = option.indexOf('=');
    if (at < 1) throw new UsageError(`-o needs KEY=VALUE, not ${option}`);
    options[option.slice(0, at)] = option.slice(at + 1);
  }
  return {
    scopes: [...new Set(positionals)],
    profile,
    check: values.check ?? false,
    windows: Number(windows),
    dir: values.dir,
    out: values.out ?? defaultOut,
    compare: values.compare,
    against,
    list: values.list ?? false,
    help: values.help ?? false,
    options,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        profile: { type: 'string' },
        check: { type: 'boolean' },
        windows: { type: 'string' },
        dir: { type: 'string' },
        out: { type: 'string' },
        compare: { type: 'string' },
        against: { type: 'string' },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        option: { type: 'string', short: 'o', multiple: true },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
