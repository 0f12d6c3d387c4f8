/** The venues of test/feed-chaos.ts, in a process of their own, on loopback only: recorded sessions over real sockets. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readCaptureByTime } from '../../feeds/files/captures.ts';
import { type PlayScript, type PlayStep, playScript } from '../../feeds/lines/play-script.ts';
import { PlayServer } from '../../feeds/lines/play-server.ts';
import { Prng } from '../../feeds/simulator/prng.ts';
import { disturbed, newChaosCounts } from './chaos-steps.ts';
import { runDisturber } from './soak-child.ts';

export interface FeedChaosStart {
  readonly venues: readonly { readonly capture: string; readonly port: number }[];
}

/** Times the recorded speed, with faults. Without, the sessions are played as they were. */
const SPEED = 20;
const HUGE_FRAME = Buffer.alloc(10 << 20, '[');
/** Frames that no venue should send. */
const BAD_FRAMES: readonly (() => Buffer)[] = [
  () => HUGE_FRAME,
  () => Buffer.from('{"unknown":{"type":[1,2,3]}}'),
  () => Buffer.from('null'),
  () => Buffer.from(randomBytes(200).toString('latin1')),
  () => Buffer.from(`{"data":${'['.repeat(5000)}`),
];
/** A venue that is down comes back after this, ms. */
const DOWN_MS = 500;
const OUTAGE_EVERY_MS = 2_000;

const counts = newChaosCounts();
const rounds: Record<string, number> = { bad: 0, mute: 0, outages: 0 };
const random = new Prng(1);
const venues: Venue[] = [];
let faulty = false;

class Venue {
  readonly #script: PlayScript;
  readonly #port: number;
  #server: PlayServer | undefined;
  /** One change at a time. */
  #turn: Promise<void> = Promise.resolve();

  constructor(script: PlayScript, port: number) {
    this.#script = script;
    this.#port = port;
  }

  /** Closes all connections, and begins again on the same port. */
  restart(downMs: number): void {
    this.#turn = this.#turn.then(async () => {
      await this.#server?.close();
      await sleep(downMs);
      const disturb = (_connection: number, steps: readonly PlayStep[]) => withFaults(steps);
      const options = { port: this.#port, loop: true, speed: faulty ? SPEED : 1, ...(faulty && { disturb }) };
      // While the port was free, an outgoing connection may have taken it.
      for (this.#server = undefined; this.#server === undefined; ) {
        this.#server = await PlayServer.start(this.#script, options).catch(() => undefined);
        if (this.#server === undefined) await sleep(100);
      }
    });
  }
}

function withFaults(steps: readonly PlayStep[]): PlayStep[] {
  const all = disturbed(steps, random.below(2 ** 31), counts);
  Object.assign(rounds, counts);
  const at = random.below(all.length);
  const { atUs } = all[at];
  if (random.below(4) === 0) {
    rounds.mute++;
    all.splice(at, all.length, { kind: 'mute', atUs });
  } else {
    rounds.bad++;
    all.splice(at, 0, { kind: 'frame', atUs, text: BAD_FRAMES[random.below(BAD_FRAMES.length)]() });
  }
  return all;
}

async function begin(start: FeedChaosStart): Promise<void> {
  for (const { capture, port } of start.venues) {
    const venue = new Venue(playScript(await readCaptureByTime(capture)), port);
    venues.push(venue);
    venue.restart(0);
  }
  setInterval(() => {
    if (!faulty) return;
    rounds.outages++;
    venues[random.below(venues.length)].restart(DOWN_MS);
  }, OUTAGE_EVERY_MS);
}

if (process.send !== undefined)
  runDisturber<FeedChaosStart>({
    begin: (start) => void begin(start),
    disturb: (on) => {
      faulty = on;
      for (const venue of venues) venue.restart(0);
    },
    rounds,
  });
