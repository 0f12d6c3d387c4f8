import { closeSync, existsSync, fchmodSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, ExitCode } from './exit.ts';

/** Settings of a context, by the names of the options; those of files are paths. Secrets are never in it. */
export const SETTINGS = {
  host: 'text',
  'ws-host': 'text',
  'http-host': 'text',
  shard: 'number',
  'grpc-port': 'number',
  'ws-port': 'number',
  'http-port': 'number',
  tls: 'switch',
  'tls-ca': 'file',
  'tls-client-cert': 'file',
  'tls-client-key': 'file',
  'token-file': 'file',
  'api-key-id': 'text',
  'api-key-file': 'file',
  account: 'number',
} as const;
export type Setting = keyof typeof SETTINGS;
export type SettingValue = string | number | boolean;

export interface Context {
  readonly settings: Readonly<Partial<Record<Setting, SettingValue>>>;
  /** Each action asks for confirmation. */
  readonly guard: boolean;
}

export interface Contexts {
  readonly current: string | undefined;
  readonly all: ReadonlyMap<string, Context>;
}

/** With `--context`: no context. */
export const NO_CONTEXT = 'none';
const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;
const MAX_BYTES = 256 * 1024;
/** Longest wait for other commands that change the file, ms, and the time between two attempts. */
const LOCK_WAIT_MS = 10_000;
const LOCK_RETRY_MS = 10;

/** `$XDG_CONFIG_HOME/openbell/contexts.yaml`, else below `~/.config`. */
export function contextsPath(): string {
  const { XDG_CONFIG_HOME: home } = process.env;
  return join(home?.startsWith('/') ? home : join(homedir(), '.config'), 'openbell', 'contexts.yaml');
}

export function contextName(name: string): string {
  if (!NAME.test(name) || name === NO_CONTEXT)
    throw new CliError(
      `${JSON.stringify(name)} cannot name a context: use letters, digits, dots, - and _, and not "${NO_CONTEXT}"`,
      ExitCode.Usage,
    );
  return name;
}

/** No contexts when there is no file. @throws CliError when it is not valid, or others may write it */
export async function readContexts(path = contextsPath()): Promise<Contexts> {
  if (!existsSync(path)) return { current: undefined, all: new Map() };
  let text: string;
  try {
    const { mode, size } = statSync(path);
    // Who can write it sends orders and tokens elsewhere.
    if ((mode & 0o022) !== 0) throw wrong(path, `others may write it; run: chmod 600 ${path}`);
    if (size > MAX_BYTES) throw wrong(path, `it has more than ${MAX_BYTES} bytes`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw wrong(path, `it cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw wrong(path, `it is not valid YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  return contextsOf(path, value ?? {});
}

function contextsOf(path: string, value: unknown): Contexts {
  const { current, contexts = {}, ...others } = record(path, 'the file', value);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw wrong(path, `unknown key ${unknown}; there are current and contexts`);
  const all = new Map<string, Context>();
  for (const [name, fields] of Object.entries(record(path, 'contexts', contexts)))
    all.set(contextName(name), contextOf(path, name, fields));
  if (current !== undefined && (typeof current !== 'string' || !all.has(current)))
    throw wrong(path, `current names no context; there are ${[...all.keys()].join(', ') || 'none'}`);
  return { current, all };
}

function contextOf(path: string, name: string, value: unknown): Context {
  const { guard = false, ...settings } = record(path, name, value);
  if (typeof guard !== 'boolean') throw wrong(path, `${name}.guard must be true or false`);
  for (const [key, each] of Object.entries(settings)) {
    if (!Object.hasOwn(SETTINGS, key))
      throw wrong(path, `${name} has an unknown key ${key}; there are guard, ${Object.keys(SETTINGS).join(', ')}`);
    const kind = SETTINGS[key as Setting];
    const fits = kind === 'number' ? Number.isSafeInteger(each) : kind === 'switch' ? typeof each === 'boolean' : typeof each === 'string';
    if (!fits)
      throw wrong(path, `${name}.${key} must be ${kind === 'number' ? 'a whole number' : kind === 'switch' ? 'true or false' : 'text'}`);
  }
  return { guard, settings: settings as Context['settings'] };
}

/**
 * Changes the file. The change sees what earlier commands have written, and a reader sees the old or the new file: the new one is written
 * to `contexts.yaml.lock`, which only one command at a time can create, and then takes the place of the old one. Only the user may read it.
 * @throws CliError also when the lock file does not go away within the wait; errors of `change`. The file is then as before.
 */
export async function changeContexts(
  change: (contexts: Contexts) => Contexts,
  path = contextsPath(),
  waitMs = LOCK_WAIT_MS,
): Promise<void> {
  // Before the lock, so that it is held for a moment only.
  const { stringify } = await import('yaml');
  const lock = `${path}.lock`;
  const fd = await createLock(path, lock, waitMs);
  try {
    const { current, all } = change(await readContexts(path));
    const contexts = Object.fromEntries([...all].map(([name, { guard, settings }]) => [name, { ...settings, ...(guard && { guard }) }]));
    const text = stringify({ ...(current !== undefined && { current }), contexts });
    try {
      writeFileSync(fd, text);
      renameSync(lock, path);
    } catch (error) {
      throw cannotWrite(path, error);
    }
  } catch (error) {
    rmSync(lock, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** @returns descriptor of the lock file, which is new and empty */
async function createLock(path: string, lock: string, waitMs: number): Promise<number> {
  for (const end = performance.now() + waitMs; ; await sleep(LOCK_RETRY_MS)) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const fd = openSync(lock, 'wx', 0o600);
      fchmodSync(fd, 0o600);
      return fd;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWrite(path, error);
      if (performance.now() > end)
        throw wrong(path, `another command changes it, or was killed while it did; if none runs, remove the file ${lock} and try again`);
    }
  }
}

function cannotWrite(path: string, error: unknown): CliError {
  return wrong(path, `it cannot be written (${(error as NodeJS.ErrnoException).code})`);
}

function record(path: string, what: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, `${what} must have keys and values`);
  return value as Record<string, unknown>;
}

function wrong(path: string, problem: string): CliError {
  return new CliError(`${path}: ${problem}`, ExitCode.Usage, 'BAD_CONTEXTS');
}
