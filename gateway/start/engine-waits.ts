import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../engine/threads/engine.ts';

const POLL_MS = 1;

/** Resolves when all commands sent so far are durable. In mode fast, their answers come earlier. */
export function allDurable(engine: Engine): Promise<void> {
  const { seq } = engine.sequencer;
  return until(engine, () => engine.status().durableSeq >= seq);
}

/** Resolves when all reports of the recovery were passed on. */
export function allReported(engine: Engine): Promise<void> {
  return until(engine, () => engine.status().reportDepth <= 0);
}

/** Resolves when market data has taken all events so far. */
export function allPublished(engine: Engine): Promise<void> {
  return until(engine, () => engine.status().marketDepth <= 0);
}

/** Time of the last command, if all that it caused was published; else 0. */
export function publishedTimeUs(engine: Engine): number {
  const { sequencedSeq, appliedSeq, durableSeq, reportDepth, marketDepth } = engine.status();
  return appliedSeq === sequencedSeq && durableSeq === sequencedSeq && reportDepth + marketDepth <= 0 ? engine.sequencer.timeUs : 0;
}

/** A failed engine ends the wait, too. */
async function until(engine: Engine, done: () => boolean): Promise<void> {
  while (!done() && engine.status().journal.state !== 'failed') {
    engine.schedule();
    await sleep(POLL_MS);
  }
}
