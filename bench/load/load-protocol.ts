/** What scopes ask of the load generator's process, and what it answers: plain JSON over the fork's channel. */
import type { Latency } from '../suite/recorder.ts';
import type { FlowSymbol } from './order-flow.ts';
import type { Caller, TransportName } from './transport.ts';

export interface OpenRequest {
  readonly op: 'open';
  readonly transport: TransportName;
  readonly port: number;
  /** One connection each; messages go to them in turn. */
  readonly accounts: readonly number[];
  readonly symbols: readonly FlowSymbol[];
  /** Orders that each account keeps in the books. */
  readonly resting: number;
  readonly caller?: Caller | undefined;
}

/** Open loop: commands leave by schedule, whatever is answered. */
export interface RunRequest {
  readonly op: 'run';
  /** Commands a second. */
  readonly rate: number;
  /** Commands of one message. */
  readonly batch: number;
  /** Load before the windows: not in any figure. */
  readonly warmupMs: number;
  readonly windowMs: number;
  readonly windows: number;
  /** Latency over time: one sample each so many milliseconds; 0 = none. */
  readonly sampleMs: number;
  /** A refusal is an overload, not an error: the rate counts as not kept. */
  readonly mayRefuse?: boolean;
}

/** Closed loop: one command at a time, the next when the answer is there. */
export interface PingPongRequest {
  readonly op: 'ping-pong';
  readonly warmup: number;
  readonly orders: number;
  readonly windows: number;
}

/** Closed loop: so many single commands under way all the time. Its figure is `achieved`. */
export interface SaturateRequest {
  readonly op: 'saturate';
  readonly underWay: number;
  readonly warmupMs: number;
  readonly windowMs: number;
}

export interface CloseRequest {
  readonly op: 'close';
}

export type LoadRequest = OpenRequest | RunRequest | PingPongRequest | SaturateRequest | CloseRequest;

/** Seconds from the start of the windows, and the latency of the answers that came in the sample's time, ms. */
export interface LatencySample {
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadResult {
  /** From the planned time to the arrival of the first report, by window of the planned time. */
  readonly windows: readonly Latency[];
  readonly samples: readonly LatencySample[];
  /** How late the generator itself was: from the planned time to handing the message over. */
  readonly sendDelay: Latency;
  /** Commands, warm-up included. */
  readonly orders: number;
  readonly fills: number;
  readonly refused: number;
  /** Answers a second: in the second half of the windows, 0 when sending was given up; of a closed loop in its window. */
  readonly achieved: number;
  /**
   * Answered as fast as offered: none refused, sending not given up because too much was under way, and what was
   * under way did not grow over the second half of the windows, by more than 1 % of its commands and 5 ms.
   */
  readonly kept: boolean;
  /** Sending was given up because too much was under way: later windows are empty. */
  readonly overloaded: boolean;
}

export type LoadReply = { readonly result: LoadResult | undefined } | { readonly error: string };
