import { FeedFault } from '../feed.ts';
import { PendingFrames } from './pending-frames.ts';
import { VenueLine } from './venue-line.ts';

const FIRST_RETRY_US = 500_000;
const LAST_RETRY_US = 32_000_000;
/** After the answers 429 and 418: the venue counts too many requests. */
const LIMITED_RETRY_US = 60_000_000;

/** What a book waits for. */
interface Waiting {
  /** It has no snapshot. Updates are kept in `pending`. */
  waiting: boolean;
  /** A fetch is on its way. */
  asked: boolean;
  dueUs: number;
  retryUs: number;
  readonly pending: PendingFrames;
}

/**
 * A venue that sends changes over the WebSocket and gives snapshots over HTTP. Changes wait until the snapshot has come;
 * which of them it includes is the adapter's to say. A snapshot that fails or is too old is fetched again, at intervals
 * that double.
 */
export abstract class SnapshotLine extends VenueLine {
  readonly #books: Waiting[] = [];

  override closed(nowUs: number): void {
    super.closed(nowUs);
    for (const book of this.#books) {
      Object.assign(book, { waiting: true, asked: false, dueUs: Number.POSITIVE_INFINITY, retryUs: FIRST_RETRY_US });
      book.pending.clear();
    }
  }

  protected override failed(url: string, status: number, nowUs: number): void {
    const number = this.instrumentOf(url);
    if (number === -1) return;
    this.#retry(number, nowUs);
    if (status === 429 || status === 418) this.#book(number).dueUs = nowUs + LIMITED_RETRY_US;
  }

  protected override answered(url: string, bytes: Uint8Array, nowUs: number): void {
    const number = this.open ? this.instrumentOf(url) : -1;
    if (number === -1) return;
    const book = this.#book(number);
    book.asked = false;
    if (!book.waiting) return;
    if (!this.snapshot(number, bytes, nowUs)) {
      this.#retry(number, nowUs);
      return;
    }
    book.waiting = false;
    book.retryUs = FIRST_RETRY_US;
    // A change may find that more is missing; then those behind it wait again.
    const early: Uint8Array[] = [];
    for (let i = 0; i < book.pending.count; i++) early.push(book.pending.frame(i));
    book.pending.clear();
    for (const frame of early) {
      this.sink.sequence(0);
      this.message(frame, nowUs);
    }
  }

  protected override poll(nowUs: number): void {
    for (const number of this.#books.keys()) this.#fetchDue(number, nowUs);
  }

  /** The address of the instrument's snapshot. */
  protected abstract snapshotUrl(name: string): string;

  /** The instrument whose snapshot this is the address of; -1 if it is another address. */
  protected abstract instrumentOf(url: string): number;

  /** Reads a snapshot into the book. @returns false if it cannot be used; it is fetched again */
  protected abstract snapshot(number: number, bytes: Uint8Array, nowUs: number): boolean;

  protected isWaiting(number: number): boolean {
    return this.#book(number).waiting;
  }

  /** The changes that wait for the instrument's snapshot. */
  protected pending(number: number): PendingFrames {
    return this.#book(number).pending;
  }

  /** A change waits. One that is larger than all the room for it is given up, with those before it. */
  protected wait(number: number, frame: Uint8Array): void {
    if (!this.#book(number).pending.push(frame)) this.instruments[number].fault(FeedFault.FrameTooLarge);
  }

  /** The instrument needs a snapshot: at first, or because changes are missing. Changes from now on wait. */
  protected need(number: number, nowUs: number): void {
    const book = this.#book(number);
    book.waiting = true;
    if (book.asked) return;
    book.dueUs = nowUs;
    this.#fetchDue(number, nowUs);
  }

  /** The book is not what the venue has. */
  protected lost(number: number, fault: FeedFault, nowUs: number): void {
    this.instruments[number].sync(fault);
    this.need(number, nowUs);
  }

  protected override again(number: number, nowUs: number): void {
    this.need(number, nowUs);
  }

  #retry(number: number, nowUs: number): void {
    const book = this.#book(number);
    book.asked = false;
    book.dueUs = nowUs + book.retryUs;
    book.retryUs = Math.min(LAST_RETRY_US, book.retryUs * 2);
  }

  #fetchDue(number: number, nowUs: number): void {
    const book = this.#book(number);
    if (!book.waiting || book.asked || book.dueUs > nowUs || this.instruments[number].delisted) return;
    book.asked = true;
    this.line.fetch(this.snapshotUrl(this.instruments[number].name));
  }

  #book(number: number): Waiting {
    while (this.#books.length <= number) {
      const dueUs = Number.POSITIVE_INFINITY;
      this.#books.push({ waiting: true, asked: false, dueUs, retryUs: FIRST_RETRY_US, pending: new PendingFrames() });
    }
    return this.#books[number];
  }
}
