import type { ProcessReply } from '../load/process-client.ts';
/** Requests to the readers' process, and its answers: plain JSON over the fork's channel. */
import type { Latency } from '../suite/recorder.ts';
import type { WindowFault } from '../suite/result.ts';

/** Opens connections, each with one subscription, in addition to the open ones. */
export interface ConnectRequest {
  readonly op: 'connect';
  readonly port: number;
  readonly count: number;
  readonly channel: number;
  readonly symbol: number;
}

/** Opens readers that do not keep up: half of them never read, the others read for a moment every few seconds. */
export interface SlowRequest extends Omit<ConnectRequest, 'op'> {
  readonly op: 'slow';
}

/** One window: sends orders by schedule, and times their arrival at every reader that `connect` opened. */
export interface DeliverRequest {
  readonly op: 'deliver';
  readonly port: number;
  readonly account: number;
  readonly symbol: { readonly id: number; readonly referencePriceTicks: number };
  /** Commands a second, each of which changes the book. */
  readonly rate: number;
  /** Seq of the exchange's last command; there are no other senders. */
  readonly seq: number;
  readonly warmupMs: number;
  readonly windowMs: number;
}

export interface CloseRequest {
  readonly op: 'close';
}

export type ReadersRequest = ConnectRequest | SlowRequest | DeliverRequest | CloseRequest;

export interface Delivered {
  /** From an order's planned time to the arrival of its frame, over all readers. */
  readonly latency: Latency;
  readonly framesPerSecond: number;
  /** Why the window is not used as it is, if so. */
  readonly fault: WindowFault;
  /** Frames whose first number did not follow the last one, without a snapshot in between. */
  readonly gaps: number;
  /** How late the orders left. */
  readonly sendDelay: Latency;
}

export interface ReadersAnswer {
  /** Of `deliver`. */
  readonly delivered?: Delivered;
}

export type ReadersReply = ProcessReply<ReadersAnswer>;
