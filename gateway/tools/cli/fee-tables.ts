import { type Command, InvalidArgumentError, Option } from 'commander';
import { FEE_TABLES } from '../../../engine/params.ts';
import type { FeeTable, FeeTier } from '../../client/admin-client.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, count, print, printJson, table } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';

interface Flags extends ConnectionFlags {
  readonly asset?: string;
  readonly clear?: true;
}

export function feeTablesCommand(program: Command): void {
  const command = program
    .command('fee-tables')
    .summary('operator: fee tiers by the volume of 30 days')
    .description('Shows the fee tier tables, or replaces all tiers of one. Below the first volume, the fees of the symbol hold.')
    .helpCommand(false)
    .argument('[table]', `number of the table to set, up to ${FEE_TABLES}`, count(FEE_TABLES))
    .argument('[tiers...]', 'by rising volume: VOLUME:MAKER:TAKER, such as 1000000:0.01%:0.04%', tier)
    .option('--asset <name>', 'asset of the volumes: the quote asset of the symbols that use the table')
    .addOption(new Option('--clear', 'remove all tiers'))
    .addHelpText(
      'after',
      `
Examples:
  openbell fee-tables
  openbell fee-tables 1 --asset USD 1000000:0.01%:0.04% 50000000:-0.005%:0.02%
  openbell fee-tables 1 --asset USD --clear`,
    );
  connectionOptions(command).action((number: number | undefined, tiers: readonly FeeTier[]) =>
    run(async () => {
      const flags = command.opts<Flags>();
      if (number === undefined) return show(flags, (await askAdmin<{ tables: FeeTable[] }>(flags, '/v1/fee-tables')).tables);
      if (flags.asset === undefined) throw new CliError('give the asset of the volumes with --asset', ExitCode.Usage);
      if ((tiers.length === 0) !== (flags.clear === true)) throw new CliError('give tiers, or --clear', ExitCode.Usage);
      return show(flags, [await askAdmin<FeeTable>(flags, `/v1/fee-tables/${number}`, { asset: flags.asset, tiers })]);
    }),
  );
}

/** Adds the tier to those before it. */
function tier(text: string, before: readonly FeeTier[] = []): FeeTier[] {
  const [volume, maker, taker, more] = text.split(':');
  if (maker === undefined || taker === undefined || more !== undefined)
    throw new InvalidArgumentError('Give VOLUME:MAKER:TAKER, such as 1000000:0.01%:0.04%.');
  return [...before, { volume, maker, taker }];
}

function show(flags: Flags, tables: readonly FeeTable[]): ExitCode {
  const rows = tables.flatMap(({ table: number, asset, tiers }) =>
    tiers.map(({ volume, maker, taker }, i) => [number, i + 1, `${volume} ${asset}`, maker, taker]),
  );
  if (flags.json) printJson({ tables });
  else print(rows.length === 0 ? 'no fee tiers' : table([['table', 'tier', 'from', 'maker', 'taker'], ...rows]));
  return ExitCode.Ok;
}
