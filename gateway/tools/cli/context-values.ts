import type { Command } from 'commander';
import { type Context, type Contexts, NO_CONTEXT, readContexts, SETTINGS, type Setting, type SettingValue } from './contexts-file.ts';
import { CliError, ExitCode } from './exit.ts';

/** Options that do not change what a command does. */
const ASIDE: ReadonlySet<string> = new Set(['context', 'yes', 'json']);

/** Where a value comes from, in the order of precedence. */
export type Origin = 'flag' | 'environment' | 'context' | 'default';

export interface Effective {
  readonly setting: Setting;
  readonly value: SettingValue;
  readonly origin: Origin;
}

/** The context that the command line, the environment or the file names, in this order. @throws CliError when it does not exist */
export async function contextOf(named: string | undefined): Promise<({ readonly name: string } & Context) | undefined> {
  if (named === NO_CONTEXT) return undefined;
  const { current, all } = await readContexts();
  const name = named || current;
  if (name === undefined) return undefined;
  return { name, ...contextNamed(all, name) };
}

/** @throws CliError when there is none of this name */
export function contextNamed(all: Contexts['all'], name: string): Context {
  const context = all.get(name);
  if (context !== undefined) return context;
  const others = [...all.keys()].join(', ') || 'none: add one with openbell context add';
  throw new CliError(`there is no context ${name}; there are ${others}`, ExitCode.Usage);
}

/**
 * Gives options that neither a flag nor the environment sets the values of the context in force.
 * @param command that has the options @param action the command that runs: `command`, or one below it
 * @throws CliError
 */
export async function applyContext(command: Command, action = command): Promise<void> {
  const context = await contextOf(command.getOptionValue('context'));
  if (context !== undefined) {
    for (const [setting, value] of Object.entries(context.settings) as [Setting, SettingValue][]) {
      if (originOf(command, setting) === 'default') command.setOptionValueWithSource(attribute(setting), value, 'config');
    }
    if (context.guard) {
      command.setOptionValueWithSource('guardedBy', context.name, 'config');
      command.setOptionValueWithSource('guardedAction', actionText(action), 'config');
    }
  }
  chooseCredentials(command);
}

/** The command as it was typed, without the options that say where the exchange is: such as `kill-switch on --venue`. */
function actionText(action: Command): string {
  const words = [...action.args];
  for (const option of action.options) {
    const name = option.long?.slice(2) ?? '';
    const typed = action.getOptionValueSource(option.attributeName()) === 'cli';
    if (!typed || (name in SETTINGS && name !== 'account') || ASIDE.has(name)) continue;
    const value = action.getOptionValue(option.attributeName());
    words.push(`--${name}`, ...(typeof value === 'boolean' ? [] : [String(value)]));
  }
  for (let at = action; at.parent !== null; at = at.parent) words.unshift(at.name());
  return words.join(' ');
}

/** The settings of a command and where each comes from. @param command after {@link applyContext} */
export function effectiveSettings(command: Command): Effective[] {
  const found: Effective[] = [];
  for (const setting of Object.keys(SETTINGS) as Setting[]) {
    const value = command.getOptionValue(attribute(setting)) ?? (setting === 'tls' && process.env.OPENBELL_TLS) ?? undefined;
    if (value !== undefined && value !== false && value !== '') found.push({ setting, value, origin: originOf(command, setting) });
  }
  return found;
}

function originOf(command: Command, setting: Setting): Origin {
  switch (command.getOptionValueSource(attribute(setting))) {
    case 'cli':
      return 'flag';
    case 'env':
      return 'environment';
    case 'config':
      return 'context';
    default:
      return setting === 'tls' && process.env.OPENBELL_TLS ? 'environment' : 'default';
  }
}

const RANK: Readonly<Record<Origin, number>> = { flag: 3, environment: 2, context: 1, default: 0 };

/** A token and an API key exclude each other: the one that is given closer to the command counts. @throws CliError when both are equally close */
function chooseCredentials(command: Command): void {
  const key = Math.max(rankOf(command, 'api-key-id'), rankOf(command, 'api-key-file'));
  const token = Math.max(rankOf(command, 'token-file'), process.env.OPENBELL_TOKEN ? RANK.environment : 0);
  if (key === 0 || token === 0) return;
  if (key === token) throw new CliError('give a token or an API key, not both', ExitCode.Usage);
  const dropped: readonly Setting[] = key > token ? ['token-file'] : ['api-key-id', 'api-key-file'];
  for (const setting of dropped) command.setOptionValue(attribute(setting), undefined);
}

function rankOf(command: Command, setting: Setting): number {
  return command.getOptionValue(attribute(setting)) === undefined ? 0 : RANK[originOf(command, setting)];
}

/** `grpc-port` -> `grpcPort`, as commander has it. */
export function attribute(setting: string): string {
  return setting.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
