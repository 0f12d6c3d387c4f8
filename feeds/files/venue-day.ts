import { basename } from 'node:path';
import { Temporal } from 'temporal-polyfill';

/** Where the venues of these files are: their times count from midnight there. */
const ZONE = 'America/New_York';

/** How the names of files state the day: LOBSTER's, then NASDAQ's two. */
const DAYS: readonly RegExp[] = [
  /(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)/,
  /^(?<month>\d\d)(?<day>\d\d)(?<year>\d{4})\.NASDAQ/,
  /^S(?<month>\d\d)(?<day>\d\d)(?<year>\d\d)-v50/,
];

/** Midnight in New York of the day that the name of a file states, in microseconds since 1970; 0 where it states none. */
export function dayOfPath(path: string): number {
  const name = basename(path);
  for (const pattern of DAYS) {
    const { year, month, day } = pattern.exec(name)?.groups ?? {};
    if (year === undefined) continue;
    try {
      return dayStartUs(`${year.padStart(4, '20')}-${month}-${day}`);
    } catch {
      // Digits that are no date.
    }
  }
  return 0;
}

/** @param date `2019-12-30` @returns its midnight in New York in microseconds since 1970 @throws RangeError */
export function dayStartUs(date: string): number {
  return Temporal.PlainDate.from(date).toZonedDateTime(ZONE).epochMilliseconds * 1000;
}
