import { CliError, ExitCode } from './exit.ts';

/** A file of orders, with what belongs to it. */
export interface ReplayFile {
  readonly path: string;
  /** File of the expected trades; undefined: they are not compared. */
  readonly trades: string | undefined;
  /** undefined: a new one, named after the file. */
  readonly symbol: string | undefined;
}

/** In place of a file of trades. */
const NOT_COMPARED = 'none';

/**
 * Which trades and which symbol belong to which file: each is given once for each file, in their order, or not at all.
 * @throws CliError with exit code 2 when it is not certain
 */
export function replayFiles(paths: readonly string[], trades: readonly string[], symbols: readonly string[]): ReplayFile[] {
  const files = `${paths.length} file${paths.length === 1 ? '' : 's'} of orders`;
  const check = (flag: string, values: readonly string[], advice = ''): void => {
    if (values.length === 0 || values.length === paths.length) return;
    const times = values.length === 1 ? 'once' : `${values.length} times`;
    throw new CliError(`${flag} is given ${times} for ${files}: give it once for each file, in their order${advice}`, ExitCode.Usage);
  };
  check('--expect', trades, `; ${NOT_COMPARED} for one that is not compared`);
  check('--symbol', symbols);
  if (new Set(symbols).size < symbols.length) throw new CliError('--symbol names a symbol twice; each file needs its own', ExitCode.Usage);
  return paths.map((path, index) => ({
    path,
    trades: trades[index] === NOT_COMPARED ? undefined : trades[index],
    symbol: symbols[index],
  }));
}
