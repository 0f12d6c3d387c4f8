import type { CalendarConfig } from '../../gateway/config/config-calendar.ts';

const STEP_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

/**
 * A second implementation of the calendar, slow and simple: it looks at a clock on the wall every quarter of an hour, and a
 * phase starts when the clock first shows its time or a later one. It uses only Intl. Starts must be at quarters of an hour.
 * @returns time (ms since the epoch) and name of each change of phase in [fromMs, toMs)
 */
export function naiveChanges({ timeZone, week, dates }: CalendarConfig, fromMs: number, toMs: number): [number, string][] {
  const clock = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const changes: [number, string][] = [];
  // The latest the clock has shown, as if it were UTC: clocks that are put back show nothing new.
  let shown = Number.NEGATIVE_INFINITY;
  let phase = '';
  // Two weeks before, the phase may be unknown until the first start.
  for (let ms = fromMs - 14 * DAY_MS; ms < toMs; ms += STEP_MS) {
    const [date, time] = clock.format(ms).split(', ');
    const now = Date.parse(`${date}T${time}Z`);
    if (now <= shown) continue;
    let latest = '';
    for (let at = shown === Number.NEGATIVE_INFINITY ? now : shown + STEP_MS; at <= now; at += STEP_MS) {
      const day = new Date(at).toISOString().slice(0, 10);
      const weekday = (new Date(at).getUTCDay() + 6) % 7;
      const start = (dates[day] ?? week[weekday]).find(({ second }) => second * 1000 === at % DAY_MS);
      latest = start?.phase ?? latest;
    }
    shown = now;
    if (latest === '' || latest === phase) continue;
    phase = latest;
    if (ms >= fromMs) changes.push([ms, phase]);
  }
  return changes;
}
