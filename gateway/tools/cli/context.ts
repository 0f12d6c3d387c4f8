import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { accountOption, type ConnectionFlags, connectionOptions, print, printJson, table } from './connection.ts';
import { attribute, contextNamed, contextOf, effectiveSettings } from './context-values.ts';
import {
  type Contexts,
  changeContexts,
  contextName,
  contextsPath,
  NO_CONTEXT,
  readContexts,
  SETTINGS,
  type Setting,
  type SettingValue,
} from './contexts-file.ts';
import { CliError, ExitCode, run } from './exit.ts';

interface JsonFlag {
  readonly json?: true;
}

export function contextCommand(program: Command): void {
  const context = program
    .command('context')
    .summary('named settings: which exchange, with which credentials')
    .description(
      'Contexts are named settings of the options that connect, in $XDG_CONFIG_HOME/openbell/contexts.yaml. They name files with credentials, and never hold any. A flag comes before the environment, then the context, then the default.',
    );
  addCommand(context);
  useCommand(context);
  lsCommand(context);
  showCommand(context);
  rmCommand(context);
}

function addCommand(context: Command): void {
  const command = context
    .command('add')
    .summary('define a context')
    .description('Defines a context with the options that are given. Only flags count: the environment does not.')
    .argument('<name>', 'such as prod')
    .option('--guard', 'each action asks for confirmation')
    .option('--replace', 'replace the context of this name')
    .option('--use', 'use it from now on')
    .addHelpText(
      'after',
      `
Examples:
  openbell context add local
  openbell context add prod --http-host admin.example --http-port 443 --tls --api-key-id ops-1 --api-key-file ~/.openbell/ops-1.pem --guard --use`,
    );
  accountOption(connectionOptions(command, { contexts: false })).action((name: string) =>
    run(async () => {
      const flags = command.opts<ConnectionFlags & { readonly guard?: true; readonly replace?: true; readonly use?: true }>();
      contextName(name);
      const settings = givenSettings(command);
      if ((settings['api-key-id'] === undefined) !== (settings['api-key-file'] === undefined))
        throw new CliError('--api-key-id and --api-key-file go together: give both or none', ExitCode.Usage);
      if (settings['token-file'] !== undefined && settings['api-key-id'] !== undefined)
        throw new CliError('give a token or an API key, not both', ExitCode.Usage);
      const added = { settings, guard: flags.guard === true };
      let isCurrent = false;
      await changeContexts(({ current, all }) => {
        if (all.has(name) && !flags.replace)
          throw new CliError(`there is a context ${name} already; to change it, give all its options and --replace`, ExitCode.Usage);
        isCurrent = flags.use === true || current === name;
        return { current: flags.use ? name : current, all: new Map([...all, [name, added]]) };
      });
      if (flags.json) printJson({ name, guard: added.guard, settings, current: isCurrent });
      else print(`context ${name} is defined${flags.use ? ' and in use' : `; use it with: openbell context use ${name}`}`);
      for (const warning of unreadable(settings)) process.stderr.write(`openbell: warning: ${warning}\n`);
      return ExitCode.Ok;
    }),
  );
}

function givenSettings(command: Command): Partial<Record<Setting, SettingValue>> {
  const settings: Partial<Record<Setting, SettingValue>> = {};
  for (const setting of Object.keys(SETTINGS) as Setting[]) {
    if (command.getOptionValueSource(attribute(setting)) !== 'cli') continue;
    const value = command.getOptionValue(attribute(setting)) as SettingValue;
    // The context is used from any directory.
    settings[setting] = SETTINGS[setting] === 'file' ? resolve(String(value)) : value;
  }
  return settings;
}

/** Not an error: a token or a key may be written later. */
function unreadable(settings: Partial<Record<Setting, SettingValue>>): string[] {
  return (Object.keys(settings) as Setting[]).flatMap((setting) => {
    if (SETTINGS[setting] !== 'file') return [];
    try {
      accessSync(String(settings[setting]), constants.R_OK);
      return [];
    } catch (error) {
      return [
        `--${setting} ${settings[setting]} cannot be read (${(error as NodeJS.ErrnoException).code}); commands in this context fail until it can`,
      ];
    }
  });
}

