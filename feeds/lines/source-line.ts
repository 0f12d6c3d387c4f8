import { ExponentialBackoff, type IBackoff } from 'cockatiel';
import {
  type AdapterFactory,
  type AdapterOptions,
  ALL_INSTRUMENTS,
  FeedFault,
  type FeedLine,
  type FeedSink,
  FeedState,
  type VenueAdapter,
} from '../feed.ts';
import { Breakers, GivenUp } from './breaker.ts';
import { DEFAULT_HTTP, type HttpOptions, httpGet } from './http-get.ts';
import { LineClock } from './line-clock.ts';
import { type LineCounters, newLineCounters } from './line-counters.ts';
import { LineFault } from './line-fault.ts';
import { Replacement } from './replacement.ts';
import { SendPace } from './send-pace.ts';
import { TurnShare } from './turn-share.ts';
import { limitsOfVenue, type VenueLimits } from './venue-limits.ts';
import { DEFAULT_SOCKET, type SocketOptions, VenueSocket } from './venue-socket.ts';

/** Sees everything that passes, before the adapter: a recorder. Called on the line's thread; must not throw. */
export interface LineTap {
  connect(connection: number, atUs: number, url: string): void;
  /** @param frame as {@link FeedLine.send} has it */
  send(connection: number, atUs: number, url: string, frame: string | Uint8Array): void;
  /** @param bytes valid only during the call */
  recv(connection: number, atUs: number, bytes: Uint8Array, binary: boolean): void;
  http(connection: number, atUs: number, url: string, bytes: Uint8Array): void;
}

export interface BackoffOptions {
  /** Wait before the second attempt and the longest wait, ms; it doubles, with jitter. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** A connection that lasted this long ends a row of failures, ms. */
  readonly stableMs: number;
}

export const DEFAULT_BACKOFF: BackoffOptions = { firstMs: 250, maxMs: 30_000, stableMs: 10_000 };

export interface SourceLineOptions {
  /** In texts: the source's name. */
  readonly name: string;
  readonly adapter: AdapterFactory;
  readonly options: AdapterOptions;
  readonly sink: FeedSink;
  /** Shared by the lines of a process, so that they learn from each other which host is down. */
  readonly breakers?: Breakers;
  readonly backoff?: BackoffOptions;
  readonly socket?: Partial<SocketOptions>;
  readonly http?: HttpOptions;
  /** In place of the venue's. */
  readonly limits?: Partial<VenueLimits>;
  readonly tap?: LineTap;
  readonly clock?: LineClock;
  /** One line of text for the log: what happened and why. */
  readonly log?: (fault: FeedFault, text: string) => void;
}

const TICK_MS = 1_000;
/** Failed requests are logged so often: each instrument may have one, again and again. */
const HTTP_LOG_MS = 10_000;
/** Until another attempt to replace a connection for its age. */
const REPLACE_RETRY_MS = 30_000;

interface Request {
  readonly url: string;
}

/**
 * A live connection of one adapter: WebSocket and HTTP, connected again for as long as it is started.
 * All calls and events on one thread. Nothing that a venue sends ends the process: an adapter that throws
 * loses its connection and starts from nothing.
 */
export class SourceLine implements FeedLine {
  readonly name: string;
  readonly adapter: VenueAdapter;
  readonly counters: LineCounters = newLineCounters();
  readonly #options: SourceLineOptions;
  readonly #limits: VenueLimits;
  readonly #socketOptions: SocketOptions;
  readonly #breakers: Breakers;
  readonly #clock: LineClock;
  /** Steps of the clock that were reported. */
  #clockSteps: number;
  readonly #sends: SendPace<string | Uint8Array>;
  readonly #requests: SendPace<Request>;
  readonly #stopped = new AbortController();
  readonly #share: TurnShare;
  #socket: VenueSocket | undefined;
  #connection = 0;
  /** The adapter asked for the end of this connection, and has counted why. */
  #asked = false;
  #openedAt = 0;
  /** Asked for and not answered. They fail with their connection. */
  readonly #unanswered = new Set<Request>();
  #requestsEnd = new AbortController();
  #httpLogAt = 0;
  /** Failed requests that were not logged since. */
  #httpUnlogged = 0;
  #running: Promise<void> | undefined;
  #ticks: NodeJS.Timeout | undefined;
  #waitEnd: (() => void) | undefined;
  /** Reports the end of the present connection. */
  #end: (fault: LineFault) => void = () => undefined;
  /** The connection that is to replace the present one. */
  #replacement: Replacement | undefined;
  #replaceAt = 0;

