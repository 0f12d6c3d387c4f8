import { codeName } from '../../engine/codes.ts';
import { CommandBatch, MAX_FRAME_COMMANDS } from '../../engine/wire/frames.ts';
import { Violation } from '../suite/each-window.ts';
import { Pacer } from '../suite/pacer.ts';
import { Recorder } from '../suite/recorder.ts';
import { InFlight, MAX_IN_FLIGHT } from './in-flight.ts';
import type { LatencySample, LoadResult, PingPongRequest, RunRequest, SaturateRequest } from './load-protocol.ts';
import type { LoadSession } from './load-session.ts';
import { WindowWatch } from './window-watch.ts';

/** Maximum number of commands per turn of the loop, so that answers are read in between. */
const MOST_PER_TURN = 4096;
/** Bytes that may wait in one connection: half of its arena. */
const MOST_WAITING_BYTES = 2 ** 22;
const DRAIN_MS = 20_000;
const SATURATE_ATTEMPTS = 5;
/** Permitted backlog of a sustained rate: a share of the commands, and the commands of a moment in which the generator has no core. */
const GROWTH = 0.01;
const GROWTH_MS = 5;
/** Tolerance of a planned time, in windows: less than any distance of two messages, more than the rounding error of a double. */
const ROUNDING = 1e-9;

/**
 * The load: sessions, and their commands in flight. The loop never sleeps. It
 * turns with setImmediate, because a timer oversleeps by up to a millisecond;
 * this occupies a core.
 */
export class Load {
  readonly inFlight = new InFlight();
  readonly #sessions: readonly LoadSession[];
  readonly #batch = new CommandBatch(MAX_FRAME_COMMANDS);
  #next = 0;

  constructor(sessions: readonly LoadSession[]) {
    this.#sessions = sessions;
    for (const session of sessions) session.inFlight = this.inFlight;
  }

