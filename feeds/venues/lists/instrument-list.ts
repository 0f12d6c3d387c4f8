import type { InstrumentTerms } from '../../instrument-terms.ts';
import type { JsonScanner } from '../../text/json-scanner.ts';
import type { ListPages } from './list-format.ts';

/** Between two readings of the list, and at first after a failure or while an instrument is halted; this doubles. */
export const LIST_EVERY_US = 900e6;
export const LIST_SOON_US = 60e6;
/** Of an interval, at most: so that the lines of a process do not send their requests at the same time. */
const JITTER = 0.25;
/** Most instruments of a list that are kept. */
const MAX_LISTED = 65_536;
/** Most pages of a list. */
const MAX_PAGES = 64;

export interface InstrumentListOptions {
  readonly pages: ListPages;
  /** The first pages, each of a part of the list; none: it is not read. */
  readonly urls: readonly string[];
  readonly scanner: JsonScanner;
  readonly fetch: (url: string) => void;
}

/** What an answer was. */
export const ListAnswer = {
  /** No page of the list. */
  Other: 0,
  /** A page; others are missing. */
  Page: 1,
  /** The last page: {@link InstrumentList.terms} has the whole list. */
  Whole: 2,
  /** A page that cannot be used. The list before it stays. */
  Failed: 3,
} as const;
export type ListAnswer = (typeof ListAnswer)[keyof typeof ListAnswer];

/**
 * When a venue's list of instruments is read, and what it says. All its pages together replace the last one; if one of them fails, the
 * last list stays, and the next attempt comes soon, then less often. It has no clock: the line gives it the time.
 */
export class InstrumentList {
  /** The last whole list, by the name of the instrument; empty before the first. */
  terms: ReadonlyMap<string, InstrumentTerms> = new Map();
  readonly #options: InstrumentListOptions;
  /** Pages that were requested. */
  readonly #asked = new Set<string>();
  /** What the pages so far have. */
  #found = new Map<string, InstrumentTerms>();
  #pages = 0;
  #dueUs = 0;
  #waitUs = LIST_SOON_US;

  constructor(options: InstrumentListOptions) {
    this.#options = options;
  }

  /** What the pages that have come so far say. */
  get found(): ReadonlyMap<string, InstrumentTerms> {
    return this.#found;
  }

  /** Fetches the list if it is time. For an open line. */
  poll(nowUs: number): void {
    const { urls, fetch } = this.#options;
    if (urls.length === 0 || this.#asked.size > 0 || nowUs < this.#dueUs) return;
    this.#found = new Map();
    this.#pages = urls.length;
    this.#dueUs = Number.POSITIVE_INFINITY;
    for (const url of urls) this.#asked.add(url);
    for (const url of urls) fetch(url);
  }

  answer(url: string, bytes: Uint8Array, nowUs: number): ListAnswer {
    if (!this.#asked.delete(url)) return ListAnswer.Other;
    const next = this.#read(url, bytes, this.#found);
    if (next === undefined) return this.#failed(nowUs);
    if (next !== '') {
      if (++this.#pages > MAX_PAGES) return this.#failed(nowUs);
      this.#asked.add(next);
      this.#options.fetch(next);
    }
    if (this.#asked.size > 0) return ListAnswer.Page;
    this.terms = this.#found;
    return ListAnswer.Whole;
  }

  /** The request failed. @returns whether it was one for the list */
  answerFailed(url: string, nowUs: number): boolean {
    if (!this.#asked.delete(url)) return false;
    this.#failed(nowUs);
    return true;
  }

  /** The line has ended, and with it its requests. */
  closed(nowUs: number): void {
    if (this.#asked.size > 0) this.#failed(nowUs);
  }

  /** Sets the time of the next reading, behind a whole list. @param soon an instrument is halted: it may trade again before long @param anew it was not halted before */
  next(nowUs: number, soon: boolean, anew: boolean): void {
    if (!soon) this.#waitUs = LIST_EVERY_US;
    else if (anew) this.#waitUs = LIST_SOON_US;
    this.#wait(nowUs);
    if (!soon) this.#waitUs = LIST_SOON_US;
  }

  /** Takes a page that was not requested, as those of a capture, whatever its parameters are. @returns what {@link ListPages.read} returns */
  read(url: string, bytes: Uint8Array): ReadonlyMap<string, InstrumentTerms> | undefined {
    const found = new Map(this.terms);
    if (this.#read(url, bytes, found) === undefined) return undefined;
    this.terms = found;
    return found;
  }

  #read(url: string, bytes: Uint8Array, into: Map<string, InstrumentTerms>): string | undefined {
    const { pages, scanner } = this.#options;
    return pages.read(scanner, url, bytes, (terms) => {
      if (into.size < MAX_LISTED) into.set(terms.name, terms);
    });
  }

  #failed(nowUs: number): ListAnswer {
    // Answers to the other requests are not read.
    this.#asked.clear();
    this.#wait(nowUs);
    return ListAnswer.Failed;
  }

  /** The next wait is twice as long, until it is the usual one. */
  #wait(nowUs: number): void {
    this.#dueUs = nowUs + jittered(this.#waitUs, nowUs);
    this.#waitUs = Math.min(this.#waitUs * 2, LIST_EVERY_US);
  }
}

/** An interval, up to a quarter longer: lines that were opened at different times have different ones. */
export function jittered(waitUs: number, nowUs: number): number {
  return waitUs * (1 + (JITTER * (nowUs % 997)) / 997);
}
