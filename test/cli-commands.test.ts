/** Rules for every command of the command line. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Command } from 'commander';
import type { z } from 'zod';
import { BODIES, fieldName } from '../gateway/endpoints/http/action-bodies.ts';
import { ACCOUNT_BODY_KEYS } from '../gateway/tools/cli/accounts.ts';
import { SETTINGS } from '../gateway/tools/cli/contexts-file.ts';
import { SYMBOL_PATHS } from '../gateway/tools/cli/symbol-flags.ts';
import { COMMAND_NAMES, cliProgram, runnable } from './support/cli-program.ts';

const program = await cliProgram();
const commands = runnable(program);

function helpOf(command: Command): string {
  let text = '';
  const writeOut = (part: string): void => {
    text += part;
  };
  command.configureOutput({ writeOut });
  command.outputHelp();
  return text;
}

const has = (command: Command | null, flag: string): boolean =>
  command !== null && (command.options.some(({ long }) => long === flag) || has(command.parent, flag));

test('commands are seen', () => {
  assert.ok(COMMAND_NAMES.length > 40);
  assert.ok(commands.length > 60);
  assert.equal(new Set(commands.map(({ name }) => name)).size, commands.length);
});

for (const { name, command } of commands) {
  test(`openbell ${name}: has --json, a summary, and help with an example`, () => {
    assert.ok(has(command, '--json'), '--json');
    assert.match(helpOf(command), /\nExamples?:\n {2}/);
    assert.notEqual(command.description(), '', 'description');
    assert.ok(command.summary() !== '', 'summary');
  });
}

test('each command that connects has a context, and either kind of credentials', () => {
  const connecting = commands.filter(
    ({ command }) => has(command, '--http-port') && has(command, '--token-file') && command.name() !== 'add',
  );
  assert.ok(connecting.length > 40);
  for (const { name, command } of connecting)
    for (const flag of ['--context', '--api-key-id', '--api-key-file', '--yes']) assert.ok(has(command, flag), `${name}: ${flag}`);
});

test('each setting of a context is an option', () => {
  const add = commands.find(({ name }) => name === 'context add')?.command ?? null;
  for (const setting of Object.keys(SETTINGS)) assert.ok(has(add, `--${setting}`), setting);
});

/** Keys of a body as paths, each in one spelling. */
function pathsOf(schema: z.ZodType, before = ''): string[] {
  const { shape } = schema as unknown as { shape?: Readonly<Record<string, z.ZodType>> };
  if (shape === undefined) return [before];
  return Object.entries(shape).flatMap(([key, type]) => {
    const inner = (type as unknown as { unwrap?: () => z.ZodType }).unwrap?.() ?? type;
    return pathsOf(inner, before === '' ? fieldName(key) : `${before}.${fieldName(key)}`);
  });
}

test('the command line has every key with which the interface defines symbols and accounts', () => {
  // The name is an argument, the phase an option of its own, and collar a former name.
  const ofSymbols = new Set(pathsOf(BODIES.symbol).filter((path) => !['name', 'phase', 'collar'].includes(path)));
  assert.deepEqual([...new Set(SYMBOL_PATHS)].sort(), [...ofSymbols].sort());
  assert.deepEqual([...ACCOUNT_BODY_KEYS].sort(), [...new Set(pathsOf(BODIES.account))].sort());
  const set = commands.find(({ name }) => name === 'account set')?.command ?? null;
  for (const key of new Set(pathsOf(BODIES.limits))) assert.ok(has(set, `--${key}`), key);
});

test('every command is in docs/CLI.md', () => {
  const text = readFileSync(new URL('../docs/CLI.md', import.meta.url), 'utf8');
  for (const name of COMMAND_NAMES) assert.match(text, new RegExp(`openbell ${name}\\b`), name);
});
