import { Worker } from 'node:worker_threads';
import { AlertError, type AlertErrorCode } from './alert-error.ts';
import type { AlertAnswer, AlertThread, Method } from './alert-thread.ts';
import { ALERT_STATS, AlertStat, type AlertWorkerData } from './alert-worker-data.ts';

const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './alert-worker.ts' : './alert-worker.js', import.meta.url);
/** Until a thread that ended by itself is started again, ms. */
const RESTART_MS = 1000;
/** Until a thread that does not end is terminated, ms. */
const STOP_MS = 5000;
/** Of the thread's heap. */
const HEAP_MB = 512;
const UNAVAILABLE = 'the thread of the alerts does not answer: try again in a moment';

type Answer<K extends Method> = Awaited<ReturnType<AlertThread[K]>>;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The numbers of the thread. */
export interface AlertStats {
  readonly endpoints: number;
  readonly pending: number;
  readonly delivered: number;
  readonly failed: number;
  readonly dead: number;
  readonly failing: boolean;
}

/** The I/O thread's end of the thread that stores alerts and delivers them. A thread that ends by itself is started again. */
export class AlertLink {
  readonly #data: AlertWorkerData;
  readonly #onEnd: (error: Error) => void;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #restart: NodeJS.Timeout | undefined;
  #calls = 0;
  #stopping = false;

  /** Starts the thread. @param onEnd called when it has ended by itself */
  constructor(dataDir: string, loopback: boolean, onEnd: (error: Error) => void) {
    this.#data = { dataDir, loopback, stats: new Float64Array(new SharedArrayBuffer(8 * ALERT_STATS)) };
    this.#onEnd = onEnd;
    this.#start();
  }

  get stats(): AlertStats {
    const { stats } = this.#data;
    return {
      endpoints: stats[AlertStat.endpoints],
      pending: stats[AlertStat.pending],
      delivered: stats[AlertStat.delivered],
      failed: stats[AlertStat.failed],
      dead: stats[AlertStat.dead],
      failing: stats[AlertStat.failing] !== 0,
    };
  }

  /** Runs a method of the thread. @throws AlertError */
  ask<K extends Method>(method: K, ...args: Parameters<AlertThread[K]>): Promise<Answer<K>> {
    const worker = this.#worker;
    if (worker === undefined) return Promise.reject(new AlertError('ALERTS_UNAVAILABLE', UNAVAILABLE));
    const call = ++this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve: resolve as (value: unknown) => void, reject });
      worker.postMessage({ call, method, args });
    });
  }

  /** Ends the thread; what it has not delivered stays in the store. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    this.ask('stop').catch(() => undefined);
    const timer = setTimeout(() => void worker.terminate(), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  #start(): void {
    const worker = new Worker(ENTRY, { workerData: this.#data, name: 'alerts', resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
    this.#worker = worker;
    let failure = new Error('the thread of the alerts has ended');
    worker.on('error', (error: Error) => {
      failure = error;
    });
    worker.on('message', (message: AlertAnswer) => this.#settle(message));
    worker.on('exit', () => {
      this.#worker = undefined;
      for (const { reject } of this.#waiting.values())
        reject(Object.assign(new AlertError('ALERTS_UNAVAILABLE', UNAVAILABLE), { cause: failure }));
      this.#waiting.clear();
      if (this.#stopping) return;
      this.#onEnd(failure);
      this.#restart = setTimeout(() => this.#start(), RESTART_MS);
    });
  }

  #settle(message: AlertAnswer): void {
    const waiting = this.#waiting.get(message.call);
    this.#waiting.delete(message.call);
    if ('value' in message) waiting?.resolve(message.value);
    else waiting?.reject(errorOf(message));
  }
}

const REFUSALS: ReadonlySet<string> = new Set<AlertErrorCode>([
  'ALERT_LIMIT',
  'WEBHOOK_LIMIT',
  'UNKNOWN_ALERT',
  'UNKNOWN_WEBHOOK',
  'DISK_FULL',
]);

function errorOf({ code, message }: { readonly code: string; readonly message: string }): Error {
  return REFUSALS.has(code) ? new AlertError(code as AlertErrorCode, message) : new Error(message);
}
