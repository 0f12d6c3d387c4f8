import { type Command, InvalidArgumentError, Option } from 'commander';
import type { FeedSource } from '../../../feeds/lines/feed-source.ts';
import type { BookSpec } from '../../../feeds/rings/consolidated-table.ts';
import { CliError, ExitCode } from './exit.ts';

export interface SourceFlags {
  readonly config?: string;
  readonly instruments?: readonly string[];
  readonly depth?: number;
  readonly wsUrl?: string;
  readonly httpUrl?: string;
}

/** Options that say what a source is: the configuration, or a venue with instruments. */
export function sourceOptions(command: Command): Command {
  return command
    .addOption(configOption())
    .addOption(new Option('--instruments <names>', 'instruments as the venue writes them, separated by commas').argParser(names))
    .addOption(new Option('--depth <levels>', 'levels of each side, where the venue offers a choice').argParser(depth))
    .option('--ws-url <url>', 'another address of the WebSocket, such as that of "openbell feeds play --serve-only"')
    .option('--http-url <url>', 'another address for requests');
}

export function configOption(): Option {
  return new Option('--config <file>', 'configuration file with the source under feeds').env('OPENBELL_CONFIG');
}

/** The source of a name: one of the configuration, or a venue with the instruments of the flags. @throws CliError, ConfigError */
export async function sourceOf(name: string, flags: SourceFlags): Promise<FeedSource> {
  const [{ venueNames }, { urlProblem }, configured] = await Promise.all([
    import('../../../feeds/venues/index.ts'),
    import('../../config/config-feeds.ts'),
    configuredSources(flags.config),
  ]);
  const given = configured.find((source) => source.name === name);
  if (given === undefined && !venueNames().includes(name)) {
    const known = [...configured.map((source) => source.name), ...venueNames()].join(', ');
    throw new CliError(`no source is named ${name}; use one of ${known}, or define it under feeds in --config`, ExitCode.Usage);
  }
  if (given === undefined && flags.instruments === undefined)
    throw new CliError(`which instruments of ${name}? Give --instruments, or a source of --config`, ExitCode.Usage);
  for (const [flag, url, schemes] of [
    ['--ws-url', flags.wsUrl, ['wss:', 'ws:']],
    ['--http-url', flags.httpUrl, ['https:', 'http:']],
  ] as const) {
    const problem = url === undefined ? undefined : urlProblem(url, schemes);
    if (problem !== undefined) throw new CliError(`${flag} ${problem}`, ExitCode.Usage);
  }
  return {
    ...(given ?? { name, venue: name, instruments: [] }),
    ...(flags.instruments !== undefined && { instruments: flags.instruments }),
    ...(flags.depth !== undefined && { depth: flags.depth }),
    ...(flags.wsUrl !== undefined && { webSocketUrl: flags.wsUrl }),
    ...(flags.httpUrl !== undefined && { httpUrl: flags.httpUrl }),
  };
}

/** The sources of a configuration file; none without a file. @throws ConfigError */
export async function configuredSources(config: string | undefined): Promise<readonly FeedSource[]> {
  return (await configuredFeeds(config)).feeds;
}

/** The sources of a configuration file, and its consolidated books; none without a file. @throws ConfigError */
export async function configuredFeeds(
  config: string | undefined,
): Promise<{ readonly feeds: readonly FeedSource[]; readonly feedBooks: readonly BookSpec[] }> {
  if (config === undefined) return { feeds: [], feedBooks: [] };
  const { loadConfig } = await import('../../config/config.ts');
  return loadConfig({ flags: { config }, env: {} });
}

function names(text: string): readonly string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.some((name) => !/^[!-~]{1,64}$/.test(name)))
    throw new InvalidArgumentError('must be names separated by commas, such as XBT/USD,ETH/USD.');
  return [...new Set(list)];
}

function depth(text: string): number {
  const value = Number(text);
  if (!/^\d{1,6}$/.test(text) || value < 1 || value > 100_000)
    throw new InvalidArgumentError('must be a number of levels from 1 to 100000.');
  return value;
}
