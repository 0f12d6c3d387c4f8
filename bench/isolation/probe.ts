import { spawnSync } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeName } from '../../engine/codes.ts';
import { CommandBatch } from '../../engine/wire/frames.ts';
import { LoadSession } from '../load/load-session.ts';
import { type FlowSymbol, OrderFlow } from '../load/order-flow.ts';
import { waitedMs } from '../suite/disturbance.ts';
import { Violation } from '../suite/each-window.ts';
import { Pacer } from '../suite/pacer.ts';
import { type Latency, Recorder } from '../suite/recorder.ts';

const RESTING = 500;
/** Between two looks at the clock. */
const PAUSE_MS = 1;
/** How much nicer the disturbing processes are. With the lowest priority they would get no time on a busy machine, and disturb nothing. */
const NICER = 10;
/** For the last answers. */
const LAST_MS = 30_000;

/** What a turn found. */
export interface Probed {
  readonly latency: Latency;
  /**
   * By answer, what of its latency may be the probe's own: the time in which this thread was ready and had no core, of the pause
   * in which the answer came. It shares the core of the clients with those that disturb.
   */
  readonly own: Latency;
}

/**
 * The measured account: single orders by schedule, whatever became of the earlier ones. It sleeps between them, so that the
 * disturbing clients have the core. Latency counts from the send: the oversleep of a timer is no work of the exchange.
 */
export class Probe {
  readonly #session: LoadSession;
  readonly #batch = new CommandBatch(1);

  private constructor(session: LoadSession) {
    this.#session = session;
  }

  static async open(port: number, account: number, symbol: FlowSymbol): Promise<Probe> {
    return new Probe(await LoadSession.open('grpc', port, account, new OrderFlow([symbol], RESTING, 0, Date.now() * 1000)));
  }

  /** Sends orders for this time. @throws Error when an order was rejected or the session lost: then it is over @throws Violation */
  async run(rate: number, forMs: number): Promise<Probed> {
    const { inFlight, transport, flow } = this.#session;
    const [latency, own] = [new Recorder(), new Recorder()];
    let answers = 0;
    inFlight.onAnswer = (sentMs, nowMs) => {
      latency.record(nowMs - sentMs);
      answers++;
    };
    let waited = waitedMs();
    const pause = async (): Promise<void> => {
      await sleep(PAUSE_MS);
      const before = waited;
      waited = waitedMs();
      if (answers > 0) own.recordMany(waited - before, answers);
      answers = 0;
    };
    const pacer = new Pacer(rate, performance.now());
    const end = pacer.startMs + forMs;
    for (let sent = 0, now = pacer.startMs; now < end; now = performance.now()) {
      for (const due = pacer.due(now); sent < due; sent++) {
        this.#batch.clear();
        flow.next(this.#batch, inFlight.add(performance.now()));
        transport.add(this.#batch.bytes());
      }
      transport.flush();
      await pause();
    }
    const over = (): boolean => inFlight.count === 0 || this.#session.lost !== undefined;
    for (const late = performance.now() + LAST_MS; !over() && performance.now() < late; ) await pause();
    const { lost } = this.#session;
    if (lost !== undefined) throw new Error(`the session was lost: ${lost}`);
    const { count, unexpected, gaps, rejected, rejectCode } = inFlight;
    if (count + unexpected + gaps > 0)
      throw new Violation(`${count} orders were not answered, ${unexpected} answers were not expected, ${gaps} reports were missing`);
    if (rejected > 0) throw new Error(`${rejected} orders were rejected, the first with ${codeName(rejectCode)}`);
    return { latency: latency.take(), own: own.take() };
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

/** Binds this process to the cores of the clients, and lets the disturbing ones wait for it. */
export function goFirst(cores: string | undefined, others: readonly number[]): void {
  if (cores !== undefined) spawnSync('taskset', ['-cp', cores, String(process.pid)]);
  const nice = Math.min(constants.priority.PRIORITY_LOW, getPriority() + NICER);
  for (const pid of others) setPriority(pid, nice);
}
