import { Temporal } from 'temporal-polyfill';

const US = 1000;

/**
 * A local time of a date as microseconds since the epoch.
 *
 * A time that does not exist, because clocks are put forward, is the moment of the change: 02:30 in a night that goes from
 * 02:00 to 03:00 is 03:00. A time that exists twice, because clocks are put back, is the first of the two. So local times in
 * order are moments in order, which "shifted by the gap" would not give.
 * @param second of the day by the clock on the wall, 0 to 86399
 * @param timeZone IANA name
 */
export function momentOf(date: Temporal.PlainDate, second: number, timeZone: string): number {
  const wall = date.toPlainDateTime({ hour: Math.trunc(second / 3600), minute: Math.trunc(second / 60) % 60, second: second % 60 });
  const zoned = wall.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  if (zoned.toPlainDateTime().equals(wall)) return zoned.epochMilliseconds * US;
  const change = zoned.getTimeZoneTransition('next');
  return (change ?? zoned).epochMilliseconds * US;
}

/** The date in the time zone at a moment. */
export function dateAt(us: number, timeZone: string): Temporal.PlainDate {
  return zonedAt(us, timeZone).toPlainDate();
}

/** `2026-03-30T09:00:00+02:00`. */
export function localText(us: number, timeZone: string): string {
  return zonedAt(us, timeZone).toString({ timeZoneName: 'never', fractionalSecondDigits: 0 });
}

function zonedAt(us: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(us / US)).toZonedDateTimeISO(timeZone);
}
