import type { FlatReader } from '../../engine/wire/flat.ts';
import { REPORT_WORDS } from '../../engine/wire/report-frames.ts';
import { ReportView } from '../../engine/wire/report-view.ts';

/** Older reports are not compared: the exchange may keep them for a shorter time than this client runs. */
const MAX_AGE_MS = 3_600_000;

/**
 * The last reports that a session took, without gaps. A reconnected session compares them with those that the exchange
 * sends for the same numbers. If they differ, the exchange has started from an older copy of its data.
 */
export class ReportMemory {
  readonly #capacity: number;
  readonly #words: Int32Array;
  readonly #takenMs: Float64Array;
  /** Number of the newest report; undefined: there is none. */
  #newest: number | undefined;
  #count = 0;
  /** The report in the memory, and the one compared with it. */
  readonly #mine = new ReportView();
  readonly #other = new ReportView();
  readonly #incoming = new Int32Array(REPORT_WORDS);

  /** @param capacity reports of 128 bytes */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#words = new Int32Array(capacity * REPORT_WORDS);
    this.#takenMs = new Float64Array(capacity);
  }

  /** Number of the newest report; undefined: there is none. */
  get newest(): number | undefined {
    return this.#newest;
  }

  /** Number of the oldest report that can be compared; undefined: there is none. */
  oldestFresh(): number | undefined {
    if (this.#newest === undefined) return undefined;
    const from = performance.now() - MAX_AGE_MS;
    let no = this.#newest - this.#count + 1;
    while (no <= this.#newest && this.#takenMs[no % this.#capacity] < from) no++;
    return no > this.#newest ? undefined : no;
  }

  /** Whether the newest report can be compared. */
  get fresh(): boolean {
    const no = this.#newest;
    return no !== undefined && this.#takenMs[no % this.#capacity] >= performance.now() - MAX_AGE_MS;
  }

  /** Takes report `no` at `at` of a frame; a number that does not follow the newest begins anew. */
  take(no: number, flat: FlatReader, at: number): void {
    const slot = no % this.#capacity;
    flat.copyWords(at, this.#words, slot * REPORT_WORDS, REPORT_WORDS);
    this.#takenMs[slot] = performance.now();
    this.#count = this.#newest === no - 1 ? Math.min(this.#count + 1, this.#capacity) : 1;
    this.#newest = no;
  }

  /** Whether the report at `at` of a frame is the remembered one of this number; true for a number that is not remembered. */
  agrees(no: number, flat: FlatReader, at: number): boolean {
    const newest = this.#newest;
    if (newest === undefined || no > newest || no <= newest - this.#count) return true;
    const mine = this.#mine.wrap(this.#words, (no % this.#capacity) * REPORT_WORDS);
    flat.copyWords(at, this.#incoming, 0, REPORT_WORDS);
    const other = this.#other.wrap(this.#incoming, 0);
    return mine.seq === other.seq && mine.timeUs === other.timeUs && mine.kind === other.kind && mine.orderId === other.orderId;
  }

  /** Removes the reports from `no` on, and returns what `view` makes of each, oldest first. */
  takeFrom<T>(no: number, view: (report: ReportView) => T): T[] {
    const newest = this.#newest;
    if (newest === undefined || no > newest) return [];
    const oldest = newest - this.#count + 1;
    const taken: T[] = [];
    for (let at = Math.max(no, oldest); at <= newest; at++)
      taken.push(view(this.#mine.wrap(this.#words, (at % this.#capacity) * REPORT_WORDS)));
    this.#count = Math.max(0, no - oldest);
    this.#newest = this.#count === 0 ? undefined : no - 1;
    return taken;
  }
}
