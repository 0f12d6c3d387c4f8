import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { Phase } from '../engine/wire/layout.ts';
import { Calendar } from '../gateway/calendar/calendar.ts';
import { CalendarDriver } from '../gateway/calendar/calendar-driver.ts';
import { type Config, ConfigError, loadConfig } from '../gateway/config/config.ts';

const dir = mkdtempSync(join(tmpdir(), 'openbell-config-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const file = join(dir, 'venue.yaml');

function load(text: string): Config {
  writeFileSync(file, text);
  return loadConfig({ flags: { config: file }, env: {} });
}

function problems(text: string): string[] {
  try {
    load(text);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems.map((problem) => problem.replace(`${file}:`, ''));
  }
  return [];
}

const of = (lines: string): string => `calendars:\n  X:\n    time-zone: Europe/Berlin\n${lines}`;
const WEEK = '    week: { mon-fri: { 09:00: continuous, 17:00: closed } }\n';
const symbol = (lines: string): string => `assets:
  - { id: 1, name: USD, decimals: 2 }
  - { id: 2, name: BTC, decimals: 8 }
${of(WEEK)}symbols:
  - { id: 1, name: BTC-USD, base: BTC, quote: USD, tick: 0.01, lot: 1, ${lines} }
`;

const WRONG: [string, string, RegExp][] = [
  ['a name', `calendars:\n  a b:\n    time-zone: UTC\n${WEEK}`, /^2:3: calendars\.a b: the name must be 1 to 16 letters/],
  [
    'unknown key',
    of(`${WEEK}    zone: UTC`),
    /^5:5: calendars\.X\.zone: unknown key; use one of time-zone, week, random-end, holidays, special-days$/,
  ],
  ['no time zone', `calendars:\n  X:\n${WEEK}`, /^3:5: calendars\.X\.time-zone: is missing; give an IANA name such as Europe\/Berlin$/],
  [
    'no such zone',
    of(WEEK).replace('Europe/Berlin', 'Europe/Atlantis'),
    /^3:16: calendars\.X\.time-zone: must be an IANA name .*, not Europe\/Atlantis$/,
  ],
  ['an offset', of(WEEK).replace('Europe/Berlin', '+01:00'), /^3:16: calendars\.X\.time-zone: must be an IANA name .*, not \+01:00$/],
  ['no week', of(''), /^3:5: calendars\.X\.week: is missing; give the phases of the weekdays/],
  ['an empty week', of('    week: {}\n'), /^4:11: calendars\.X\.week: has no days; give at least one/],
  ['a day', of('    week: { monday: { 09:00: continuous } }'), /^4:13: calendars\.X\.week\.monday: must be a weekday \(mon, /],
  ['a range', of('    week: { mon-fri-sat: { 09:00: continuous } }'), /must be a weekday/],
  [
    'a day twice',
    of('    week: { mon-wed: { 09:00: continuous, 17:00: closed }, tue: { 09:00: closed } }'),
    /^4:60: calendars\.X\.week\.tue: gives tue a second time/,
  ],
  [
    'a time',
    of('    week: { mon: { 9: continuous, 17:00: closed } }'),
    /^4:20: calendars\.X\.week\.mon\.9: must be a local time such as 09:00 or 09:00:30/,
  ],
  ['midnight is 00:00', of('    week: { mon: { 09:00: continuous, 24:00: closed } }'), /week\.mon\.24:00: must be a local time/],
  [
    'times out of order',
    of('    week: { mon: { 17:00: closed, 09:00: continuous } }'),
    /^4:35: calendars\.X\.week\.mon\.09:00: is not after the time before it/,
  ],
  [
    'a phase',
    of('    week: { mon: { 09:00: halted, 17:00: closed } }'),
    /week\.mon\.09:00: must be one of pre-open, opening-auction, continuous, auction, closing-auction, closed, not halted$/,
  ],
  [
    'never closes',
    of('    week: { mon: { 09:00: continuous, 17:00: auction } }'),
    /^4:11: calendars\.X\.week: never closes; give a time with phase closed/,
  ],
  ['never opens', of('    week: { mon: { 09:00: closed } }'), /^4:11: calendars\.X\.week: never opens/],
  [
    'no auction after pre-open',
    of('    week: { mon: { 08:00: pre-open, 09:00: continuous, 17:00: closed } }'),
    /^4:11: calendars\.X\.week: goes from pre-open to continuous;/,
  ],
  [
    'one auction into another',
    of('    week: { mon: { 08:00: opening-auction, 09:00: auction, 17:00: closed } }'),
    /week: goes from opening-auction to auction, and the first would not end with trades/,
  ],
  [
    'a phase shorter than the random end',
    of('    random-end: 60\n    week: { mon: { 08:00: auction, 09:00: continuous, 09:01: closed } }'),
    /^5:11: calendars\.X\.week: has a phase continuous of 60 s after an auction that may end random-end \(60 s\) late; lower/,
  ],
  [
    'the same on a special day',
    of(`${WEEK}    random-end: 60\n    special-days: { 2026-12-24: { 08:00: auction, 09:00: continuous, 09:01: closed } }`),
    /special-days\.2026-12-24: has a phase continuous of 60 s/,
  ],
  ['random end', of(`${WEEK}    random-end: 3601`), /random-end: must be a whole number from 0 to 3600, not 3601$/],
  [
    'a holiday',
    of(`${WEEK}    holidays: [2026-02-30]`),
    /^5:16: calendars\.X\.holidays\[0\]: must be a date such as 2026-12-25, not 2026-02-30$/,
  ],
  ['a holiday twice', of(`${WEEK}    holidays: [2026-12-25, 2026-12-25]`), /^5:28: calendars\.X\.holidays\[1\]: 2026-12-25 is given twice/],
  [
    'a holiday that is a special day',
    of(`${WEEK}    holidays: [2026-12-24]\n    special-days: { 2026-12-24: { 12:00: closed } }`),
    /holidays\[0\]: 2026-12-24 is given twice; give it once, under holidays or special-days$/,
  ],
  [
    'a special day',
    of(`${WEEK}    special-days: { 24.12.2026: { 12:00: closed } }`),
    /^5:21: calendars\.X\.special-days\.24\.12\.2026: must be a date such as 2026-12-24$/,
  ],
  [
    'an empty special day',
    of(`${WEEK}    special-days: { 2026-12-24: {} }`),
    /special-days\.2026-12-24: has no phases; give some, or list the date under holidays$/,
  ],
  ['a calendar with a problem, once', symbol('calendar: X').replace('Europe/Berlin', 'Mars/Olympus'), /time-zone: must be an IANA name/],
  [
    'no such calendar',
    symbol('calendar: Y'),
    /^\d+:\d+: symbols\[0\]\.calendar: no calendar is named Y; define it under calendars or use one of X$/,
  ],
  [
    'a phase beside a calendar',
    symbol('calendar: X, phase: auction'),
    /symbols\[0\]\.phase: is given by the calendar; remove phase or calendar$/,
  ],
];

for (const [name, text, message] of WRONG) {
  it(`is rejected: ${name}`, () => {
    const found = problems(text);
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0], message);
  });
}

it('a calendar of a file, and the symbol that names it', () => {
  const config = load(`${symbol('calendar: X')}`);
  const open = [
    { second: 32_400, phase: 'continuous' },
    { second: 61_200, phase: 'closed' },
  ];
  assert.deepEqual(config.calendars, [
    { name: 'X', timeZone: 'Europe/Berlin', randomEnd: 0, week: [open, open, open, open, open, [], []], dates: {} },
  ]);
  // Closed until the calendar's first command.
  assert.deepEqual([config.symbols[0].calendar, config.symbols[0].phase], ['X', Phase.Closed]);
  assert.deepEqual([load('assets: []').calendars, load(symbol('phase: halted')).symbols[0].phase], [[], Phase.Halted]);
});

it('days may go over the weekend, times may have seconds, dates may have a schedule of their own', () => {
  const { calendars } = load(
    of(`    week:
      sun-tue: { 17:00:30: continuous }
      wed: { 16:00: closed }
    holidays: [2026-12-25]
    special-days:
      2026-12-24: { 12:00: closed }
`),
  );
  const { week, dates } = calendars[0];
  assert.deepEqual(
    week.map((day) => day.map(({ second, phase }) => `${second} ${phase}`).join()),
    ['61230 continuous', '61230 continuous', '57600 closed', '', '', '', '61230 continuous'],
  );
  assert.deepEqual(dates, { '2026-12-24': [{ second: 43_200, phase: 'closed' }], '2026-12-25': [{ second: 0, phase: 'closed' }] });
});

it('Etc/GMT+1 is one hour behind UTC, and a start warns of it', () => {
  const zone = (name: string) => load(of(WEEK).replace('Europe/Berlin', name)).calendars;
  const monday = Date.parse('2026-03-02T00:00:00Z') * 1000;
  const boundaries = new Calendar(zone('Etc/GMT+1')[0]).boundaries(monday);
  boundaries.next();
  assert.equal(new Date((boundaries.next().value?.atUs ?? 0) / 1000).toISOString(), '2026-03-02T10:00:00.000Z');
  const warned: object[] = [];
  const log = { warn: (fields: object) => warned.push(fields), info: () => undefined, error: () => undefined };
  for (const name of ['Etc/GMT+1', 'Etc/GMT', 'Etc/UTC', 'Europe/Berlin'])
    new CalendarDriver({ calendars: zone(name), symbols: [] }, { nowUs: () => monday, log } as never);
  assert.deepEqual(warned, [{ calendar: 'X', timeZone: 'Etc/GMT+1' }]);
});
