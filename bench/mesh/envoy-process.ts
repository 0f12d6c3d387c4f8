import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endChild, guardChild } from '../load/guarded-child.ts';
import { freePort } from '../suite/free-port.ts';

const VENV = fileURLToPath(new URL('../../.venv/bin/envoy', import.meta.url));
const READY_MS = 15_000;

/** The Envoy to run: ENVOY_BIN, the first on the PATH, or the one in .venv; undefined when there is none. */
export function findEnvoy(): string | undefined {
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'envoy'));
  return [process.env.ENVOY_BIN, ...onPath, VENV].find((file) => file !== undefined && file !== '' && existsSync(file));
}

export interface EnvoyOptions {
  readonly binary: string;
  /** For its configuration. */
  readonly dir: string;
  /** Creates the bootstrap for its listening port. */
  readonly bootstrap: (listen: number) => string;
  /** Kills it. */
  readonly signal: AbortSignal;
}

/** An Envoy in front of the exchange, like a sidecar: a separate process with one worker thread. */
export class EnvoyProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Resolves when it accepts connections. @throws Error with the end of its log if it does not */
  static async start({ binary, dir, bootstrap, signal }: EnvoyOptions): Promise<EnvoyProcess> {
    signal.throwIfAborted();
    const listen = await freePort();
    const file = join(dir, `envoy-${listen}.yaml`);
    writeFileSync(file, bootstrap(listen));
    const args = ['-c', file, '--concurrency', '1', '--use-dynamic-base-id', '--log-level', 'warning'];
    const child = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const log = guardChild(child, signal);
    const deadline = performance.now() + READY_MS;
    while (!(await accepts(listen))) {
      signal.throwIfAborted();
      if (child.exitCode !== null || performance.now() > deadline) {
        child.kill('SIGKILL');
        throw new Error(`Envoy (${binary}) does not accept connections: ${log()}`);
      }
      await sleep(50);
    }
    return new EnvoyProcess(child, listen);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  async end(): Promise<void> {
    await endChild(this.#child, () => this.#child.kill('SIGTERM'));
  }
}

/** Version reported by the binary, such as `Envoy 1.40.0`. */
export async function envoyVersion(binary: string): Promise<string> {
  const child = spawn(binary, ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (bytes: Buffer) => {
    text += bytes;
  });
  await once(child, 'close');
  return `Envoy ${/\/(\d+\.\d+\.\d+[^/]*)\//.exec(text)?.[1] ?? text.trim()}`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