  /** @throws Error when a command was lost or answered twice, or rejected without `mayReject` */
  async run({ rate, batch, warmupMs, windowMs, windows, sampleMs, mayReject = false }: RunRequest): Promise<LoadResult> {
    const { inFlight } = this;
    const recorders = Array.from({ length: windows }, () => new Recorder());
    const sample = new Recorder();
    const watch = new WindowWatch(windows);
    const samples: LatencySample[] = [];
    const [sentBefore, fillsBefore] = [inFlight.sent, inFlight.fills];
    const pacer = new Pacer(rate / batch, performance.now() + 1);
    const messages = Math.ceil((rate * (warmupMs + windows * windowMs)) / 1000 / batch);
    const from = pacer.startMs + warmupMs;
    const middle = from + (windows * windowMs) / 2;
    const end = from + windows * windowMs;
    let nextSample = sampleMs === 0 ? Number.POSITIVE_INFINITY : from + sampleMs;
    const behind = { middle: -1, end: -1 };
    let answeredAtMiddle = 0;
    let achieved = 0;
    let overloaded = false;
    let sent = 0;
    const windowAt = (ms: number): number => Math.floor((ms - from) / windowMs + ROUNDING);
    // The resting orders are unknown after a reject. To start anew once in a window keeps the rejects out of the later windows.
    const anew = { wanted: false, fromMs: Number.NEGATIVE_INFINITY, window: Number.NEGATIVE_INFINITY };
    inFlight.onReject = (plannedMs) => {
      watch.rejected(windowAt(plannedMs), inFlight.rejectCode);
      if (plannedMs >= anew.fromMs) anew.wanted = true;
    };
    inFlight.onAnswer = (plannedMs, nowMs) => {
      const window = windowAt(plannedMs);
      if (window < 0 || window >= windows) return;
      recorders[window].record(nowMs - plannedMs);
      if (sampleMs !== 0) sample.record(nowMs - plannedMs);
    };
    let now = performance.now();
    while ((sent < messages || now < end) && !overloaded && this.#lost() === undefined) {
      if (anew.wanted && windowAt(now) > anew.window) {
        for (const { flow } of this.#sessions) flow.reset();
        Object.assign(anew, { wanted: false, fromMs: pacer.plannedMs(sent), window: windowAt(now) });
      }
      const due = Math.min(pacer.due(now), messages, sent + Math.ceil(MOST_PER_TURN / batch));
      if (due > sent) {
        for (; sent < due; sent++) {
          const planned = pacer.plannedMs(sent);
          watch.sent(windowAt(planned), now - planned);
          this.#send(batch, planned);
        }
        overloaded = this.#flush() || inFlight.count > MAX_IN_FLIGHT - 2 * MOST_PER_TURN;
      }
      await turn();
      now = performance.now();
      if (behind.middle === -1 && now >= middle) {
        answeredAtMiddle = inFlight.answered;
        behind.middle = inFlight.count + (Math.min(pacer.due(now), messages) - sent) * batch;
      }
      if (behind.end === -1 && now >= end) {
        achieved = ((inFlight.answered - answeredAtMiddle) / (now - middle)) * 1000;
        behind.end = inFlight.count + (messages - sent) * batch;
      }
      if (now >= nextSample) {
        samples.push(takeSample(sample, (nextSample - from) / 1000));
        nextSample += sampleMs;
      }
    }
    if (overloaded) watch.brokeOff(windowAt(pacer.plannedMs(sent)), 'sending was stopped, because too many commands were in flight');
    await this.#settle();
    const lost = this.#lost();
    if (lost !== undefined) {
      if (!mayReject) this.#assertAlive();
      watch.brokeOff(windowAt(inFlight.oldestPlannedMs() ?? now), `a session was lost: ${lost}`);
    }
    const rejected = lost === undefined ? this.#check(mayReject) : this.#forget();
    const latencies = recorders.map((recorder) => recorder.take());
    return {
      overloaded,
      windows: latencies,
      faults: watch.faults(latencies),
      samples,
      sendDelay: watch.sendDelay(),
      orders: inFlight.sent - sentBefore,
      fills: inFlight.fills - fillsBefore,
      rejected,
      achieved,
      kept:
        !overloaded &&
        lost === undefined &&
        rejected === 0 &&
        behind.end - behind.middle <= 2 * batch + (rate / 1000) * (GROWTH * (end - middle) + GROWTH_MS),
    };
  }

  /** One command at a time over the first session. @throws Error as `run` */
  async pingPong({ warmup, orders, windows }: PingPongRequest): Promise<LoadResult> {
    const { inFlight } = this;
    const recorder = new Recorder();
    const [sentBefore, fillsBefore, from] = [inFlight.sent, inFlight.fills, performance.now()];
    const taken: LoadResult['windows'][number][] = [];
    let left = warmup;
    inFlight.onAnswer = (plannedMs, nowMs) => {
      recorder.record(nowMs - plannedMs);
      if (--left > 0) this.#sendOne();
    };
    while (taken.length <= windows) {
      this.#sendOne();
      // The answer of a reject is no order's: the next one would wait for it for ever.
      while (left > 0 && inFlight.rejected === 0) {
        this.#assertAlive();
        await turn();
      }
      if (inFlight.rejected > 0) break;
      taken.push(recorder.take());
      left = orders;
    }
    const achieved = ((inFlight.sent - sentBefore) / (performance.now() - from)) * 1000;
    await this.#drain(false);
    return closedLoop(taken.slice(1), inFlight.sent - sentBefore, inFlight.fills - fillsBefore, achieved);
  }

  /**
   * Each answer triggers the next command: the maximum number of answers a second with a queue of constant length. A window with
   * rejects is repeated: at this rate the command ring is full after a disk stall of 25 ms. `orders` counts all windows.
   * @throws Error as `run`, after the last attempt
   */
  async saturate(request: SaturateRequest): Promise<LoadResult> {
    const sentBefore = this.inFlight.sent;
    for (let attempt = 1; ; attempt++) {
      const result = await this.#saturate(request, attempt < SATURATE_ATTEMPTS);
      if (result.rejected === 0) return { ...result, orders: this.inFlight.sent - sentBefore };
    }
  }

  async #saturate({ underWay, warmupMs, windowMs }: SaturateRequest, mayReject: boolean): Promise<LoadResult> {
    const { inFlight } = this;
    const recorder = new Recorder();
    const [sentBefore, fillsBefore] = [inFlight.sent, inFlight.fills];
    let now = performance.now();
    const answeredIn = async (ms: number): Promise<number> => {
      const [from, before] = [now, inFlight.answered];
      while (now < from + ms) {
        while (inFlight.count < underWay) this.#send(1, now);
        this.#flush();
        await turn();
        this.#assertAlive();
        now = performance.now();
      }
      return ((inFlight.answered - before) / (now - from)) * 1000;
    };
    inFlight.onAnswer = () => undefined;
    await answeredIn(warmupMs);
    inFlight.onAnswer = (plannedMs, nowMs) => recorder.record(nowMs - plannedMs);
    const achieved = await answeredIn(windowMs);
    const rejected = await this.#drain(mayReject);
    return { ...closedLoop([recorder.take()], inFlight.sent - sentBefore, inFlight.fills - fillsBefore, achieved), rejected };
  }

