import { readFileSync } from 'node:fs';
import { Command } from 'commander';

const CLI = new URL('../../gateway/cli.ts', import.meta.url);
const ENTRY = /^ {2}'?([\w-]+)'?: async \(\) => \(await import\('(\.\/tools\/cli\/[\w-]+\.ts)'\)\)\.(\w+)(\()?/gm;

/** Names of all commands, in the order of the help. */
export const COMMAND_NAMES: readonly string[] = [...readFileSync(CLI, 'utf8').matchAll(ENTRY)].map(([, name]) => name);

/** The whole command line, as gateway/cli.ts makes it. No command ends the process. */
export async function cliProgram(): Promise<Command> {
  const program = new Command('openbell').version('0').exitOverride();
  for (const [, name, file, add, made] of readFileSync(CLI, 'utf8').matchAll(ENTRY)) {
    const module = (await import(new URL(file, CLI).href)) as Record<string, (of: unknown) => unknown>;
    const command = module[add];
    if (command === undefined) throw new Error(`${name}: ${file} has no ${add}`);
    if (made) (command(COMMAND_NAMES) as (program: Command) => void)(program);
    else command(program);
  }
  return program;
}

/** The commands that can be run, each with its name in full. */
export function runnable(command: Command, before: readonly string[] = []): { name: string; command: Command }[] {
  return command.commands
    .filter((each) => !(each as Command & { _hidden?: boolean })._hidden)
    .flatMap((each) => {
      const name = [...before, each.name()];
      const runs = (each as Command & { _actionHandler: unknown })._actionHandler != null;
      return [...(runs ? [{ name: name.join(' '), command: each }] : []), ...runnable(each, name)];
    });
}
