import type { FlatReader } from '../../engine/wire/flat.ts';
import { ReportMemory } from './report-memory.ts';

/** What a client does with a report: `new`, `known` already, or the numbers have a `gap`; `other`: the exchange has another report under the number. */
export type CopyStep = 'new' | 'known' | 'gap' | 'other';

/**
 * Where one account of a drop copy resumes. As for order sessions, a reconnected client requests its last report once more
 * and compares the two: an exchange that started from an older copy of its data counts on from there.
 */
export class CopiedAccount {
  readonly account: number;
  /** Number of the last report taken, or after which the copy began; undefined before the copy was first open. */
  last: number | undefined;
  readonly #memory = new ReportMemory(1);

  constructor(account: number, last: number | undefined) {
    this.account = account;
    this.last = last;
  }

  /** The number to request the reports after; undefined: only new ones. */
  get after(): number | undefined {
    const { last } = this;
    return last !== undefined && this.#memory.newest === last && this.#memory.fresh ? last - 1 : last;
  }

  /** Takes report `no` at `at` of a frame. */
  take(no: number, flat: FlatReader, at: number): CopyStep {
    const { last = no - 1 } = this;
    if (no <= last) return this.#memory.agrees(no, flat, at) ? 'known' : 'other';
    if (no !== last + 1) return 'gap';
    this.#memory.take(no, flat, at);
    this.last = no;
    return 'new';
  }
}
