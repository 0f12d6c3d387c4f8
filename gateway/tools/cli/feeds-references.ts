import type { Command } from 'commander';
import { pathOf } from '../../client/symbols.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, print, printJson, table } from './connection.ts';
import { ExitCode, run } from './exit.ts';

interface ReferenceJson {
  readonly symbol: string;
  readonly state: string;
  readonly phase: string;
  readonly referencePrice: string;
  readonly source: number | null;
  readonly sources: readonly {
    readonly feed: string;
    readonly instrument: string;
    readonly value: string;
    readonly condition: string;
    readonly price?: string;
    readonly ageMs: number | null;
  }[];
}

export function feedsReferencesCommand(feeds: Command): void {
  const command = feeds
    .command('references')
    .summary('reference prices that come from outside')
    .description(
      'Shows the reference price and the phase of each symbol that has it from outside, and the sources in the order of preference: the price of each, its age, and whether it is usable. The exit code is 1 if a symbol has no usable source.',
    )
    .argument('[symbol]', 'only this one')
    .addHelpText(
      'after',
      `
Examples:
  openbell feeds references
  openbell feeds references BTC-USD --json`,
    );
  connectionOptions(command).action((symbol: string | undefined) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags>();
      const references =
        symbol === undefined
          ? await askAdmin<readonly ReferenceJson[]>(flags, '/v1/references')
          : [await askAdmin<ReferenceJson>(flags, `/v1/references/${pathOf(symbol)}`)];
      if (flags.json) printJson(references);
      else print(references.length === 0 ? 'no symbol has its reference price from outside' : textOf(references));
      return references.every(({ source }) => source !== null) ? ExitCode.Ok : ExitCode.Failed;
    }),
  );
}

function textOf(references: readonly ReferenceJson[]): string {
  const rows = references.flatMap(({ symbol, state, phase, referencePrice, source, sources }) => [
    [symbol, state, phase, referencePrice, ''],
    ...sources.map(({ feed, instrument, value, condition, price = '-', ageMs }, i) => [
      `${i === source ? '* ' : '  '}${feed} ${instrument} ${value}`,
      condition,
      '',
      price,
      ageMs === null ? '' : `${(ageMs / 1000).toFixed(1)} s`,
    ]),
  ]);
  return table([['symbol, source', 'state', 'phase', 'price', 'age'], ...rows]);
}
