import type { Temporal } from 'temporal-polyfill';
import { fail } from '../../engine/assert.ts';
import { Phase, SubPhase } from '../../engine/wire/layout.ts';
import { type CalendarConfig, type CalendarPhase, isCallAuction } from '../config/config-calendar.ts';
import { dateAt, momentOf } from './local-time.ts';

/** A change of phase. Times in microseconds since the epoch. */
export interface Boundary {
  readonly atUs: number;
  readonly name: CalendarPhase;
  readonly phase: Phase;
  readonly subPhase: SubPhase;
  /** The auction before it ends at a random time up to as many microseconds after `atUs`; 0 = on time, or no auction ends. */
  readonly randomUs: number;
  /** End of the session to which the phase belongs; 0 = closed. A closing auction ends before it, whatever its random end. */
  readonly sessionEndUs: number;
}

const SECOND_US = 1e6;
/** A closing auction may end later than its latest drawn end by that much, because its uncross is a command that waits its turn, without losing the orders of the day. */
const UNCROSS_US = 5 * SECOND_US;
/** Days to look back for the boundary in force, first and at most: a schedule repeats every week, holidays may follow each other. */
const FIRST_DAYS_BACK = 8;
const MOST_DAYS_BACK = 1024;
/** Days to look ahead for the next change. */
const MOST_DAYS_AHEAD = 1024;

const PHASES: Readonly<Record<CalendarPhase, readonly [Phase, SubPhase]>> = {
  'pre-open': [Phase.Auction, SubPhase.PreOpen],
  'opening-auction': [Phase.Auction, SubPhase.OpeningAuction],
  continuous: [Phase.Continuous, SubPhase.None],
  auction: [Phase.Auction, SubPhase.None],
  'closing-auction': [Phase.Auction, SubPhase.ClosingAuction],
  closed: [Phase.Closed, SubPhase.None],
};

interface Change {
  readonly atUs: number;
  readonly name: CalendarPhase;
}

/** When a symbol changes its phase: the sequence of boundaries of a schedule. Pure: it depends on nothing but the configuration and the time zones. */
export class Calendar {
  readonly config: CalendarConfig;

  constructor(config: CalendarConfig) {
    this.config = config;
  }

  /** The boundary in force at a time, and all that follow. It ends where nothing changes in almost three years. */
  *boundaries(fromUs: number): Generator<Boundary> {
    /** Of the session that is not closed yet. */
    let session: Omit<Boundary, 'sessionEndUs'>[] = [];
    const changes = this.#changes(fromUs);
    // The change before the one in force says which phase that one ends.
    let before = (changes.next().value ?? fail('calendar: no phase is in force')) as Change;
    let change = changes.next().value as Change | undefined;
    while (change !== undefined) {
      const next = changes.next().value as Change | undefined;
      const { atUs, name } = change;
      const nextUs = next?.atUs ?? Number.POSITIVE_INFINITY;
      const endsAuction = isCallAuction(before.name);
      const randomUs = endsAuction ? Math.min(this.config.randomEnd * SECOND_US, nextUs - atUs) : 0;
      const [phase, subPhase] = PHASES[name];
      session.push({ atUs, name, phase, subPhase, randomUs });
      if (name === 'closed' || next === undefined) {
        const endUs = name !== 'closed' ? 0 : endsAuction ? Math.min(atUs + randomUs + UNCROSS_US, nextUs) : atUs;
        for (const boundary of session) yield { ...boundary, sessionEndUs: boundary.name === 'closed' ? 0 : endUs };
        session = [];
      }
      [before, change] = [change, next];
    }
  }

  /** Changes of the phase in order: the one before the one in force, that one, and all that follow. */
  *#changes(fromUs: number): Generator<Change> {
    let date = dateAt(fromUs, this.config.timeZone);
    let changes: Change[] = [];
    let inForce = -1;
    for (let days = FIRST_DAYS_BACK; inForce < 1 && days <= MOST_DAYS_BACK; days *= 2) {
      changes = [];
      for (let back = days; back >= 0; back--) this.#add(changes, date.subtract({ days: back }));
      inForce = changes.findLastIndex(({ atUs }) => atUs <= fromUs);
    }
    if (inForce === 0) yield changes[0];
    changes = changes.slice(Math.max(0, inForce - 1));
    for (let quiet = 0; quiet < MOST_DAYS_AHEAD; quiet++) {
      const { length } = changes;
      date = date.add({ days: 1 });
      this.#add(changes, date);
      if (changes.length > length) quiet = 0;
      // A later date may still replace the last one, which is compared with the one before it.
      yield* changes.splice(0, changes.length - 2);
    }
    yield* changes;
  }

  /** Appends the changes of a date. A phase that lasts no time is left out, and so is a start of the phase that is in force. */
  #add(changes: Change[], date: Temporal.PlainDate): void {
    const { dates, week, timeZone } = this.config;
    for (const { second, phase: name } of dates[date.toString()] ?? week[date.dayOfWeek - 1]) {
      const atUs = momentOf(date, second, timeZone);
      if (changes.at(-1)?.atUs === atUs) changes.pop();
      if (changes.at(-1)?.name !== name) changes.push({ atUs, name });
    }
  }
}

/** The boundaries of a calendar from a time on, computed once for all symbols that have it. */
export class BoundaryList {
  readonly calendar: Calendar;
  readonly #known: Boundary[] = [];
  readonly #more: Iterator<Boundary>;

  constructor(calendar: Calendar, fromUs: number) {
    this.calendar = calendar;
    this.#more = calendar.boundaries(fromUs);
  }

  /** The boundary that was in force at the start is 0. Undefined after the last one. */
  at(index: number): Boundary | undefined {
    while (this.#known.length <= index) {
      const { done, value } = this.#more.next();
      if (done) return undefined;
      this.#known.push(value);
    }
    return this.#known[index];
  }
}
