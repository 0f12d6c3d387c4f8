import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadResult } from '../load/load-protocol.ts';
import { openFiles, type ResidentMemory, residentMemory } from '../load/process-usage.ts';
import { readValue } from '../load/prometheus.ts';
import type { Venue } from '../load/venue.ts';
import type { WindowFault } from '../suite/result.ts';

const SAMPLE_MS = 10_000;
const LEAST_SAMPLES = 60;
/** For a slope, and for thirds. */
const FEWEST_SAMPLES = 6;

export interface SoakPlan {
  readonly rate: number;
  readonly batch: number;
  readonly minutes: number;
}

/** The exchange at one moment of the load, and the load's figures since the previous sample. */
export interface SoakSample extends ResidentMemory {
  /** Since the start of the load. */
  readonly seconds: number;
  readonly heapMb: number;
  readonly files: number;
  /** ms. */
  readonly p50: number;
  readonly p99: number;
}

/** What the load found: after a reject, or if it broke off, up to there and with the reason. */
export interface Soaked {
  readonly samples: readonly SoakSample[];
  readonly fault: WindowFault;
}

/** @throws Error when a command was lost or answered twice, or there are too few samples to say anything */
export async function soak({ exchange, load }: Venue, { rate, batch, minutes }: SoakPlan): Promise<Soaked> {
  const totalMs = minutes * 60_000;
  const sampleMs = Math.min(SAMPLE_MS, totalMs / LEAST_SAMPLES);
  const startMs = performance.now();
  const running = load.run({ rate, batch, warmupMs: 0, windowMs: totalMs, windows: 1, sampleMs, mayReject: true });
  // It may end before the last sample is due. The await of `running` below reports why.
  const ended = running.then(
    () => true,
    () => true,
  );
  const seen: Omit<SoakSample, 'p50' | 'p99'>[] = [];
  for (let at = sampleMs; at < totalMs; at += sampleMs) {
    if (await Promise.race([ended, sleep(Math.max(0, startMs + at - performance.now()), false)])) break;
    try {
      const heap = readValue(await exchange.get('/metrics'), 'nodejs_heap_size_used_bytes') / 1e6;
      seen.push({ seconds: at / 1000, ...residentMemory(exchange.pid), heapMb: heap, files: openFiles(exchange.pid) });
    } catch {
      // The exchange has ended: the load says so, and what was seen stays.
      break;
    }
  }
  return soaked(seen, await running);
}

/** What was seen of the exchange, with the load's figures of the same samples. @throws Error if there are too few to say anything */
export function soaked(
  seen: readonly Omit<SoakSample, 'p50' | 'p99'>[],
  { samples: loads, faults: [fault] }: Pick<LoadResult, 'samples' | 'faults'>,
): Soaked {
  const samples = seen.slice(0, loads.length).map((sample, i) => ({ ...sample, p50: loads[i].p50, p99: loads[i].p99 }));
  if (samples.length < FEWEST_SAMPLES) throw new Error(fault.failed ?? `soak: there are only ${samples.length} samples`);
  return { samples, fault };
}
