import { Argument, type Command, Option } from 'commander';
import { PHASE_NAMES } from '../../../engine/wire/names.ts';
import { confirm } from './confirm.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, print, printJson } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';

interface Flags extends ConnectionFlags {
  readonly all?: true;
  readonly subPhase?: string;
}

export function phaseCommand(program: Command): void {
  const command = program
    .command('phase')
    .summary('operator: set the phase of symbols, or halt them together')
    .description(
      'Sets the phase of one symbol, of several, or of all, as one action: up to 512 commands have one place in the log. It ends a volatility interruption. A calendar sets its next phase at its next boundary.',
    )
    .addArgument(new Argument('<phase>', 'the phase').choices(PHASE_NAMES))
    .addArgument(new Argument('[symbols...]', 'names of symbols'))
    .option('--all', 'all symbols of the venue')
    .addOption(new Option('--sub-phase <kind>', 'of an auction').choices(['pre-open', 'opening-auction', 'closing-auction']))
    .addHelpText(
      'after',
      `
Examples:
  openbell phase halted BTC-USD ETH-USD
  openbell phase halted --all
  openbell phase auction BTC-USD --sub-phase opening-auction`,
    );
  connectionOptions(command).action((phase: string, names: string[]) =>
    run(async () => {
      const flags = command.opts<Flags>();
      if (names.length > 0 === (flags.all === true)) throw new CliError('name the symbols, or give --all', ExitCode.Usage);
      if (flags.all && phase !== 'continuous') await confirm(flags, `set the phase ${phase} for all symbols`, 'go on');
      const symbols = flags.all ? 'all' : names;
      const body = { symbols, phase, ...(flags.subPhase !== undefined && { subPhase: flags.subPhase }) };
      const answer = await askAdmin<{ readonly symbols: number }>(flags, '/v1/phases', body);
      if (flags.json) printJson(answer);
      else print(`${flags.subPhase ?? phase}: ${answer.symbols} symbol${answer.symbols === 1 ? '' : 's'}`);
      return ExitCode.Ok;
    }),
  );
}
