import { spawnSync } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandBatch } from '../../engine/wire/frames.ts';
import { LoadSession } from '../load/load-session.ts';
import { type FlowSymbol, OrderFlow } from '../load/order-flow.ts';
import { Pacer } from '../suite/pacer.ts';
import { type Latency, Recorder } from '../suite/recorder.ts';

const RESTING = 500;
/** Between two looks at the clock. */
const PAUSE_MS = 1;
/** How much nicer the disturbing processes are. With the lowest priority they would get no time on a busy machine, and disturb nothing. */
const NICER = 10;
/** For the last answers. */
const LAST_MS = 30_000;

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

  /** @returns the latencies of the orders of this time @throws Error when an order was rejected, lost, or answered twice */
  async run(rate: number, forMs: number): Promise<Latency> {
    const { inFlight, transport, flow } = this.#session;
    const recorder = new Recorder();
    inFlight.onAnswer = (sentMs, nowMs) => recorder.record(nowMs - sentMs);
    const pacer = new Pacer(rate, performance.now());
    const end = pacer.startMs + forMs;
    for (let sent = 0, now = pacer.startMs; now < end; now = performance.now()) {
      for (const due = pacer.due(now); sent < due; sent++) {
        this.#batch.clear();
        flow.next(this.#batch, inFlight.add(performance.now()));
        transport.add(this.#batch.bytes());
      }
      transport.flush();
      await sleep(PAUSE_MS);
    }
    for (const late = performance.now() + LAST_MS; inFlight.count > 0 && performance.now() < late; ) await sleep(PAUSE_MS);
    const { lost } = this.#session;
    if (lost !== undefined) throw new Error(`the session was lost: ${lost}`);
    if (inFlight.count + inFlight.rejected + inFlight.unexpected + inFlight.gaps > 0)
      throw new Error(
        `${inFlight.count} orders were not answered, ${inFlight.rejected} were rejected with code ${inFlight.rejectCode}, ${inFlight.unexpected} answers were not expected`,
      );
    return recorder.take();
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
