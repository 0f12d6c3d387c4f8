import { Code, codeName } from '../../engine/codes.ts';
import type { CommandFields } from '../../engine/machine/command.ts';
import { AccountParam, ReferenceSourceId, type SymbolParamName } from '../../engine/params.ts';
import type { Directory } from '../../engine/threads/directory.ts';
import type { SymbolInfo } from '../../engine/threads/directory-info.ts';
import type { AssetConfig } from '../config/config-asset.ts';
import type { FeeTableConfig } from '../config/config-fee-tiers.ts';
import type { AccountConfig, VenueConfig } from '../config/config-file.ts';
import type { SymbolConfig } from '../config/config-symbol.ts';
import { type AdminCommands, adminAdvice } from './admin-commands.ts';
import { changeFeeTable } from './fee-tables.ts';
import { type Beginning, GenesisMarker, isUnfinished, NOTHING } from './genesis-marker.ts';
import {
  type CommandWords,
  commandWords,
  defineAccount,
  defineAsset,
  defineSymbol,
  deposit,
  giveFeeTier,
  paramOrder,
  setAccount,
  setPhase,
  setSymbol,
} from './venue-commands.ts';

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
  /** Differences between configuration and exchange, and what to do; the exchange's state is kept. */
  readonly warnings: readonly string[];
}

type Submit = Pick<AdminCommands, 'submit'>;

interface Step {
  readonly fields: CommandFields;
  /** For messages: `fees of BTC-USD`. */
  readonly what: string;
  /** A reject is a tolerable difference, not an error. */
  readonly optional?: boolean;
}

/**
 * Applies the configuration to the exchange: defines what the log does not have,
 * and sets parameters that differ. Existing balances are never changed: deposits
 * are made only with a new account. Running it again changes nothing.
 *
 * A phase is set only with a new symbol. Later only the operator sets it: a restart
 * must not reopen a halted symbol.
 * @param dataDir where {@link beginGenesis} recorded the progress; without it, nothing is recorded
 * @param durable resolves when all commands sent so far are durable; in mode fast, an answer does not say so
 * @throws GenesisError
 */
export async function applyVenue(
  venue: VenueConfig,
  directory: Directory,
  commands: Submit,
  dataDir?: string,
  durable: () => Promise<void> = () => Promise.resolve(),
): Promise<GenesisResult> {
  const beginning = dataDir === undefined ? beginningOf(venue, directory, NOTHING) : beginGenesis(venue, directory, dataDir);
  const run = new Genesis(commands, beginning);
  // Each stage needs the definitions of the previous one; within a stage the order of submission is the order of execution.
  await run.stage(venue.assets.flatMap((asset) => run.asset(asset, directory)));
  await run.stage(venue.feeTables.flatMap((table) => run.feeTable(table, directory)));
  await run.stage(venue.symbols.flatMap((symbol) => run.symbol(symbol, directory.symbol(symbol.id))));
  await run.stage(venue.accounts.flatMap((account) => run.account(account, directory)));
  if (dataDir !== undefined && isUnfinished(beginning)) {
    await durable();
    new GenesisMarker(dataDir).clear();
  }
  return { applied: run.applied, warnings: run.warnings };
}

/** For look-ups: a venue may define very many accounts. */
function idsOf({ symbols, accounts }: Pick<Beginning, 'symbols' | 'accounts'>): {
  readonly symbols: ReadonlySet<number>;
  readonly accounts: ReadonlySet<number>;
} {
  return { symbols: new Set(symbols), accounts: new Set(accounts) };
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
  const begun = idsOf(unfinished);
  return {
    symbols: venue.symbols.map(({ id }) => id).filter((id) => directory.symbol(id) === undefined || begun.symbols.has(id)),
    accounts: venue.accounts.map(({ id }) => id).filter((id) => !directory.accountExists(id) || begun.accounts.has(id)),
  };
}

class Genesis {
  applied = 0;
  readonly warnings: string[] = [];
  readonly #commands: Submit;
  readonly #beginning: ReturnType<typeof idsOf>;

