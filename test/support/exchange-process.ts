import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The built command that users run, because stripping types would dominate each start. `npm test` builds it first; by hand, use `npm run build`. */
export const CLI = fileURLToPath(new URL('../../dist/gateway/cli.js', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `openbell ARGS` to its end. */
export function openbell(args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
  return run(process.execPath, [CLI, ...args], env);
}

/** Runs `openbell ARGS` subject to file permissions: as root, without the capabilities that bypass them. */
export function openbellByModes(args: readonly string[]): Promise<CliResult> {
  if (process.getuid?.() !== 0) return openbell(args);
  return run('setpriv', ['--bounding-set', '-dac_override,-dac_read_search', process.execPath, CLI, ...args]);
}

/** Runs a command to its end. */
export async function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes;
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** Runs `openbell ARGS` into a pipe that is closed at its other end, as `head` leaves one. */
export async function openbellUnread(args: readonly string[]): Promise<Omit<CliResult, 'stdout'>> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

/** Runs `openbell ARGS` until enough lines are out, then interrupts it; resolves with the lines. */
export async function openbellUntil(args: readonly string[], enough: (lines: number) => boolean): Promise<string[]> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes;
    // Once: a second signal would end it before it has closed.
    if (!child.killed && enough(stdout.split('\n').length - 1)) child.kill('SIGINT');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`openbell ${args.join(' ')} ended with ${code}`);
  return stdout.split('\n').slice(0, -1);
}

/** A running `openbell ARGS`, line by line. */
export function openbellLines(args: readonly string[]) {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let stderr = '';
  const heard = new EventEmitter();
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes;
    heard.emit('text');
  });
  return {
    child,
    ended: once(child, 'close').then(([code]) => code as number | null),
    next: async (): Promise<string> => {
      const { value, done } = await lines.next();
      if (done) throw new Error(`openbell ${args.join(' ')} has ended: ${stderr}`);
      return value;
    },
    /** Resolves when stderr has text that matches. */
    said: async (text: RegExp): Promise<void> => {
      while (!text.test(stderr)) await once(heard, 'text');
    },
  };
}

/** A running `openbell start` on free ports. */
export class ExchangeProcess {
  readonly child: ChildProcess;
  readonly ports: { readonly grpc: number; readonly ws: number; readonly http: number };
  /** From the time when it was ready. */
  stderr = '';
  /** Until then. */
  readonly startStderr: string;

  private constructor(child: ChildProcess, ports: ExchangeProcess['ports'], startStderr: string) {
    this.child = child;
    this.ports = ports;
    this.startStderr = startStderr;
    child.stderr?.on('data', (bytes: Buffer) => {
      this.stderr += bytes;
    });
  }

  /** @param abort kills it while it starts @param program replaces the built command @throws Error with its stderr when it ends before it is ready */
  static async start(
    data: string,
    args: readonly string[] = [],
    abort?: AbortSignal,
    program: readonly string[] = [process.execPath, CLI],
  ): Promise<ExchangeProcess> {
    const [command, ...before] = program;
    const child = spawn(
      command,
      [...before, 'start', '--json', '--data', data, '--grpc-port', '0', '--ws-port', '0', '--http-port', '0', ...args],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    abort?.addEventListener('abort', () => child.kill('SIGKILL'));
    // A test that ends early, as when its output is closed, leaves nothing running.
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    let stderr = '';
    const keep = (bytes: Buffer) => {
      stderr += bytes;
    };
    child.stderr?.on('data', keep);
    const line = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout?.on('data', (bytes: Buffer) => {
        text += bytes;
        // A start that failed prints its error instead of the ports, and ends.
        if (text.includes('\n') && !text.startsWith('{"error"')) resolve(text);
      });
      child.once('exit', (code) => reject(new Error(`openbell start ended with ${code}: ${stderr}`)));
    });
    child.stderr?.off('data', keep);
    return new ExchangeProcess(child, JSON.parse(line), stderr);
  }

  get flags(): string[] {
    const { grpc, ws, http } = this.ports;
    return ['--grpc-port', String(grpc), '--ws-port', String(ws), '--http-port', String(http)];
  }

  /** Sends a signal and resolves with the exit code, null when the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }
}
