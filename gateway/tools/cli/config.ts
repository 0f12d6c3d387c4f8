import type { Command } from 'commander';
import { print } from './connection.ts';
import { ExitCode, run } from './exit.ts';

export function configCommand(program: Command): void {
  const command = program
    .command('config')
    .summary('the schema of configuration files')
    .description('Commands about configuration files.')
    .addHelpText('after', '\nExample:\n  openbell config schema > openbell.schema.json');
  const schema = command
    .command('schema')
    .summary('the JSON Schema of configuration files')
    .description('Prints the JSON Schema of configuration files, for editors.')
    .option('--json', 'the same: the schema is JSON')
    .addHelpText('after', '\nExample:\n  openbell config schema > openbell.schema.json');
  schema.action(() =>
    run(async () => {
      const { configSchema } = await import('../../config/config-schema.ts');
      print(JSON.stringify(configSchema(), undefined, 2));
      return ExitCode.Ok;
    }),
  );
}
