/** Requests to the disturber's process, and its answers: plain JSON over the fork's channel. */
import type { FlowSymbol } from '../load/order-flow.ts';
import type { ProcessReply } from '../load/process-client.ts';

/** What other clients do while an account sends orders. */
export const DISTURBANCES = ['history', 'throttle', 'cascade'] as const;
export type DisturbanceName = (typeof DISTURBANCES)[number];

export interface OpenRequest {
  readonly op: 'open';
  readonly ports: { readonly grpc: number; readonly ws: number; readonly http: number };
  /** Account whose history is read; and others, at the throttle, with stops, and with what the stops trade with. */
  readonly accounts: { readonly read: number; readonly throttled: number; readonly stops: number; readonly bids: number };
  /** In which the stops are; no others trade there. */
  readonly symbol: FlowSymbol;
  readonly stops: number;
  /** Commands a second of the account at its throttle. */
  readonly rate: number;
}

/** Prepares what it needs, and is then ready. */
export interface PrepareRequest {
  readonly op: 'prepare';
  readonly what: readonly DisturbanceName[];
}

/** Begins, and is answered at once; ends with the next `end`. */
export interface BeginRequest {
  readonly op: 'begin';
  /** The cascade begins so much later. */
  readonly afterMs: number;
}

export interface EndRequest {
  readonly op: 'end';
}

export type DisturberRequest = OpenRequest | PrepareRequest | BeginRequest | EndRequest;

/** What happened between `begin` and `end`. */
export interface Disturbed {
  /** Answers of the history, and their bytes. */
  readonly queries: number;
  readonly bytes: number;
  /** Commands that the throttle rejected. */
  readonly throttled: number;
  /** Stops that triggered. */
  readonly triggered: number;
}

export interface DisturberAnswer {
  /** Of `end`. */
  readonly disturbed?: Disturbed;
}

export type DisturberReply = ProcessReply<DisturberAnswer>;
