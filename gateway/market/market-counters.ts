import { PublishLatency } from './publish-latency.ts';

/** Counters of market data since the start; gauges have `Now` in their names. */
export class MarketCounters {
  connectionsNow = 0;
  connections = 0;
  /** Connections rejected because there were too many. */
  connectionsRejected = 0;
  /** Readers without credentials, those cut for others, and ms of sending to all of them. */
  publicNow = 0;
  publicCut = 0;
  publicMs = 0;
  subscriptionsNow = 0;
  events = 0;
  flushes = 0;
  framesSent = 0;
  bytesSent = 0;
  /** Frames dropped because the reader lagged. */
  framesDropped = 0;
  laggingNow = 0;
  lagged = 0;
  resyncs = 0;
  cutsSlow = 0;
  cutsFaulty = 0;
  /** Requests that were rejected with a code. */
  rejects = 0;
  snapshots = 0;
  /** Snapshots in steps that were begun anew, because the book changed too much meanwhile. */
  snapshotsSpoiled = 0;
  heartbeats = 0;
  /** Publish latency of the events sent. */
  readonly publishLatency = new PublishLatency();
}
