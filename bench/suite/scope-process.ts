import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { offTheExchange } from './cores.ts';
import type { Assignment, Message } from './messages.ts';
import type { ScopeResult } from './result.ts';

const CHILD = fileURLToPath(new URL('./scope-child.ts', import.meta.url));
/** A scope may request a garbage collection between its windows. */
export const CHILD_FLAGS: readonly string[] = ['--expose-gc'];
/** Time for a scope to stop its load after the request to stop. */
const GRACE_MS = 5000;
const DRAIN_MS = 2000;
const KEPT_LINES = 20;

export interface Listener {
  progress(what: string, done: number): void;
  /** A line printed by the scope or by its processes. */
  line(text: string): void;
}

export type Outcome = { readonly result: ScopeResult } | { readonly failed: string };

/**
 * Runs one scope in a separate process and process group: the garbage, the
 * compiled code and a crash of one scope do not affect the next, and its
 * processes do not outlive it.
 * @param deadlineMs time after which it is killed and counts as failed @param signal when aborted, the scope is asked to stop, then killed
 */
export async function runInProcess(assignment: Assignment, deadlineMs: number, signal: AbortSignal, listener: Listener): Promise<Outcome> {
  // The group is also a session: Ctrl-C at the terminal reaches only the runner, which then asks each scope to stop.
  const child = fork(CHILD, [], { execArgv: [...CHILD_FLAGS], detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  // After the fork: the scope has all cores, and places its processes itself.
  return await offTheExchange(() => follow(child, assignment, deadlineMs, signal, listener));
}

async function follow(
  child: ChildProcess,
  assignment: Assignment,
  deadlineMs: number,
  signal: AbortSignal,
  listener: Listener,
): Promise<Outcome> {
  let outcome: Outcome | undefined;
  child.on('message', (message: Message) => {
    if (message.kind === 'progress') listener.progress(message.what, message.done);
    else outcome = message.kind === 'result' ? { result: message.result } : { failed: message.reason };
  });
  const kept: string[] = [];
  forwardLines(child, (text) => {
    kept.push(text);
    if (kept.length > KEPT_LINES) kept.shift();
    listener.line(text);
  });

  let killed = '';
  const kill = (reason: string): void => {
    killed ||= reason;
    killGroup(child);
  };
  const deadline = setTimeout(() => kill(`killed: not done after ${Math.round(deadlineMs / 1000)} s`), deadlineMs);
  let grace: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGINT');
    grace = setTimeout(() => kill('interrupted, and killed because it did not stop'), GRACE_MS);
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, by) => resolve(by === null ? `ended with ${code}` : `ended by ${by}`));
    // Without a process there is no exit event; with one, this error is a message that could not be delivered.
    child.on('error', ({ message }) => (child.pid === undefined ? resolve(message) : listener.line(message)));
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.send(assignment);
  const end = await ended;
  clearTimeout(deadline);
  clearTimeout(grace);
  signal.removeEventListener('abort', stop);
  killGroup(child);
  // Its last message may still be in the channel. A process that left the group can keep the pipes open for ever.
  await Promise.race([closed, delay(DRAIN_MS, undefined, { ref: false })]);
  if (killed !== '') return { failed: killed };
  if (outcome !== undefined) return outcome;
  return { failed: [`${end} and no result`, ...kept].join('\n') };
}

/** Kills the scope and its processes; also called after it has ended, for leftover processes. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function forwardLines(child: ChildProcess, line: (text: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const each of lines) line(each);
    });
    stream?.on('end', () => {
      if (rest !== '') line(rest);
    });
  }
}
