import { setTimeout as sleep } from 'node:timers/promises';
import { openFiles, type ResidentMemory, residentMemory } from '../load/process-usage.ts';
import { readValue } from '../load/prometheus.ts';
import type { Venue } from '../load/venue.ts';

const SAMPLE_MS = 10_000;
const LEAST_SAMPLES = 60;

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

/** @throws Error when a command was rejected, lost, or answered twice */
export async function soak({ exchange, load }: Venue, { rate, batch, minutes }: SoakPlan): Promise<SoakSample[]> {
  const totalMs = minutes * 60_000;
  const sampleMs = Math.min(SAMPLE_MS, totalMs / LEAST_SAMPLES);
  const startMs = performance.now();
  const running = load.run({ rate, batch, warmupMs: 0, windowMs: totalMs, windows: 1, sampleMs });
  // The await of `running` below reports the failure; it may end before the last sample is due.
  const failed = running.then(
    () => false,
    () => true,
  );
  const seen: Omit<SoakSample, 'p50' | 'p99'>[] = [];
  for (let at = sampleMs; at < totalMs; at += sampleMs) {
    if (await Promise.race([failed, sleep(Math.max(0, startMs + at - performance.now()), false)])) break;
    const heap = readValue(await exchange.get('/metrics'), 'nodejs_heap_size_used_bytes') / 1e6;
    seen.push({ seconds: at / 1000, ...residentMemory(exchange.pid), heapMb: heap, files: openFiles(exchange.pid) });
  }
  const { samples } = await running;
  return seen.slice(0, samples.length).map((sample, i) => ({ ...sample, p50: samples[i].p50, p99: samples[i].p99 }));
}
