import type { Command } from 'commander';
import { pathOf } from '../../client/symbols.ts';
import { confirm } from './confirm.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, print, printJson } from './connection.ts';
import { counted } from './counted.ts';
import { CliError, ExitCode, run } from './exit.ts';

export function haltCommand(program: Command): void {
  const command = program
    .command('halt')
    .summary('operator: halt symbols, or all')
    .description(
      'Halts symbols as one action: nothing trades, new orders are rejected, cancels are accepted, and what rests stays. `openbell phase continuous` ends it. A calendar sets its next phase at its next boundary.',
    )
    .argument('[symbols...]', 'names of symbols')
    .option('--all', 'all symbols of the venue')
    .addHelpText('after', '\nExamples:\n  openbell halt BTC-USD ETH-USD\n  openbell halt --all --yes');
  connectionOptions(command).action((names: string[]) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags & { readonly all?: true }>();
      if (names.length > 0 === (flags.all === true)) throw new CliError('name the symbols, or give --all', ExitCode.Usage);
      if (flags.all) await confirm(flags, 'halt all symbols');
      const answer = await askAdmin<{ readonly symbols: number }>(flags, '/v1/phases', {
        symbols: flags.all ? 'all' : names,
        phase: 'halted',
      });
      if (flags.json) printJson(answer);
      else print(`halted: ${counted(answer.symbols, 'symbol')}`);
      return ExitCode.Ok;
    }),
  );
}

interface Uncrossed {
  readonly symbol: string;
  readonly price: string;
  readonly priceTicks: number;
  readonly quantity: string;
}

export function uncrossCommand(program: Command): void {
  const command = program
    .command('uncross')
    .summary('operator: end the auction of a symbol with its trades')
    .description('Trades the orders of an auction at its price. The phase stays auction; `openbell phase` sets the next one.')
    .argument('<symbol>', 'such as BTC-USD')
    .addHelpText('after', '\nExample:\n  openbell uncross BTC-USD');
  connectionOptions(command).action((symbol: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags>();
      const answer = await askAdmin<Uncrossed>(flags, `/v1/symbols/${pathOf(symbol)}/uncross`, {});
      if (flags.json) printJson(answer);
      else print(answer.priceTicks === 0 ? `${symbol}: nothing traded` : `${symbol}: ${answer.quantity} traded at ${answer.price}`);
      return ExitCode.Ok;
    }),
  );
}
