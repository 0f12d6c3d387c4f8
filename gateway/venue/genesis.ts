import { Code, codeName } from '../../engine/codes.ts';
import type { CommandFields } from '../../engine/machine/command.ts';
import { AccountParam } from '../../engine/params.ts';
import type { Directory, SymbolInfo } from '../../engine/threads/directory.ts';
import type { AssetConfig } from '../config/config-asset.ts';
import type { AccountConfig, VenueConfig } from '../config/config-file.ts';
import type { SymbolConfig } from '../config/config-symbol.ts';
import { type AdminCommands, adminAdvice } from './admin-commands.ts';
import { type Beginning, GenesisMarker, NOTHING } from './genesis-marker.ts';
import {
  type CommandWords,
  commandWords,
  defineAccount,
  defineAsset,
  defineSymbol,
  deposit,
  PARAM_ORDER,
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
 * @param dataDir where the progress is recorded, see {@link GenesisMarker}; without it, nothing is recorded
 * @throws GenesisError
 */
export async function applyVenue(venue: VenueConfig, directory: Directory, commands: Submit, dataDir?: string): Promise<GenesisResult> {
  const marker = dataDir === undefined ? undefined : new GenesisMarker(dataDir);
  const unfinished = idsOf(marker?.read() ?? NOTHING);
  const beginning = {
    symbols: venue.symbols.map(({ id }) => id).filter((id) => directory.symbol(id) === undefined || unfinished.symbols.has(id)),
    accounts: venue.accounts.map(({ id }) => id).filter((id) => !directory.accountExists(id) || unfinished.accounts.has(id)),
  };
  if (beginning.symbols.length + beginning.accounts.length > 0) marker?.write(beginning);
  const run = new Genesis(commands, beginning);
  // Each stage needs the definitions of the previous one; within a stage the order of submission is the order of execution.
  await run.stage(venue.assets.flatMap((asset) => run.asset(asset, directory)));
  await run.stage(venue.symbols.flatMap((symbol) => run.symbol(symbol, directory.symbol(symbol.id))));
  await run.stage(venue.accounts.flatMap((account) => run.account(account, directory)));
  marker?.clear();
  return { applied: run.applied, warnings: run.warnings };
}

/** For look-ups: a venue may define very many accounts. */
function idsOf({ symbols, accounts }: Beginning): { readonly symbols: ReadonlySet<number>; readonly accounts: ReadonlySet<number> } {
  return { symbols: new Set(symbols), accounts: new Set(accounts) };
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
    const known = directory.asset(asset.id);
    const what = `asset ${asset.name}`;
    if (known === undefined) {
      return [{ what, fields: defineAsset(asset) }];
    }
    this.#same(what, 'name', asset.name, known.name);
    this.#same(what, 'decimals', asset.decimals, known.decimals);
    return [];
  }

  symbol(symbol: SymbolConfig, known: SymbolInfo | undefined): Step[] {
    const what = `symbol ${symbol.name}`;
    const steps: Step[] = [];
    const isNew = this.#beginning.symbols.has(symbol.id);
    if (known === undefined) {
      steps.push({ what, fields: defineSymbol(symbol) });
    } else {
      this.#same(what, 'name', symbol.name, known.name);
      this.#same(what, 'base', symbol.base.id, known.baseAsset.id);
      this.#same(what, 'quote', symbol.quote.id, known.quoteAsset.id);
      this.#same(what, 'tick', `${symbol.tickMantissa}e-${symbol.tickDecimals}`, `${known.tickMantissa}e-${known.tickDecimals}`);
      this.#same(what, 'lot', `${symbol.lotMantissa}e-${symbol.lotDecimals}`, `${known.lotMantissa}e-${known.lotDecimals}`);
    }
    for (const name of PARAM_ORDER) {
      const value = symbol.params[name];
      // The reference price follows the trades; the configured one is only its initial value.
      if (value === undefined || value === known?.params[name] || (name === 'ReferencePrice' && !isNew)) continue;
      steps.push({ what: `${name} of ${symbol.name}`, fields: setSymbol(symbol.id, name, value), optional: !isNew });
    }
    if (isNew) steps.push({ what, fields: setPhase(symbol.id, symbol.phase) });
    return steps;
  }

  account(account: AccountConfig, directory: Directory): Step[] {
    const what = `account ${account.id}`;
    const known = directory.account(account.id);
    const steps: Step[] = [];
    if (known === undefined) {
      steps.push({ what, fields: defineAccount(account) });
    } else {
      this.#same(what, 'name', account.name, known.name);
    }
    const isNew = this.#beginning.accounts.has(account.id);
    for (const { asset, amount } of isNew ? account.deposits : []) {
      if (known?.balances.some((balance) => balance.asset.id === asset.id)) continue;
      steps.push({ what: `deposit of ${asset.name} to account ${account.id}`, fields: deposit(account.id, asset.id, amount) });
    }
    const set = (parameter: number, quantity: number) => steps.push({ what, fields: setAccount(account.id, parameter, quantity) });
    if ((known?.maxOpenOrders ?? -1) !== account.maxOpenOrders) set(AccountParam.MaxOpenOrders, account.maxOpenOrders);
    // A suspended account stays suspended; only the operator lifts that.
    if (account.suspended && known?.suspended !== true) set(AccountParam.Suspended, 1);
    return steps;
  }

  #same(what: string, key: string, wanted: string | number, is: string | number): void {
    if (wanted !== is)
      this.warnings.push(
        `${what}: ${key} is ${is} since it was defined and cannot become ${wanted}; correct the configuration or take a new id`,
      );
  }
}

/** Maximum unanswered commands: well below the command ring and the hub's limit of awaited commands. */
const STAGE_WINDOW = 512;
