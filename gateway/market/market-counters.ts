import { PublishLatency } from './publish-latency.ts';

/** What market data counts, since the start unless it says `now`. */
export class MarketCounters {
  connectionsNow = 0;
  connections = 0;
  /** Turned away: too many connections. */
  connectionsRefused = 0;
  subscriptionsNow = 0;
  events = 0;
  flushes = 0;
  framesSent = 0;
  bytesSent = 0;
  /** Frames that a lagging reader was not sent. */
  framesDropped = 0;
  laggingNow = 0;
  lagged = 0;
  resyncs = 0;
  cutsSlow = 0;
  cutsFaulty = 0;
  /** Requests that were answered with a code. */
  refusals = 0;
  snapshots = 0;
  heartbeats = 0;
  /** Of the events that were sent. */
  readonly publishLatency = new PublishLatency();
}
