import { type Command, Option } from 'commander';
import { askAdmin, type ConnectionFlags, connectionOptions, id, print, printJson, table, whole } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';

interface AssetJson {
  readonly id: number;
  readonly name: string;
  readonly decimals: number;
}

export function assetCommand(program: Command): void {
  const asset = program
    .command('asset')
    .summary('assets: list, show, define')
    .description('The assets of the venue. To define one is for the operator.');
  lsCommand(asset);
  showCommand(asset);
  addCommand(asset);
}

function lsCommand(asset: Command): void {
  const command = asset
    .command('ls')
    .summary('all assets')
    .description('Lists the assets.')
    .addHelpText('after', '\nExamples:\n  openbell asset ls\n  openbell asset ls --json');
  connectionOptions(command).action(() =>
    run(async () => {
      const flags = command.opts<ConnectionFlags>();
      show(flags, await askAdmin<AssetJson[]>(flags, '/v1/assets'), (assets) => ({ assets }));
      return ExitCode.Ok;
    }),
  );
}

function showCommand(asset: Command): void {
  const command = asset
    .command('show')
    .summary('one asset')
    .description('Shows an asset.')
    .argument('<name>', 'such as USD')
    .addHelpText('after', '\nExample:\n  openbell asset show USD');
  connectionOptions(command).action((name: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags>();
      const found = (await askAdmin<AssetJson[]>(flags, '/v1/assets')).find((each) => each.name === name);
      if (found === undefined)
        throw new CliError(
          `UNKNOWN_ASSET: there is no asset ${name}\nnext: \`openbell asset ls\` lists the assets`,
          ExitCode.Failed,
          'UNKNOWN_ASSET',
        );
      show(flags, [found], ([one]) => one);
      return ExitCode.Ok;
    }),
  );
}

function addCommand(asset: Command): void {
  const command = asset
    .command('add')
    .summary('operator: define an asset')
    .description('Defines an asset. It cannot be removed or changed.')
    .argument('<name>', 'up to 16 characters, such as EUR')
    .addOption(new Option('--id <id>', 'its number, which no other asset has').argParser(id).makeOptionMandatory())
    .addOption(new Option('--decimals <count>', 'digits behind the point: its smallest unit').argParser(whole).makeOptionMandatory())
    .addHelpText('after', '\nExample:\n  openbell asset add EUR --id 5 --decimals 2');
  connectionOptions(command).action((name: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags & { readonly id: number; readonly decimals: number }>();
      const asset = await askAdmin<AssetJson>(flags, '/v1/assets', { id: flags.id, name, decimals: flags.decimals });
      show(flags, [asset], ([one]) => one);
      return ExitCode.Ok;
    }),
  );
}

function show(flags: ConnectionFlags, assets: readonly AssetJson[], json: (assets: readonly AssetJson[]) => unknown): void {
  if (flags.json) printJson(json(assets));
  else print(table([['id', 'asset', 'decimals'], ...assets.map((each) => [each.id, each.name, each.decimals])]));
}
