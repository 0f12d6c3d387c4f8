import { Worker } from 'node:worker_threads';
import type { Limits } from '../limits.ts';
import { DutyLimit } from './duty-limit.ts';
import type { SnapshotTaken, SnapshotThreadData } from './snapshot-worker.ts';

interface SnapshotUnderWay {
  readonly taken: Promise<SnapshotTaken>;
  /** Word of its {@link DutyLimit}. */
  readonly lift: SharedArrayBuffer;
}

export interface BackgroundSnapshotsOptions {
  readonly dir: string;
  readonly limits: Limits;
  /** See {@link EngineOptions.historyWatermark}. */
  readonly historyWatermark: (() => number) | undefined;
  /** Each snapshot is verified, see {@link SnapshotThreadData.verify}. */
  readonly verify: boolean;
  /** Commands between two periodic snapshots; 0 = none. */
  readonly every: number;
  /** The last durable seq at or below this one. */
  readonly durableSeq: (seq: number) => number;
  /** A periodic snapshot was taken, or could not be. */
  readonly onSnapshot: (result: SnapshotTaken | Error) => void;
}

/** Snapshots while the exchange trades: each in a thread of its own that replays the log, one at a time. I/O thread. */
export class BackgroundSnapshots {
  readonly #options: BackgroundSnapshotsOptions;
  #lastSeq = 0;
  #underWay: SnapshotUnderWay | undefined;

  constructor(options: BackgroundSnapshotsOptions) {
    this.#options = options;
  }

  /** Starts at the snapshot of the recovery. */
  beginAt(seq: number): void {
    this.#lastSeq = seq;
  }

  /** Takes a snapshot if one is due. If the next one is due before it is complete, its duty limit is lifted. */
  poll(seq: number): void {
    const { every, onSnapshot } = this.#options;
    if (every === 0 || seq - this.#lastSeq < every) return;
    if (this.#underWay === undefined) this.#begin(seq).taken.then(onSnapshot, onSnapshot);
    else {
      this.#lastSeq = seq;
      this.hurry();
    }
  }

  /** A snapshot within the duty limit, or the one under way. */
  take(seq: number): Promise<SnapshotTaken> {
    return (this.#underWay ?? this.#begin(seq)).taken;
  }

  /** A snapshot as fast as possible, or the one under way. */
  now(seq: number): Promise<SnapshotTaken> {
    const taken = this.take(seq);
    this.hurry();
    return taken;
  }

  /** Lifts the duty limit of the snapshot under way. */
  hurry(): void {
    if (this.#underWay !== undefined) DutyLimit.lift(this.#underWay.lift);
  }

  /** The snapshot under way; undefined if there is none. */
  get underWay(): Promise<SnapshotTaken> | undefined {
    return this.#underWay?.taken;
  }

  #begin(seq: number): SnapshotUnderWay {
    const { dir, limits, verify, durableSeq, historyWatermark } = this.#options;
    const lift = DutyLimit.allocate();
    this.#lastSeq = seq;
    const taken = this.#take({ dir, limits, targetSeq: durableSeq(seq), verify, historySeq: historyWatermark?.(), lift }).finally(() => {
      this.#underWay = undefined;
    });
    this.#underWay = { taken, lift };
    return this.#underWay;
  }

  #take(data: SnapshotThreadData): Promise<SnapshotTaken> {
    const entry = new URL(import.meta.url.endsWith('.ts') ? './snapshot-worker.ts' : './snapshot-worker.js', import.meta.url);
    return new Promise((resolve, reject) => {
      const worker = new Worker(entry, { workerData: data, name: 'openbell-snapshot' });
      worker.once('message', (taken: SnapshotTaken) => resolve(taken));
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`The snapshot thread ended with exit code ${code}.`)));
    });
  }
}
