import type { Placement } from '../suite/cores.ts';
import { describePlacement } from './placement.ts';
import { ACCOUNTS } from './venue.ts';

/** How the load generator measures every figure: sentences for the report. */
export const loadMethod = (placement: Placement): readonly string[] => [
  'The exchange is the built `openbell start` with the demo venue, in a process of its own; the load generator is another process on the same machine and talks to it over loopback.',
  describePlacement(placement),
  'Open loop: each message has a planned time, at equal distances by the rate, independent of the earlier messages. Latency counts from the planned time to the arrival of the first report of the order, so that a stall on either side is included in every order that it delayed (no coordinated omission). The commands of a batch share one planned time. HdrHistogram, three significant digits.',
  'The generator never sleeps: its loop turns with setImmediate, because a timer oversleeps by up to a millisecond. This occupies one core of the machine at all times. It runs with --single-threaded-gc. Its own lateness is noted with each figure; a window in which it is more than half of the latency, at p50 or at p99, is vetoed: it is shown, and counts neither as the best nor in the median nor in a comparison.',
  `${ACCOUNTS.length} accounts, one connection each, take turns message by message. The messages that are due in one turn of the loop leave in one write per connection; each is a separate gRPC (or WebSocket) message with its own CommandFrame. gRPC runs directly over node:http2.`,
  'Commands: 46 % new orders, 44 % cancels of an own resting order picked at random, 10 % immediate-or-cancel orders, each of which is filled. 1,000 orders of each account rest in three books throughout.',
  'After each run every command has been answered exactly once, and the report numbers of each account have no gap. A reject fails its window, and a load that breaks off fails the rest of its windows, with the reason; in a ramp it ends the ramp. At the end `openbell verify` replays the whole log.',
];