function useCommand(context: Command): void {
  const command = context
    .command('use')
    .summary('use a context from now on')
    .description('Commands use this context where they name none. "none": no context.')
    .argument('<name>', 'see "context ls"')
    .option('--json', 'JSON instead of text')
    .addHelpText('after', '\nExamples:\n  openbell context use prod\n  openbell context use none');
  command.action((name: string) =>
    run(async () => {
      const { json } = command.opts<JsonFlag>();
      const used = name === NO_CONTEXT ? undefined : name;
      await changeContexts(({ all }) => {
        if (used !== undefined) contextNamed(all, used);
        return { current: used, all };
      });
      if (json) printJson({ current: used ?? null });
      else print(used === undefined ? 'no context is in use' : `context ${used} is in use`);
      return ExitCode.Ok;
    }),
  );
}

function lsCommand(context: Command): void {
  const command = context
    .command('ls')
    .summary('all contexts')
    .description('Lists the contexts; * marks the one in use.')
    .option('--json', 'JSON instead of text')
    .addHelpText('after', '\nExamples:\n  openbell context ls\n  openbell context ls --json');
  command.action(() =>
    run(async () => {
      const contexts = await readContexts();
      if (command.opts<JsonFlag>().json) printJson(listJson(contexts));
      else print(contexts.all.size === 0 ? 'no contexts: `openbell context add` defines one' : listText(contexts));
      return ExitCode.Ok;
    }),
  );
}

function listJson({ current, all }: Contexts): object {
  const contexts = [...all].map(([name, { guard, settings }]) => ({ name, current: name === current, guard, settings }));
  return { file: contextsPath(), contexts };
}

function listText({ current, all }: Contexts): string {
  const rows = [...all].map(([name, { guard, settings }]) => [
    name === current ? '*' : '',
    name,
    settings['http-host'] ?? settings.host ?? '127.0.0.1',
    settings['api-key-id'] !== undefined ? `API key ${settings['api-key-id']}` : settings['token-file'] !== undefined ? 'token' : 'none',
    guard ? 'asks before actions' : '',
  ]);
  return table([['', 'context', 'admin host', 'credentials', ''], ...rows.map((row) => row.map(String))]);
}

function showCommand(context: Command): void {
  const command = context
    .command('show')
    .summary('the settings in force, and where each comes from')
    .description('Shows which values a command would use, and whether a flag, the environment, the context or the default gives them.')
    .argument('[name]', 'as if this context were named')
    .addHelpText(
      'after',
      '\nExamples:\n  openbell context show\n  openbell context show prod --json\n  OPENBELL_HTTP_PORT=8403 openbell context show',
    );
  command.hook('preAction', () => {
    const [name] = command.args;
    if (name !== undefined) command.setOptionValueWithSource('context', name, 'cli');
  });
  accountOption(connectionOptions(command)).action(() =>
    run(async () => {
      const flags = command.opts<ConnectionFlags & { readonly context?: string }>();
      const context = await contextOf(flags.context);
      const settings = effectiveSettings(command);
      if (flags.json) printJson({ context: context?.name ?? null, guard: context?.guard ?? false, settings });
      else {
        print(context === undefined ? 'no context' : `context ${context.name}${context.guard ? ', asks before actions' : ''}`);
        print(table([['setting', 'value', 'from'], ...settings.map(({ setting, value, origin }) => [setting, String(value), origin])]));
      }
      return ExitCode.Ok;
    }),
  );
}

function rmCommand(context: Command): void {
  const command = context
    .command('rm')
    .summary('remove a context')
    .description('Removes a context. The files that it names stay.')
    .argument('<name>', 'see "context ls"')
    .option('--json', 'JSON instead of text')
    .addHelpText('after', '\nExample:\n  openbell context rm staging');
  command.action((name: string) =>
    run(async () => {
      await changeContexts(({ current, all }) => {
        contextNamed(all, name);
        return { current: current === name ? undefined : current, all: new Map([...all].filter(([each]) => each !== name)) };
      });
      if (command.opts<JsonFlag>().json) printJson({ removed: name });
      else print(`context ${name} is removed`);
      return ExitCode.Ok;
    }),
  );
}
