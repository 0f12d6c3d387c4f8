/** The ways out of `openbell start` once threads may run. None of them joins a thread. */
import { existsSync } from 'node:fs';
import { isSea } from 'node:sea';
import { Worker } from 'node:worker_threads';
import { errorOutput } from '../../lossy-output.ts';
import type { ExitCode } from './exit.ts';

/** Documented codes of a process that a signal ended: 128 and its number. */
export type SignalExit = 130 | 143;

/** Code for the process to exit with, in the environment of the single executable that takes this one's place. */
const EXIT_WITH = 'OPENBELL_EXIT_WITH';
/** Longest wait for a slow reader of the log at the end, ms. */
const FLUSH_MS = 200;
/** How much later than the main thread's timer the watchdog ends the process, ms. */
const WATCHDOG_AFTER_MS = 2000;
/** Options whose result Node writes at a normal exit. */
const PROFILES = /--(cpu|heap)-prof/;

/** Interval at which the watchdog's thread looks at the clock, ms. */
const WATCHDOG_LOOKS_MS = 100;

/** Shared with the watchdog: the time of its end, ms of the monotonic clock of all threads. */
let watched: Float64Array | undefined;
let timer: NodeJS.Timeout | undefined;
let deadline = Number.POSITIVE_INFINITY;

/**
 * Ends the process with the code, at once and without joining its threads.
 *
 * `process.exit` joins them: a thread that the end interrupts inside a
 * transaction of LMDB never ends, and the process keeps its ports. This replaces
 * the process by one that only exits: same id, and the kernel ends all threads.
 */
export function endNow(code: ExitCode | SignalExit): never {
  errorOutput.flush(FLUSH_MS);
  const profiles = PROFILES.test(`${process.env.NODE_OPTIONS ?? ''} ${process.execArgv.join(' ')}`) || process.env.NODE_V8_COVERAGE;
  const self = runningExecutable();
  if (!profiles && self !== undefined && process.execve !== undefined) {
    if (isSea()) process.execve(self, [self], { [EXIT_WITH]: String(code) });
    process.execve(self, [self, '--eval', `process.exit(${code})`], {});
  }
  process.exit(code);
}

/** A failed execve aborts the process. The first is the right one even if the file was replaced meanwhile, but an image may have no /proc. */
function runningExecutable(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  return ['/proc/self/exe', process.execPath].find((path) => existsSync(path));
}

/** For the first line of the single executable: exits if it only takes the place of one that has ended. */
export function exitIfReplacement(): void {
  const code = process.env[EXIT_WITH];
  if (code !== undefined) process.exit(Number(code));
}

/**
 * Ends the process in `ms` if it has not ended by then: with the code, by a timer
 * of this thread; if this thread hangs, by SIGKILL, two seconds later, from a
 * thread of its own. The earliest time of several calls counts.
 */
export function endWithin(ms: number, code: ExitCode | SignalExit): void {
  const end = monotonicMs() + ms;
  if (end >= deadline) return;
  deadline = end;
  clearTimeout(timer);
  timer = setTimeout(() => {
    errorOutput.write(`openbell: it did not end by itself within ${ms / 1000} s, and is ended; nothing that was acknowledged is lost\n`);
    endNow(code);
  }, ms).unref();
  watched ??= startWatchdog();
  watched[0] = end + WATCHDOG_AFTER_MS;
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

function startWatchdog(): Float64Array {
  const until = new Float64Array(new SharedArrayBuffer(8)).fill(Number.POSITIVE_INFINITY);
  const thread = new Worker(WATCHDOG, {
    eval: true,
    execArgv: [],
    name: 'openbell-watchdog',
    workerData: { until, fd: errorOutput.descriptor },
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 },
  });
  // Without it only the timer of the main thread is left.
  thread.on('error', () => undefined);
  thread.unref();
  return until;
}

/** Code of the watchdog's thread, as text: the disk that has failed may be the one with the code. */
const WATCHDOG = `
const { workerData: { until, fd } } = require('node:worker_threads');
const { writeSync } = require('node:fs');
setInterval(() => {
  if (Number(process.hrtime.bigint() / 1000000n) < until[0]) return;
  try {
    writeSync(fd, 'openbell: it hangs, and ends itself by SIGKILL; nothing that was acknowledged is lost\\n');
  } catch {}
  process.kill(process.pid, 'SIGKILL');
}, ${WATCHDOG_LOOKS_MS});
`;