  /** Turns for that time without sending. */
  async spin(ms: number): Promise<void> {
    for (const end = performance.now() + ms; performance.now() < end; ) await turn();
  }

  async close(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.close()));
  }

  #sendOne(): void {
    this.#next = 0;
    this.#send(1, performance.now());
    this.#flush();
  }

  #send(batch: number, plannedMs: number): void {
    const session = this.#sessions[this.#next];
    this.#next = this.#next + 1 === this.#sessions.length ? 0 : this.#next + 1;
    const commands = this.#batch;
    commands.clear();
    for (let i = 0; i < batch; i++) session.flow.next(commands, this.inFlight.add(plannedMs));
    session.transport.add(commands.bytes());
  }

  /** True if more bytes wait to be sent than permitted. */
  #flush(): boolean {
    let full = false;
    for (const { transport } of this.#sessions) {
      transport.flush();
      if (transport.waitingBytes > MOST_WAITING_BYTES) full = true;
    }
    return full;
  }

  /** Waits for all answers, and checks them. @returns the number of rejects */
  async #drain(mayReject: boolean): Promise<number> {
    await this.#settle();
    this.#assertAlive();
    return this.#check(mayReject);
  }

  /** Returns when all commands are answered, a session is lost, or it takes too long. */
  async #settle(): Promise<void> {
    const deadline = performance.now() + DRAIN_MS;
    while (this.inFlight.count > 0 && this.#lost() === undefined && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 1));
  }

  /** @returns the number of rejects @throws Violation if a command has no answer, or more than one */
  #check(mayReject: boolean): number {
    const { inFlight } = this;
    if (inFlight.count > 0)
      throw new Violation(`${inFlight.count} of ${inFlight.sent} commands were not answered within ${DRAIN_MS / 1000} s`);
    if (inFlight.unexpected > 0)
      throw new Violation(`${inFlight.unexpected} answers were duplicates, or for commands that were never sent`);
    if (inFlight.gaps > 0) throw new Violation(`${inFlight.gaps} times a report's number was not the one after the last`);
    const { rejected, rejectCode } = inFlight;
    if (rejected === 0) return 0;
    if (!mayReject) throw new Error(`${rejected} commands were rejected, the first with ${codeName(rejectCode)}`);
    inFlight.rejected = 0;
    for (const { flow } of this.#sessions) flow.reset();
    return rejected;
  }

  #assertAlive(): void {
    const lost = this.#lost();
    if (lost !== undefined) throw new Error(`a session was lost: ${lost}`);
  }

  #lost(): string | undefined {
    for (const { lost } of this.#sessions) if (lost !== undefined) return lost;
    return undefined;
  }

  /** After a lost session, neither the resting orders nor the last reports are known. @returns the rejects so far */
  #forget(): number {
    for (const session of this.#sessions) {
      session.flow.reset();
      session.lastReport = undefined;
    }
    return this.inFlight.rejected;
  }
}

function closedLoop(windows: LoadResult['windows'], orders: number, fills: number, achieved: number): LoadResult {
  return {
    windows,
    faults: windows.map(() => ({})),
    samples: [],
    sendDelay: new Recorder().take(),
    orders,
    fills,
    rejected: 0,
    achieved,
    kept: true,
    overloaded: false,
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function takeSample(recorder: Recorder, seconds: number): LatencySample {
  const sample = { seconds, p50: recorder.percentile(50), p99: recorder.percentile(99), max: recorder.percentile(100) };
  recorder.reset();
  return sample;
}
