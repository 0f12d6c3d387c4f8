import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { writeClientPackage } from '../../gateway/tools/packages/client-package.ts';

const ROOT = join(import.meta.dirname, '..', '..');
export const EXAMPLES = join(ROOT, 'docs', 'examples');

/** An example in TypeScript, copied out of the checkout, with what `npm install` would give it: the client as it is packed, and its dependencies. */
export async function copyExample(t: TestContext, name: string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-example-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
  cpSync(join(EXAMPLES, name), dir, { recursive: true, filter: (path) => !path.includes('node_modules') });
  const modules = join(dir, 'node_modules');
  mkdirSync(modules);
  await writeClientPackage(ROOT, join(modules, 'openbell-client'));
  for (const scope of ['@grpc', '@types']) symlinkSync(join(ROOT, 'node_modules', scope), join(modules, scope));
  return dir;
}

/** The command behind `npm start` of an example. */
export function startCommand(dir: string): string {
  return JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')).scripts.start;
}

/** A program that runs until it is stopped, with the pinned Node as `node`. */
export class ExampleProcess {
  readonly child: ChildProcess;
  /** Both streams. */
  output = '';
  readonly ended: Promise<number | null>;

  /** @param command words without quotes */
  constructor(t: TestContext, dir: string, command: string, env: Readonly<Record<string, string>>) {
    const [program, ...args] = command.split(' ');
    this.child = spawn(program === 'node' ? process.execPath : program, args, {
      cwd: dir,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.after(() => this.child.kill('SIGKILL'));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        this.output += bytes;
      });
    }
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** Resolves when the output matches. @throws Error with the output if the program has ended before */
  async says(text: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = text.exec(this.output);
      if (match !== null) return match;
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`the example has ended: ${this.output}`);
      await Promise.race([this.ended, new Promise((resolve) => setTimeout(resolve, 20))]);
    }
  }

  /** @returns the exit code */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return await this.ended;
  }
}
