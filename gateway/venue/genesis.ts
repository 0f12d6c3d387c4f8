import { Code, codeName } from '../../engine/codes.ts';
import type { Directory } from '../../engine/threads/directory.ts';
import type { VenueConfig } from '../config/config-file.ts';
import { type AdminCommands, adminAdvice } from './admin-commands.ts';
import { type ConfiguredValue, readConfigured, writeConfigured } from './configured-values.ts';
import { type Beginning, GenesisMarker, isUnfinished, NOTHING } from './genesis-marker.ts';
import { ValuePolicy } from './value-policy.ts';
import { type CommandWords, commandWords } from './venue-commands.ts';
import { planVenue, type Step, type VenuePlan } from './venue-plan.ts';

/** The exchange cannot apply the configuration. Applied commands remain in effect; the next start continues from there. */
export class GenesisError extends Error {
  readonly code = 'OPENBELL_GENESIS';
  /** Number of applied commands. */
  readonly applied: number;
  readonly failed: CommandWords;

  constructor(message: string, applied: number, failed: CommandWords) {
    super(
      `${message}; ${applied} command${applied === 1 ? '' : 's'} of this configuration stand${applied === 1 ? 's' : ''}, and the next start goes on from there`,
    );
    this.applied = applied;
    this.failed = failed;
  }
}

export interface GenesisResult {
  /** Commands that took effect. */
  readonly applied: number;
  /** Differences between configuration and exchange that the exchange does not take, and what to do; the exchange's state is kept. */
  readonly warnings: readonly string[];
  readonly plan: VenuePlan;
}

type Submit = Pick<AdminCommands, 'submit'>;

export interface ApplyOptions {
  /** Data directory, which records what the file gave and where {@link beginGenesis} recorded the progress; without it, nothing is recorded, and the file's values take effect. */
  readonly dataDir?: string;
  /** The file's values take effect, also where an operator set others. */
  readonly apply?: boolean;
  /** Further values to record: what the options of the exchange are. */
  readonly options?: Iterable<readonly [string, ConfiguredValue]>;
  /** Called before the first command. */
  readonly onPlan?: (plan: VenuePlan) => void;
  /** Resolves when all commands sent so far are durable; in mode fast, an answer does not say so. */
  readonly durable?: () => Promise<void>;
}

/**
 * Applies the configuration to the exchange: defines what the log does not have,
 * and sets parameters that were changed in the file since the last start. What an
 * operator changed while the exchange ran stays: see {@link ValuePolicy}. Existing
 * balances are never changed: deposits are made only with a new account. Running
 * it again changes nothing.
 *
 * A phase is set only with a new symbol. Later only the operator sets it: a restart
 * must not reopen a halted symbol.
 * @throws GenesisError
 */
export async function applyVenue(
  venue: VenueConfig,
  directory: Directory,
  commands: Submit,
  { dataDir, apply = false, options = [], onPlan = () => undefined, durable = () => Promise.resolve() }: ApplyOptions = {},
): Promise<GenesisResult> {
  const beginning = dataDir === undefined ? beginningOf(venue, directory, NOTHING) : beginGenesis(venue, directory, dataDir);
  const policy = dataDir === undefined ? ValuePolicy.APPLY : new ValuePolicy(readConfigured(dataDir), apply);
  const plan = planVenue(venue, directory, beginning, policy);
  onPlan(plan);
  const run = new Genesis(commands);
  for (const stage of plan.stages) await run.stage(stage);
  if (dataDir !== undefined) {
    await durable();
    record(dataDir, new Map([...plan.values, ...options]), run.refused);
    if (isUnfinished(beginning)) new GenesisMarker(dataDir).clear();
  }
  return { applied: run.applied, warnings: run.warnings, plan };
}

/** A value that the exchange did not take keeps its record, so that the next start tries it again; so does one that the file no longer names. */
function record(dataDir: string, values: VenuePlan['values'], refused: ReadonlySet<string>): void {
  const before = readConfigured(dataDir);
  const next = new Map(before);
  for (const [key, value] of values) {
    if (refused.has(key)) continue;
    if (value === undefined) next.delete(key);
    else next.set(key, value);
  }
  const same = before !== undefined && before.size === next.size && [...next].every(([key, value]) => before.get(key) === value);
  if (!same) writeConfigured(dataDir, next);
}

/**
 * Records in the directory what a genesis is about to define, see {@link GenesisMarker}. Returns it, together with what an
 * interrupted one was about to define. Running it again changes nothing.
 */
export function beginGenesis(venue: VenueConfig, directory: Directory, dataDir: string, source?: Beginning['source']): Beginning {
  const marker = new GenesisMarker(dataDir);
  const unfinished = marker.read();
  const from = source ?? unfinished.source;
  const beginning = { ...beginningOf(venue, directory, unfinished), ...(from !== undefined && { source: from }) };
  if (JSON.stringify(beginning) === JSON.stringify(unfinished)) return beginning;
  if (isUnfinished(beginning)) marker.write(beginning);
  else if (isUnfinished(unfinished)) marker.clear();
  return beginning;
}

function beginningOf(venue: VenueConfig, directory: Directory, unfinished: Beginning): Pick<Beginning, 'symbols' | 'accounts'> {
  const [symbols, accounts] = [new Set(unfinished.symbols), new Set(unfinished.accounts)];
  return {
    symbols: venue.symbols.map(({ id }) => id).filter((id) => directory.symbol(id) === undefined || symbols.has(id)),
    accounts: venue.accounts.map(({ id }) => id).filter((id) => !directory.accountExists(id) || accounts.has(id)),
  };
}

class Genesis {
  applied = 0;
  readonly warnings: string[] = [];
  /** Keys of values that the exchange did not take. */
  readonly refused = new Set<string>();
  readonly #commands: Submit;

  constructor(commands: Submit) {
    this.#commands = commands;
  }

  /** Submits the steps without waiting in between: one group commit instead of one each. */
  async stage(steps: readonly Step[]): Promise<void> {
    const waiting: { step: Step; answer: ReturnType<Submit['submit']> }[] = [];
    for (const step of steps) {
      waiting.push({ step, answer: this.#commands.submit(step.fields) });
      if (waiting.length === STAGE_WINDOW) await this.#settle(waiting.splice(0));
    }
    await this.#settle(waiting);
  }

  async #settle(waiting: { step: Step; answer: ReturnType<Submit['submit']> }[]): Promise<void> {
    const answers = await Promise.all(waiting.map(({ answer }) => answer));
    // All were submitted together: commands after a failed one may have been applied too.
    this.applied += answers.filter(({ code }) => code === Code.OK).length;
    for (const [i, { code }] of answers.entries()) {
      const { what, optional, fields, key } = waiting[i].step;
      if (code === Code.OK) continue;
      if (!optional) throw new GenesisError(`${what}: ${adminAdvice(code)} (${codeName(code)})`, this.applied, commandWords(fields));
      this.warnings.push(`${what}: stays as it is, ${adminAdvice(code)}`);
      if (key !== undefined) this.refused.add(key);
    }
  }
}

/** Maximum unanswered commands: well below the command ring and the hub's limit of awaited commands. */
const STAGE_WINDOW = 512;
