import { ALL_INSTRUMENTS, FEED_FAULTS, FeedFault, faultCode } from '../feed.ts';

/** Between two lines of the log about one fault of one source, ms. */
const NOTE_MS = 60_000;

/** Other lines say more about these. */
const LOGGED_BY_LINE: ReadonlySet<FeedFault> = new Set([
  FeedFault.Closed,
  FeedFault.ConnectFailed,
  FeedFault.HttpFailed,
  FeedFault.CircuitOpen,
  FeedFault.Delisted,
  FeedFault.Halted,
]);

/**
 * Lines of the log about the faults of a source: for each fault at most one in a minute, with how many there were and the
 * last instrument. {@link note} does not allocate, whatever a venue sends. One thread owns it.
 */
export class FaultNotes {
  readonly #nameOf: (instrument: number) => string;
  readonly #log: (fault: FeedFault, text: string) => void;
  /** By fault: how many were not logged yet, the instrument of the last one, and when the next line may come. */
  readonly #counts = new Float64Array(FEED_FAULTS);
  readonly #last = new Int32Array(FEED_FAULTS);
  readonly #dueMs = new Float64Array(FEED_FAULTS).fill(Number.NEGATIVE_INFINITY);

  /** @param nameOf the name of an instrument by its number in the sink */
  constructor(nameOf: (instrument: number) => string, log: (fault: FeedFault, text: string) => void) {
    this.#nameOf = nameOf;
    this.#log = log;
  }

  /** @param instrument its number, or `ALL_INSTRUMENTS` */
  note(instrument: number, fault: FeedFault): void {
    // The clock of this host: the line says more. The clock of a venue has an instrument.
    if (fault === FeedFault.ClockBack && instrument === ALL_INSTRUMENTS) return;
    this.#counts[fault]++;
    this.#last[fault] = instrument;
  }

  /** Logs what is due. Call it about once a second. @param nowMs steady clock */
  poll(nowMs: number): void {
    for (let at = 1; at < FEED_FAULTS; at++) {
      const fault = at as FeedFault;
      const count = this.#counts[fault];
      if (count === 0 || nowMs < this.#dueMs[fault]) continue;
      this.#counts[fault] = 0;
      if (LOGGED_BY_LINE.has(fault)) continue;
      this.#dueMs[fault] = nowMs + NOTE_MS;
      const last = this.#last[fault];
      const where = last === ALL_INSTRUMENTS ? '' : ` of ${this.#nameOf(last)}`;
      this.#log(
        fault,
        count === 1 ? `${faultCode(fault)}${where}` : `${faultCode(fault)}: ${count} times since the last line; the last one${where}`,
      );
    }
  }
}