  constructor(options: SourceLineOptions) {
    this.name = options.name;
    this.#options = options;
    this.adapter = options.adapter(options.options, this, options.sink);
    this.#limits = { ...limitsOfVenue(this.adapter.venue), ...options.limits };
    this.#socketOptions = { ...DEFAULT_SOCKET, silentMs: this.#limits.silentMs, ...options.socket };
    this.#breakers = options.breakers ?? new Breakers();
    this.#clock = options.clock ?? new LineClock();
    this.#clockSteps = this.#clock.steps;
    this.#sends = new SendPace(this.#limits.sends, (frame) => this.#sendNow(frame));
    this.#share = new TurnShare({
      deliver: (bytes, binary) => this.#frame(bytes, binary),
      pause: () => this.#socket?.pause(),
      resume: () => this.#socket?.resume(),
      overflow: () => this.#giveUp(new LineFault(FeedFault.FrameTooLarge, `${this.name}: sent more at once than is kept`)),
      // The largest frame, and as much behind it.
      waitingBytes: 2 * this.#socketOptions.maxFrameBytes,
    });
    this.#requests = new SendPace(this.#limits.requests, (request) => void this.#get(request));
  }

  /** Connects, and again after each end. */
  start(): void {
    this.#running ??= this.#run();
    this.#ticks ??= setInterval(() => this.#tick(), TICK_MS);
  }

  /** Ends the connection. It cannot be started again. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    clearInterval(this.#ticks);
    this.#sends.clear();
    const stopped = new LineFault(FeedFault.None, `${this.name}: stopped`);
    this.#dropReplacement(stopped);
    this.#giveUp(stopped);
    this.#waitEnd?.();
    await this.#running;
    this.#status(FeedState.Down, FeedFault.None);
  }

  send(frame: string | Uint8Array): void {
    if (this.#socket !== undefined && !this.#sends.send(frame)) this.counters.sendsRefused++;
  }

  fetch(url: string): void {
    const request = { url };
    this.#unanswered.add(request);
    if (this.#requests.send(request)) return;
    this.counters.requestsFailed++;
    // Not in this turn: an adapter is not called from its own call.
    setImmediate(() => this.#getFailed(request, 0));
  }

  reconnect(fault: FeedFault): void {
    if (this.#socket === undefined) return;
    this.counters.reconnects++;
    this.#asked = true;
    const anew = new LineFault(fault, `${this.name}: connects anew`);
    this.#dropReplacement(anew);
    this.#giveUp(anew);
  }

  async #run(): Promise<void> {
    const { firstMs, maxMs, stableMs } = this.#options.backoff ?? DEFAULT_BACKOFF;
    const first = new ExponentialBackoff({ initialDelay: firstMs, maxDelay: maxMs });
    let wait: IBackoff<unknown> | undefined;
    let fault: FeedFault = FeedFault.None;
    while (!this.#stopped.signal.aborted) {
      this.#status(FeedState.Connecting, fault);
      const ended = await this.#connect();
      if (this.#stopped.signal.aborted) break;
      fault = ended.fault;
      this.#report(ended, !this.#asked);
      this.#asked = false;
      this.#status(FeedState.Down, fault);
      if (this.#openedAt > 0 && performance.now() - this.#openedAt >= stableMs) wait = undefined;
      this.#openedAt = 0;
      wait = wait?.next(undefined) ?? first.next();
      await this.#pause(Math.max(wait.duration, this.#breakers.of(this.adapter.address).waitMs));
    }
  }

  /** One connection from its attempt to its end. @returns why it ended */
  async #connect(): Promise<LineFault> {
    const url = this.adapter.address;
    const { promise, resolve } = Promise.withResolvers<LineFault>();
    let socket: VenueSocket | undefined;
    this.#end = (fault) => {
      // What came before the end of the connection.
      this.#share.drain();
      if (this.#isReplaced(fault)) return;
      this.#closed();
      resolve(fault);
    };
    try {
      await this.#breakers.of(url).call(() =>
        VenueSocket.connect(
          url,
          {
            opened: (opened) => {
              socket = opened;
              this.#opened(opened, url);
            },
            frame: (bytes, binary) => this.#share.frame(bytes, binary),
            closed: (fault) => {
              if (socket === this.#socket) this.#end(fault);
            },
          },
          this.#socketOptions,
          this.#stopped.signal,
        ),
      );
    } catch (error) {
      return this.#attemptFailed(url, error);
    }
    const ended = await promise;
    if (ended.fault === FeedFault.Closed) this.counters.lost++;
    if (ended.fault === FeedFault.Silent) this.counters.silent++;
    if (ended.fault === FeedFault.FrameTooLarge) this.counters.framesTooLarge++;
    if (ended.fault === FeedFault.Malformed) this.counters.framesMalformed++;
    return ended;
  }

  #opened(socket: VenueSocket, url: string): void {
    this.counters.connects++;
    this.#connection++;
    this.#socket = socket;
    this.#openedAt = performance.now();
    this.#requestsEnd = new AbortController();
    const now = this.#now();
    this.#options.tap?.connect(this.#connection, now, url);
    this.#status(FeedState.Live, FeedFault.None);
    this.#guarded(() => this.adapter.opened(now));
  }

  #frame(bytes: Uint8Array, binary: boolean): void {
    this.counters.frames++;
    this.counters.frameBytes += bytes.length;
    const now = this.#now();
    this.#options.tap?.recv(this.#connection, now, bytes, binary);
    try {
      this.adapter.frame(bytes, now);
    } catch (error) {
      this.#adapterFailed(error);
    }
  }

  #closed(): void {
    this.#socket = undefined;
    this.#sends.clear();
    this.#requests.clear();
    this.#requestsEnd.abort();
    for (const request of [...this.#unanswered]) this.#getFailed(request, 0);
    this.#guarded(() => this.adapter.closed(this.#now()));
  }

  /**
   * Opens a connection beside the present one, which it replaces after a while. A recording has one connection at a time,
   * so there a new one follows the old one instead.
   */
  replace(): boolean {
    if (this.#socket === undefined || this.adapter.takeOver === undefined || this.#options.tap !== undefined) return false;
    if (this.#replacement !== undefined || performance.now() < this.#replaceAt) return true;
    const failed = (fault: LineFault): void => {
      if (this.#replacement === replacement) this.#replacement = undefined;
      this.#replaceAt = performance.now() + REPLACE_RETRY_MS;
      this.#report(fault);
    };
    const replacement = new Replacement(this.#limits.overlapMs, { ready: () => this.#takeOver(), ended: failed });
    this.#replacement = replacement;
    const url = this.adapter.address;
    this.#breakers
      .of(url)
      .call(() =>
        VenueSocket.connect(url, replacement, this.#socketOptions, replacement.signal).catch((error: unknown) => {
          throw replacement.signal.aborted ? new GivenUp() : error;
        }),
      )
      .catch((error: unknown) => {
        if (!replacement.signal.aborted) failed(this.#attemptFailed(url, error));
      });
    return true;
  }

  #attemptFailed(url: string, error: unknown): LineFault {
    const fault = error instanceof LineFault ? error : new LineFault(FeedFault.ConnectFailed, `${url}: ${String(error)}`);
    if (fault.fault === FeedFault.CircuitOpen) this.counters.breakerRefusals++;
    else this.counters.connectFailures++;
    return fault;
  }

  /** The replacement becomes the line's connection. */
  #takeOver(): void {
    this.#share.drain();
    const replacement = this.#replacement;
    if (replacement === undefined) return;
    this.#replacement = undefined;
    const old = this.#socket;
    const { socket, frames } = replacement.takeOver({
      frame: (bytes, binary) => this.#share.frame(bytes, binary),
      closed: (fault) => {
        if (socket === this.#socket) this.#end(fault);
      },
    });
    this.#socket = socket;
    this.#openedAt = performance.now();
    this.#connection++;
    this.counters.connects++;
    this.counters.replacements++;
    // Its end is no event: it is not the line's connection any more.
    old?.end(new LineFault(FeedFault.None, `${this.name}: replaced`));
    this.#guarded(() => this.adapter.takeOver?.(this.#now()));
    for (const [bytes, binary] of frames) this.#share.frame(bytes, binary);
  }

  /** Whether an open replacement goes on in place of the connection that has ended. */
  #isReplaced(fault: LineFault): boolean {
    if (this.#replacement?.isOpen !== true) {
      this.#dropReplacement(fault);
      return false;
    }
    if (fault.fault === FeedFault.Closed) this.counters.lost++;
    this.#options.log?.(fault.fault, `${fault.message}; its replacement goes on`);
    this.#takeOver();
    return true;
  }

  #dropReplacement(fault: LineFault): void {
    this.#replacement?.cancel(fault);
    this.#replacement = undefined;
  }

  #sendNow(frame: string | Uint8Array): void {
    if (this.#socket === undefined) return;
    this.counters.sent++;
    this.#options.tap?.send(this.#connection, this.#now(), this.adapter.address, frame);
    this.#socket.send(frame);
  }

  async #get(request: Request): Promise<void> {
    const { url } = request;
    try {
      const { signal } = this.#requestsEnd;
      const bytes = await httpGet(url, this.#breakers.of(url), this.counters, signal, this.#options.http ?? DEFAULT_HTTP);
      if (!this.#unanswered.delete(request)) return;
      const now = this.#now();
      this.#options.tap?.http(this.#connection, now, url, bytes);
      this.#guarded(() => this.adapter.answer(url, bytes, now));
    } catch (error) {
      if (!this.#unanswered.has(request)) return;
      const fault = error instanceof LineFault ? error : new LineFault(FeedFault.HttpFailed, String(error));
      this.#logFailedRequest(fault);
      this.#getFailed(request, fault.status);
    }
  }

  /** The adapter counts it. */
  #logFailedRequest({ fault, message }: LineFault): void {
    if (performance.now() < this.#httpLogAt) {
      this.#httpUnlogged++;
      return;
    }
    const more = this.#httpUnlogged === 0 ? '' : `; ${this.#httpUnlogged} more requests failed before it`;
    this.#options.log?.(fault, `${message}${more}`);
    this.#httpUnlogged = 0;
    this.#httpLogAt = performance.now() + HTTP_LOG_MS;
  }

  #getFailed(request: Request, status: number): void {
    if (this.#unanswered.delete(request)) this.#guarded(() => this.adapter.answerFailed(request.url, status, this.#now()));
  }

  #tick(): void {
    const now = this.#now();
    // A frame, or another line, may have seen it first.
    if (this.#clock.steps > this.#clockSteps) {
      this.#clockSteps = this.#clock.steps;
      this.counters.clockSteps++;
      this.#report(
        new LineFault(FeedFault.ClockBack, `${this.name}: the wall clock went back; receive times go on with the monotonic clock`),
      );
    }
    this.#guarded(() => this.adapter.tick(now));
    if (this.#socket === undefined || performance.now() - this.#openedAt < this.#limits.maxAgeMs) return;
    if (!this.replace()) this.reconnect(FeedFault.None);
  }

  /** Calls the adapter. */
  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#adapterFailed(error);
    }
  }

  #adapterFailed(error: unknown): void {
    this.counters.adapterErrors++;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#report(new LineFault(FeedFault.Malformed, `${this.name}: the adapter failed, which is a defect; please report it: ${text}`));
    this.#giveUp(new LineFault(FeedFault.Malformed, `${this.name}: ended after a failure of the adapter`));
  }

  /** Ends the connection. Nothing of it is read any more. */
  #giveUp(fault: LineFault): void {
    this.#share.clear();
    this.#socket?.end(fault);
  }

  #report(fault: LineFault, counted = true): void {
    if (counted && fault.fault !== FeedFault.None) this.#options.sink.fault(ALL_INSTRUMENTS, fault.fault);
    this.#options.log?.(fault.fault, fault.message);
  }

  #status(state: FeedState, fault: FeedFault): void {
    this.#options.sink.status(ALL_INSTRUMENTS, state, fault);
  }

  #now(): number {
    return this.#clock.nowUs();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#waitEnd = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