  constructor(commands: Submit, beginning: Beginning) {
    this.#commands = commands;
    this.#beginning = idsOf(beginning);
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
      const { what, optional, fields } = waiting[i].step;
      if (code === Code.OK) continue;
      if (!optional) throw new GenesisError(`${what}: ${adminAdvice(code)} (${codeName(code)})`, this.applied, commandWords(fields));
      this.warnings.push(`${what}: stays as it is, ${adminAdvice(code)}`);
    }
  }

  asset(asset: AssetConfig, directory: Directory): Step[] {
    return directory.asset(asset.id) === undefined ? [{ what: `asset ${asset.name}`, fields: defineAsset(asset) }] : [];
  }

  feeTable({ table, asset, tiers }: FeeTableConfig, directory: Directory): Step[] {
    const known = directory.feeTables().find((each) => each.table === table);
    return changeFeeTable(table, asset.id, known?.tiers ?? [], tiers).map((fields) => ({
      what: `fee table ${table}`,
      fields,
      optional: known !== undefined,
    }));
  }

  symbol(symbol: SymbolConfig, known: SymbolInfo | undefined): Step[] {
    const what = `symbol ${symbol.name}`;
    const steps: Step[] = [];
    const isNew = this.#beginning.symbols.has(symbol.id);
    if (known === undefined) steps.push({ what, fields: defineSymbol(symbol) });
    // A source that was taken out of the configuration moves the price no more.
    const followsTrades = symbol.reference === undefined && known?.params.ReferenceSource === ReferenceSourceId.Outside;
    const params = followsTrades ? { ...symbol.params, ReferenceSource: ReferenceSourceId.Trades } : symbol.params;
    for (const name of paramOrder(params, known?.params)) {
      const value = params[name];
      // The reference price follows the trades, and sessions end one after the other; the configured ones are only the first.
      if (value === undefined || value === known?.params[name] || (FIRST_ONLY.has(name) && !isNew)) continue;
      steps.push({ what: `${name} of ${symbol.name}`, fields: setSymbol(symbol.id, name, value), optional: !isNew });
    }
    if (isNew) steps.push({ what, fields: setPhase(symbol.id, symbol.phase) });
    return steps;
  }

  account(account: AccountConfig, directory: Directory): Step[] {
    const what = `account ${account.id}`;
    const known = directory.account(account.id);
    const steps: Step[] = [];
    if (known === undefined) steps.push({ what, fields: defineAccount(account) });
    const isNew = this.#beginning.accounts.has(account.id);
    for (const { asset, amount } of isNew ? account.deposits : []) {
      if (known?.balances.some((balance) => balance.asset.id === asset.id)) continue;
      steps.push({ what: `deposit of ${asset.name} to account ${account.id}`, fields: deposit(account.id, asset.id, amount) });
    }
    const set = (parameter: number, quantity: number) => steps.push({ what, fields: setAccount(account.id, parameter, quantity) });
    if ((known?.maxOpenOrders ?? -1) !== account.maxOpenOrders) set(AccountParam.MaxOpenOrders, account.maxOpenOrders);
    for (const { table, tier } of account.feeTiers) {
      const current = known?.feeTiers.find((each) => each.table === table);
      if (current?.given === true && current.tier === tier) continue;
      const step = { what: `fee tier of account ${account.id} in table ${table}`, fields: giveFeeTier(account.id, table, tier) };
      steps.push({ ...step, optional: !isNew });
    }
    // A suspended account stays suspended; only the operator lifts that.
    if (account.suspended && known?.suspended !== true) set(AccountParam.Suspended, 1);
    return steps;
  }
}

/** Parameters that the configuration only begins with. */
const FIRST_ONLY: ReadonlySet<SymbolParamName> = new Set(['ReferencePrice', 'SessionEnd']);

/** Maximum unanswered commands: well below the command ring and the hub's limit of awaited commands. */
const STAGE_WINDOW = 512;
