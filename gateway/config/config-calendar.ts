import { URL_NAME } from './config-asset.ts';
import type { Place } from './config-place.ts';

/** What a calendar calls the phases. `auction` is one between two stretches of continuous trading. */
export const CALENDAR_PHASES = ['pre-open', 'opening-auction', 'continuous', 'auction', 'closing-auction', 'closed'] as const;
export type CalendarPhase = (typeof CALENDAR_PHASES)[number];

/** A phase and its start. It lasts until the next one, also over midnight. */
export interface PhaseStart {
  /** Seconds of local time, `09:00` is 32400. */
  readonly second: number;
  readonly phase: CalendarPhase;
}

export interface CalendarConfig {
  readonly name: string;
  /** IANA name. */
  readonly timeZone: string;
  /** An auction ends at a random time in as many seconds after its end in the schedule; 0 = on time. */
  readonly randomEnd: number;
  /** Seven days from Monday, each with its phases by time. */
  readonly week: readonly (readonly PhaseStart[])[];
  /** Dates (`2026-12-25`) with a schedule of their own, holidays included. */
  readonly dates: Readonly<Record<string, readonly PhaseStart[]>>;
}

/** Undefined: it has a problem, which was noted. */
export type Calendars = ReadonlyMap<string, CalendarConfig | undefined>;

export const CALENDAR_KEYS = ['time-zone', 'week', 'random-end', 'holidays', 'special-days'] as const;
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const DAY_SECONDS = 86_400;
const WEEK_SECONDS = 7 * DAY_SECONDS;
const MAX_RANDOM_END = 3600;
/** A holiday: closed from its first moment on. */
const HOLIDAY: readonly PhaseStart[] = [{ second: 0, phase: 'closed' }];

/** True for a phase that ends with an uncross. */
export function isCallAuction(phase: CalendarPhase): boolean {
  return phase.endsWith('auction');
}

/** The calendars of a file by name. */
export function readCalendars(place: Place | undefined): Calendars {
  const calendars = new Map<string, CalendarConfig | undefined>();
  for (const [name, calendar] of place?.entries('calendars') ?? []) {
    if (!URL_NAME.test(name)) calendar.failKey('the name must be 1 to 16 letters, digits, dots, colons, dashes and underscores');
    calendars.set(name, readCalendar(calendar, name));
  }
  return calendars;
}

/** The calendar that a symbol names. */
export function readCalendarName(field: Place | undefined, calendars: Calendars): string | undefined {
  const name = field?.text();
  if (field === undefined || name === undefined || calendars.has(name)) return name;
  const known = [...calendars.keys()].slice(0, 10).join(', ');
  return field.fail(`no calendar is named ${name}; define it under calendars${known === '' ? '' : ` or use one of ${known}`}`);
}

function readCalendar(place: Place, name: string): CalendarConfig | undefined {
  const fields = place.fields(CALENDAR_KEYS);
  if (fields === undefined) return undefined;
  const timeZone = readTimeZone(place, fields['time-zone']);
  const randomEnd = fields['random-end']?.whole(0, MAX_RANDOM_END) ?? 0;
  if (fields.week === undefined)
    return place.missing('week', 'give the phases of the weekdays, such as mon-fri: { 09:00: continuous, 17:30: closed }');
  const week = readWeek(fields.week);
  const dates: Record<string, readonly PhaseStart[]> = {};
  for (const [date, day] of fields['special-days']?.entries('dates') ?? []) {
    if (!isDate(date)) day.failKey('must be a date such as 2026-12-24');
    else dates[date] = checkDay(day, readDay(day) ?? HOLIDAY, randomEnd);
  }
  for (const day of fields.holidays?.items() ?? []) {
    const date = day.text();
    if (date === undefined) continue;
    if (!isDate(date)) day.fail(`must be a date such as 2026-12-25, not ${date}`);
    else if (Object.hasOwn(dates, date)) day.fail(`${date} is given twice; give it once, under holidays or special-days`);
    else dates[date] = HOLIDAY;
  }
  if (week === undefined || timeZone === undefined) return undefined;
  checkWeek(fields.week, week, randomEnd);
  return { name, timeZone, randomEnd, week, dates };
}

function readTimeZone(place: Place, field: Place | undefined): string | undefined {
  if (field === undefined) return place.missing('time-zone', 'give an IANA name such as Europe/Berlin');
  const zone = field.text();
  if (zone === undefined) return undefined;
  // Intl takes fixed offsets too, such as +01:00, which have no daylight-saving time.
  if (/^[A-Za-z]/.test(zone)) {
    try {
      new Intl.DateTimeFormat('en', { timeZone: zone });
      return zone;
    } catch {
      // Reported below.
    }
  }
  return field.fail(`must be an IANA name such as Europe/Berlin, America/New_York or UTC, not ${zone}`);
}

