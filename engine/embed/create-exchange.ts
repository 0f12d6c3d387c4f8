import { InvariantError } from '../assert.ts';
import { DEFAULT_LIMITS, type Limits, resolveLimits, SHARES } from '../limits.ts';
import type { TimeUs } from '../units.ts';
import { CommandRunner } from './command-runner.ts';
import { badOption } from './embed-error.ts';
import { EmbeddedExchange } from './embedded-exchange.ts';
import { EmbeddedNames } from './embedded-names.ts';
import { checkFunction, checkNames } from './known-names.ts';
import type { AccountDefinition, AssetDefinition, SymbolDefinition } from './operator-actions.ts';
import { readSnapshot } from './snapshot.ts';

export interface EmbedOptions {
  readonly assets?: readonly AssetDefinition[];
  readonly symbols?: readonly SymbolDefinition[];
  readonly accounts?: readonly AccountDefinition[];
  /** Sizes of its memory, which is taken at once. Default: 2^17 orders, 1,023 accounts, 31 assets and 63 symbols, some 60 MB. */
  readonly limits?: Partial<Limits>;
  /** Time of the first command, microseconds since the Unix epoch. Default 0. */
  readonly startUs?: TimeUs;
  /**
   * Read before each command, microseconds since the Unix epoch; a time that is not later than the last one counts as that. Without a clock the time is what
   * `advanceTo` says, and a replayed day keeps its stamps. {@link wallClock} is the time of day.
   */
  readonly clock?: () => TimeUs;
  /** Integers in [0, 2^32), which decide the random ends of volatility auctions. Default: the same ones in each run. */
  readonly random?: () => number;
}

/** Those that are not state, and so of a restored exchange, too. */
const RESTORE_OPTIONS: readonly string[] = ['limits', 'clock', 'random'];
const OPTIONS: readonly string[] = ['assets', 'symbols', 'accounts', 'startUs', ...RESTORE_OPTIONS];
const LIMIT_NAMES: readonly string[] = [...Object.keys(DEFAULT_LIMITS), ...SHARES];
const DEFAULT_SIZES: Partial<Limits> = {
  orders: 2 ** 17,
  pages: 2 ** 13,
  accounts: 2 ** 10,
  symbols: 64,
  rememberedOrders: 2 ** 17,
  rememberedKeys: 2 ** 12,
};

/** The time of day in microseconds. */
export function wallClock(): TimeUs {
  return Date.now() * 1000;
}

/** An exchange with these assets, symbols and accounts. @throws EmbedError */
export function createExchange(options: EmbedOptions = {}): EmbeddedExchange {
  const exchange = openExchange(options);
  for (const asset of options.assets ?? []) exchange.defineAsset(asset);
  for (const symbol of options.symbols ?? []) exchange.defineSymbol(symbol);
  for (const account of options.accounts ?? []) exchange.defineAccount(account);
  return exchange;
}

/** An exchange in the state of a snapshot, with its definitions and its time. @param options without definitions @throws EmbedError SNAPSHOT_INVALID, CAPACITY_BELOW_LOG, RULES_NEWER */
export function restoreExchange(
  snapshot: Uint8Array,
  options: Omit<EmbedOptions, 'assets' | 'symbols' | 'accounts' | 'startUs'> = {},
): EmbeddedExchange {
  return openExchange(options, snapshot);
}

function openExchange(options: EmbedOptions, snapshot?: Uint8Array): EmbeddedExchange {
  const [what, known] =
    snapshot === undefined ? (['a new exchange', OPTIONS] as const) : (['a restored exchange', RESTORE_OPTIONS] as const);
  checkNames(what, options, known);
  const { startUs = 0, clock, random = sequence() } = options;
  if (!(Number.isSafeInteger(startUs) && startUs >= 0)) badOption(`startUs is a count of microseconds, not ${startUs}`);
  if (clock !== undefined) checkFunction('a clock', clock);
  checkFunction('random', random);
  const runner = new CommandRunner(limitsOf(options), startUs, clock, random);
  if (snapshot !== undefined) {
    readSnapshot(runner.exchange, snapshot);
    runner.nowUs = runner.exchange.timeUs;
  }
  const names = new EmbeddedNames(runner.exchange);
  names.readAll();
  runner.named(names);
  return new EmbeddedExchange(runner, names);
}

function limitsOf({ limits }: EmbedOptions): Limits {
  if (limits !== undefined) checkNames('a limit', limits, LIMIT_NAMES);
  try {
    return resolveLimits({ ...DEFAULT_SIZES, ...limits });
  } catch (error) {
    if (error instanceof InvariantError) badOption(error.message);
    throw error;
  }
}

/** A fixed sequence of numbers below 2^32. */
function sequence(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
}
