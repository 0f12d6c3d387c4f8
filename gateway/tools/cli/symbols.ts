import type { Command } from 'commander';
import { pathOf } from '../../client/symbols.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, print, printJson, table } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { definitionOf, definitionOptions, parameterOptions, parametersOf } from './symbol-flags.ts';

type Shown = string | number | boolean | null;
interface SymbolJson {
  readonly [key: string]: Shown | { readonly [key: string]: Shown };
  readonly id: number;
  readonly name: string;
  readonly base: string;
  readonly quote: string;
  readonly phase: string;
  readonly tickSize: string;
  readonly lotSize: string;
  readonly lastPrice: string;
  readonly referencePrice: string;
  readonly killed: boolean;
}

export function symbolCommand(program: Command): void {
  const symbol = program
    .command('symbol')
    .summary('symbols: list, show, define, change')
    .description('The symbols of the venue. To define and change them is for the operator.');
  lsCommand(symbol);
  showCommand(symbol);
  addCommand(symbol);
  setCommand(symbol);
}

function lsCommand(symbol: Command): void {
  const command = symbol
    .command('ls')
    .summary('all symbols')
    .description('Lists the symbols with phase and prices.')
    .addHelpText('after', '\nExamples:\n  openbell symbol ls\n  openbell symbol ls --json');
  connectionOptions(command).action(() =>
    run(async () => {
      const flags = command.opts<ConnectionFlags>();
      const symbols = await askAdmin<SymbolJson[]>(flags, '/v1/symbols');
      if (flags.json) printJson({ symbols });
      else print(symbols.length === 0 ? 'no symbols: `openbell symbol add` defines one' : symbolTable(symbols));
      return ExitCode.Ok;
    }),
  );
}

function symbolTable(symbols: readonly SymbolJson[]): string {
  const rows = symbols.map((each) => [
    each.id,
    each.name,
    `${each.subPhase ?? each.phase}${each.killed ? ', kill switch on' : ''}`,
    each.lastPriceTicks === 0 ? '-' : each.lastPrice,
    each.referencePrice,
    each.tickSize,
    each.lotSize,
  ]);
  return table([['id', 'symbol', 'phase', 'last', 'reference', 'tick', 'lot'], ...rows]);
}

function showCommand(symbol: Command): void {
  const command = symbol
    .command('show')
    .summary('one symbol with its parameters')
    .description('Shows a symbol: phase, prices, limits, fees and parameters.')
    .argument('<name>', 'such as BTC-USD')
    .addHelpText('after', '\nExamples:\n  openbell symbol show BTC-USD\n  openbell symbol show BTC-USD --json');
  connectionOptions(command).action((name: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags>();
      show(flags, await askAdmin<SymbolJson>(flags, `/v1/symbols/${pathOf(name)}`));
      return ExitCode.Ok;
    }),
  );
}

function addCommand(symbol: Command): void {
  const command = symbol
    .command('add')
    .summary('operator: define a symbol')
    .description('Defines a symbol. Its assets must exist. Name, assets, tick and lot cannot be changed later.')
    .argument('<name>', 'such as BTC-EUR')
    .addHelpText(
      'after',
      `
Example:
  openbell symbol add BTC-EUR --id 9 --base BTC --quote EUR --tick 0.01 --lot 0.0001 --phase halted --maker-fee 0.02% --taker-fee 0.05%`,
    );
  connectionOptions(definitionOptions(command)).action((name: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags>();
      show(flags, await askAdmin<SymbolJson>(flags, '/v1/symbols', { name, ...definitionOf({ ...flags }) }));
      return ExitCode.Ok;
    }),
  );
}

function setCommand(symbol: Command): void {
  const command = symbol
    .command('set')
    .summary('operator: change parameters of a symbol')
    .description(
      'Changes limits, fees and other parameters of a symbol. Those that are not given stay as they are. `openbell phase` sets the phase.',
    )
    .argument('<name>', 'such as BTC-USD')
    .addHelpText(
      'after',
      `
Examples:
  openbell symbol set BTC-USD --price-band 10% --max-quantity 50
  openbell symbol set BTC-USD --maker-fee -0.005% --taker-fee 0.04%`,
    );
  connectionOptions(parameterOptions(command)).action((name: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags>();
      const parameters = parametersOf({ ...flags });
      if (Object.keys(parameters).length === 0) throw new CliError('give at least one parameter, such as --price-band 10%', ExitCode.Usage);
      show(flags, await askAdmin<SymbolJson>(flags, `/v1/symbols/${pathOf(name)}/parameters`, parameters));
      return ExitCode.Ok;
    }),
  );
}

/** Further names of the same values. */
const TWICE: ReadonlySet<string> = new Set(['params', 'collar']);

function show(flags: ConnectionFlags, symbol: SymbolJson): void {
  if (flags.json) return printJson(symbol);
  const rows = Object.entries(symbol).flatMap(([key, value]) => {
    if (TWICE.has(key) || /(Ticks|Lots|Units)$/.test(key)) return [];
    if (typeof value !== 'object' || value === null) return [[key, text(value)]];
    const fields = Object.entries(value).filter(([name]) => !/(Ticks|Lots|Units)$/.test(name));
    return fields.map(([name, field]) => [`${key}.${name}`, text(field)]);
  });
  print(table(rows));
}

function text(value: Shown): string {
  return value === null ? '-' : String(value);
}