/** Undefined after any problem: what is missing would only cause further ones. */
function readWeek(place: Place): PhaseStart[][] | undefined {
  const week: PhaseStart[][] = DAYS.map(() => []);
  const given = new Set<number>();
  const entries = place.entries('weekdays') ?? [];
  let valid = entries.length > 0;
  if (!valid) place.fail('has no days; give at least one, such as mon-fri');
  for (const [key, day] of entries) {
    const days = weekdays(key);
    const twice = days?.find((index) => given.has(index));
    if (days === undefined) day.failKey('must be a weekday (mon, tue, wed, thu, fri, sat, sun) or a range such as mon-fri');
    else if (twice !== undefined) day.failKey(`gives ${DAYS[twice]} a second time; give each day once`);
    const starts = readDay(day);
    valid &&= days !== undefined && twice === undefined && starts !== undefined;
    for (const index of days ?? []) {
      given.add(index);
      week[index] = starts ?? [];
    }
  }
  return valid ? week : undefined;
}

/** `fri` or `mon-fri` or `sun-thu` as indices from Monday. */
function weekdays(text: string): number[] | undefined {
  const [first, last = first, ...rest] = text.split('-').map((name) => DAYS.indexOf(name));
  if (first === -1 || last === -1 || rest.length > 0) return undefined;
  return Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, i) => (first + i) % 7);
}

function readDay(place: Place): PhaseStart[] | undefined {
  const starts: PhaseStart[] = [];
  const entries = place.entries('times');
  for (const [time, field] of entries ?? []) {
    const second = secondOf(time);
    const phase = field.oneOf(CALENDAR_PHASES);
    const last = starts.at(-1)?.second ?? -1;
    if (second === undefined) field.failKey('must be a local time such as 09:00 or 09:00:30, from 00:00 to 23:59:59');
    else if (second <= last) field.failKey('is not after the time before it; give the times of a day in order');
    else if (phase !== undefined) starts.push({ second, phase });
  }
  return starts.length === entries?.length ? starts : undefined;
}

function secondOf(time: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(time);
  return match === null ? undefined : Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3] ?? 0);
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** A day that is given must say something: a day without trading is a holiday. */
function checkDay(place: Place, starts: readonly PhaseStart[], randomEnd: number): readonly PhaseStart[] {
  if (starts.length === 0) place.fail('has no phases; give some, or list the date under holidays');
  for (let i = 1; i < starts.length; i++)
    checkPair(place, starts[i - 1], starts[i], (starts[i + 1]?.second ?? DAY_SECONDS) - starts[i].second, randomEnd);
  return starts;
}

/** The week repeats, so its last phase is followed by its first one. */
function checkWeek(place: Place, week: readonly (readonly PhaseStart[])[], randomEnd: number): void {
  const starts = week.flatMap((day, index) => day.map(({ second, phase }) => ({ second: index * DAY_SECONDS + second, phase })));
  if (!starts.some(({ phase }) => phase === 'closed')) {
    place.fail('never closes; give a time with phase closed, which ends the session');
    return;
  }
  if (starts.every(({ phase }) => phase === 'closed')) {
    place.fail('never opens; give a time with another phase than closed');
    return;
  }
  for (const [i, start] of starts.entries()) {
    const before = starts.at(i - 1) as PhaseStart;
    const next = starts[(i + 1) % starts.length];
    const lasts = (next.second - start.second + WEEK_SECONDS) % WEEK_SECONDS;
    if (!checkPair(place, before, start, lasts, randomEnd)) return;
  }
}

function checkPair(place: Place, before: PhaseStart, start: PhaseStart, lasts: number, randomEnd: number): boolean {
  if (before.phase === 'pre-open' && start.phase === 'continuous') {
    place.fail('goes from pre-open to continuous; orders that cross need an auction in between, such as opening-auction');
    return false;
  }
  if (isCallAuction(before.phase) && isCallAuction(start.phase) && before.phase !== start.phase) {
    place.fail(
      `goes from ${before.phase} to ${start.phase}, and the first would not end with trades; give pre-open or continuous in between`,
    );
    return false;
  }
  if (isCallAuction(before.phase) && before.phase !== start.phase && lasts <= randomEnd) {
    place.fail(
      `has a phase ${start.phase} of ${lasts} s after an auction that may end random-end (${randomEnd} s) late; lower random-end or give that phase more time`,
    );
    return false;
  }
  return true;
}
