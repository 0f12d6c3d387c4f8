import { FeedFault } from '../feed.ts';
import { InstrumentStatus, type InstrumentTerms, instrumentStatusName } from '../instrument-terms.ts';
import type { ListedRow } from './feed-messages.ts';

/** Instruments that lines of the log name after one list. */
const MOST_NAMED = 20;

/** Does not trade, or does again. */
const SAID: ReadonlySet<InstrumentStatus> = new Set([InstrumentStatus.Halted, InstrumentStatus.Delisted]);

/**
 * What the list of one source said since the last {@link take}, for the main thread and for the log: an instrument that is halted, delisted, or
 * trades again has a line. One thread owns it.
 */
export class ListedRows {
  readonly #statuses = new Map<number, InstrumentStatus>();
  readonly #log: (fault: FeedFault, text: string) => void;
  #rows: ListedRow[] = [];
  #unsaid = 0;
  #said = 0;

  constructor(log: (fault: FeedFault, text: string) => void) {
    this.#log = log;
  }

  get isEmpty(): boolean {
    return this.#rows.length === 0;
  }

  add(row: number, terms: InstrumentTerms): void {
    this.#rows.push({ row, terms });
    const before = this.#statuses.get(row) ?? InstrumentStatus.Unknown;
    this.#statuses.set(row, terms.status);
    if (terms.status === before || (!SAID.has(terms.status) && !SAID.has(before))) return;
    if (this.#said === MOST_NAMED) {
      this.#unsaid++;
      return;
    }
    this.#said++;
    const again = SAID.has(terms.status) ? '' : ' again';
    this.#log(faultOf(terms.status), `${terms.name} is ${instrumentStatusName(terms.status)}${again}, by the venue's list`);
  }

  take(): readonly ListedRow[] {
    if (this.#unsaid > 0)
      this.#log(FeedFault.None, `${this.#unsaid} more instruments have another status; GET /v1/feeds/instruments has all`);
    const rows = this.#rows;
    this.#rows = [];
    this.#unsaid = 0;
    this.#said = 0;
    return rows;
  }
}

function faultOf(status: InstrumentStatus): FeedFault {
  if (status === InstrumentStatus.Delisted) return FeedFault.Delisted;
  return status === InstrumentStatus.Halted ? FeedFault.Halted : FeedFault.None;
}
