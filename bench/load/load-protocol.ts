/** Requests to the load generator's process, and its answers: plain JSON over the fork's channel. */
import type { Latency } from '../suite/recorder.ts';
import type { WindowFault } from '../suite/result.ts';
import type { FlowSymbol, LoadSymbol } from './order-flow.ts';
import type { Caller, LoadTransportName } from './transport.ts';

export interface OpenRequest {
  readonly op: 'open';
  readonly transport: LoadTransportName;
  readonly port: number;
  /** One connection each; messages are distributed in turn. */
  readonly accounts: readonly number[];
  readonly symbols: readonly FlowSymbol[];
  /** The same for transports that write text. */
  readonly named?: readonly LoadSymbol[] | undefined;
  /** Orders that each account keeps in the books. */
  readonly resting: number;
  readonly caller?: Caller | undefined;
}

/** Open loop: commands leave by schedule, independent of the answers. */
export interface RunRequest {
  readonly op: 'run';
  /** Commands a second. */
  readonly rate: number;
  /** Commands of one message. */
  readonly batch: number;
  /** Load before the windows; not included in any figure. */
  readonly warmupMs: number;
  readonly windowMs: number;
  readonly windows: number;
  /** Latency over time: milliseconds between samples; 0 = none. */
  readonly sampleMs: number;
  /** A reject fails its window and a lost session the rest of them, not the run; the rate counts as not sustained. */
  readonly mayReject?: boolean;
}

/** Closed loop: one command at a time, the next after the answer. */
export interface PingPongRequest {
  readonly op: 'ping-pong';
  readonly warmup: number;
  readonly orders: number;
  readonly windows: number;
}

/** Closed loop: this many single commands in flight at all times. Its figure is `achieved`. */
export interface SaturateRequest {
  readonly op: 'saturate';
  readonly underWay: number;
  readonly warmupMs: number;
  readonly windowMs: number;
}

/** No load: the generator turns without sending, so that its core is as busy as under load. */
export interface SpinRequest {
  readonly op: 'spin';
  readonly ms: number;
}

export interface CloseRequest {
  readonly op: 'close';
}

export type LoadRequest = OpenRequest | RunRequest | PingPongRequest | SaturateRequest | SpinRequest | CloseRequest;

/** Seconds from the start of the windows, and the latency of the answers received during the sample, ms. */
export interface LatencySample {
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadResult {
  /** From the planned time to the arrival of the first report, by window of the planned time. */
  readonly windows: readonly Latency[];
  /** By window: why it is not used as it is, if so. */
  readonly faults: readonly WindowFault[];
  readonly samples: readonly LatencySample[];
  /** Delay of the generator itself: from the planned time to the send call. */
  readonly sendDelay: Latency;
  /** Commands, warm-up included. */
  readonly orders: number;
  readonly fills: number;
  readonly rejected: number;
  /** Answers a second: in the second half of the windows, 0 if sending was stopped; of a closed loop in its window. */
  readonly achieved: number;
  /**
   * Answered as fast as offered: no rejects, sending not stopped because of too many commands in flight, and the number
   * in flight did not grow over the second half of the windows by more than 1 % of its commands and 5 ms.
   */
  readonly kept: boolean;
  /** Sending was stopped because too many commands were in flight: that window and the later ones failed. */
  readonly overloaded: boolean;
}

/** `violation`: the error is a `Violation`. */
export type LoadReply = { readonly result: LoadResult | undefined } | { readonly error: string; readonly violation: boolean };
