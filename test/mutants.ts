/**
 * Breaks the program on purpose, one line at a time, and wants a test to fail each time:
 *
 *     npm run test:mutants [-- NAME] [--copies N]
 *
 * Works on copies of the tree, by default as many as there are cores. NAME runs the mutants whose name contains it. A
 * mutant whose text is not in its file is an error: adapt it to the code.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { MUTANTS, type Mutant } from './support/mutants.ts';

const ROOT = join(import.meta.dirname, '..');
/** A test that takes longer hangs. */
const TIMEOUT_MS = 120_000;

type Outcome = 'passed' | 'failed' | 'hung';

/** The files of the tree, as git knows them, with the modules of the original. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'openbell-mutants-'));
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  for (const file of listed.split('\0')) {
    // Not the modules where they are a link, nor a file that was removed without a commit.
    if (file === '' || !statSync(join(ROOT, file), { throwIfNoEntry: false })?.isFile()) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** @param long at length, because a short run may miss a mutant */
async function runTest(copy: string, { test, only }: Mutant, long: boolean): Promise<{ outcome: Outcome; output: string }> {
  const args = [
    '--import',
    './test/support/stripped-types.js',
    '--import',
    './test/support/first-failure.ts',
    '--test',
    ...(only === undefined ? [] : ['--test-name-pattern', only]),
    join('test', test),
  ];
  // A test of its own, not a part of a run that this process may belong to.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: copy,
    env: { ...env, OPENBELL_LONG_TESTS: long ? '1' : '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { outcome: code === null ? 'hung' : code === 0 ? 'passed' : 'failed', output };
}

/** The changed text of the file. @throws Error if no alternative is in it exactly once */
function mutate(text: string, { name, file, change }: Mutant): string {
  for (const [from, to] of change) {
    const parts = text.split(from);
    if (parts.length === 2) return parts.join(to);
    if (parts.length > 2)
      throw new Error(`${name}: ${file} has ${parts.length - 1} times: ${from.trim()}\nGive more of the line in test/support/mutants.ts.`);
  }
  const wanted = change.map(([from]) => `  ${from.trim()}`).join('\n');
  throw new Error(`${name}: ${file} does not have the text of the mutant:\n${wanted}\nAdapt it in test/support/mutants.ts.`);
}

/** What is wrong with the mutant; undefined if its test found it. */
async function problemOf(copy: string, mutant: Mutant): Promise<string | undefined> {
  const path = join(copy, mutant.file);
  const original = readFileSync(path, 'utf8');
  let changed: string;
  try {
    changed = mutate(original, mutant);
  } catch (error) {
    return (error as Error).message;
  }
  try {
    writeFileSync(path, changed);
    const { outcome } = await runTest(copy, mutant, true);
    if (outcome === 'passed') return `${mutant.name}: SURVIVED: test/${mutant.test} passes without it`;
    return outcome === 'hung' ? `${mutant.name}: test/${mutant.test} hung instead of failing` : undefined;
  } finally {
    writeFileSync(path, original);
  }
}

/** Runs all items, one at a time in each copy. */
async function each(copies: readonly string[], items: readonly Mutant[], run: (copy: string, mutant: Mutant) => Promise<void>) {
  const left = [...items];
  await Promise.all(
    copies.map(async (copy) => {
      for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) await run(copy, mutant);
    }),
  );
}

async function main(wanted: string, most: number): Promise<boolean> {
  const mutants = MUTANTS.filter(({ name }) => name.includes(wanted));
  if (mutants.length === 0)
    throw new Error(`no mutant has a name with ${wanted}; there are:\n${MUTANTS.map(({ name }) => `  ${name}`).join('\n')}`);
  const copies = Array.from({ length: most }, copyTree);
  const problems: string[] = [];
  try {
    // Without a change the tests must pass, and must run at all.
    const runs = new Map(mutants.map((mutant) => [`${mutant.test} ${mutant.only ?? ''}`, mutant]));
    await each(copies, [...runs.values()], async (copy, mutant) => {
      const { outcome, output } = await runTest(copy, mutant, false);
      const ran = Number(/^# pass (\d+)$|^ℹ pass (\d+)$/m.exec(output)?.slice(1).find(Boolean) ?? 0);
      if (outcome !== 'passed' || ran === 0)
        problems.push(`test/${mutant.test} ${mutant.only ?? ''} ${outcome}, ${ran} tests, without a mutant:\n${output}`);
    });
    await each(copies, problems.length > 0 ? [] : mutants, async (copy, mutant) => {
      const began = performance.now();
      const problem = await problemOf(copy, mutant);
      if (problem !== undefined) problems.push(problem);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      process.stdout.write(`${problem === undefined ? 'found' : 'PROBLEM'}  ${seconds.padStart(5)} s  ${mutant.name}\n`);
    });
  } finally {
    for (const copy of copies) rmSync(copy, { recursive: true, force: true });
  }
  for (const problem of problems) process.stderr.write(`mutants: ${problem}\n`);
  return problems.length === 0;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { copies: { type: 'string', default: String(availableParallelism()) } },
});
process.exitCode = (await main(positionals[0] ?? '', Math.max(1, Number(values.copies)))) ? 0 : 1;
