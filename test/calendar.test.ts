/** The boundaries of calendars: docs/CONFIGURATION.md, Calendars. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { type Boundary, Calendar } from '../gateway/calendar/calendar.ts';
import { localText } from '../gateway/calendar/local-time.ts';
import { loadConfig } from '../gateway/config/config.ts';
import type { CalendarConfig, CalendarPhase, PhaseStart } from '../gateway/config/config-calendar.ts';
import { times } from './support/long-runs.ts';
import { naiveChanges } from './support/naive-calendar.ts';

const dir = mkdtempSync(join(tmpdir(), 'openbell-calendar-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** The calendar of a YAML text. */
function calendar(yaml: string): Calendar {
  const file = join(dir, 'venue.yaml');
  const text = yaml.replace(/^\n/, '');
  const indent = /^ */.exec(text)?.[0].length ?? 0;
  const lines = text.split('\n').map((line) => `    ${line.slice(indent)}`);
  writeFileSync(file, `calendars:\n  CAL:\n${lines.join('\n')}\n`);
  const { calendars } = loadConfig({ flags: { config: file }, env: {} });
  return new Calendar(calendars[0]);
}

const us = (text: string): number => Date.parse(text) * 1000;
const utc = (at: number): string => new Date(at / 1000).toISOString().slice(0, 19);

/** `2026-03-27T08:00:00 continuous` in UTC, from the boundary in force at a time (UTC) to the last one before another. */
function sequence(of: Calendar, from: string, to: string): string[] {
  const lines: string[] = [];
  for (const { atUs, name } of of.boundaries(us(from))) {
    if (atUs >= us(to)) break;
    lines.push(`${utc(atUs)} ${name}`);
  }
  return lines;
}

function firstOf(of: Calendar, fromUs: number, count: number): Boundary[] {
  const found: Boundary[] = [];
  for (const boundary of of.boundaries(fromUs)) if (found.push(boundary) === count) break;
  return found;
}

const XETRA = `
  time-zone: Europe/Berlin
  random-end: 30
  week:
    mon-fri:
      07:30: pre-open
      08:50: opening-auction
      09:00: continuous
      13:00: auction
      13:02: continuous
      17:30: closing-auction
      17:35: closed
  holidays: [2026-04-03, 2026-04-06, 2026-12-25, 2027-01-01]
  special-days:
    2026-12-30: { 07:30: pre-open, 08:50: opening-auction, 09:00: continuous, 14:00: closing-auction, 14:05: closed }
`;
const NEW_YORK = `
  time-zone: America/New_York
  week:
    mon-fri: { 04:00: pre-open, 09:28: opening-auction, 09:30: continuous, 16:00: closed }
  holidays: [2026-07-03, 2026-11-26]
  special-days:
    2026-11-27: { 04:00: pre-open, 09:28: opening-auction, 09:30: continuous, 13:00: closed }
`;
const MUMBAI = `
  time-zone: Asia/Kolkata
  week:
    mon-fri: { 09:00: pre-open, 09:08: opening-auction, 09:15: continuous, 15:30: closed }
`;
/** From Sunday 17:00 to Friday 16:00, with a break of an hour each day. */
const GLOBEX = `
  time-zone: America/Chicago
  week:
    sun: { 16:45: pre-open, 16:59: opening-auction, 17:00: continuous }
    mon-thu: { 16:00: closed, 16:45: pre-open, 16:59: opening-auction, 17:00: continuous }
    fri: { 16:00: closed }
  holidays: [2026-12-25]
`;

describe('the boundaries of a calendar', () => {
  it('follow the local time over a change to daylight-saving time (Berlin, 2026-03-29)', () => {
    assert.deepEqual(sequence(calendar(XETRA), '2026-03-27T16:30:00Z', '2026-03-30T07:30:00Z'), [
      '2026-03-27T16:30:00 closing-auction',
      '2026-03-27T16:35:00 closed',
      '2026-03-30T05:30:00 pre-open',
      '2026-03-30T06:50:00 opening-auction',
      '2026-03-30T07:00:00 continuous',
    ]);
  });

  it('follow the local time over a change back (New York, 2026-11-01), a holiday and an early close', () => {
    const of = calendar(NEW_YORK);
    assert.deepEqual(sequence(of, '2026-10-30T14:00:00Z', '2026-11-02T15:00:00Z'), [
      '2026-10-30T13:30:00 continuous',
      '2026-10-30T20:00:00 closed',
      '2026-11-02T09:00:00 pre-open',
      '2026-11-02T14:28:00 opening-auction',
      '2026-11-02T14:30:00 continuous',
    ]);
    assert.deepEqual(sequence(of, '2026-11-25T20:59:59Z', '2026-11-28T00:00:00Z'), [
      '2026-11-25T14:30:00 continuous',
      '2026-11-25T21:00:00 closed',
      '2026-11-27T09:00:00 pre-open',
      '2026-11-27T14:28:00 opening-auction',
      '2026-11-27T14:30:00 continuous',
      '2026-11-27T18:00:00 closed',
    ]);
  });

  it('are the same all year where there is no daylight-saving time (Kolkata)', () => {
    const of = calendar(MUMBAI);
    for (const day of ['2026-01-15', '2026-07-15'])
      assert.deepEqual(sequence(of, `${day}T03:00:00Z`, `${day}T23:00:00Z`).slice(1), [
        `${day}T03:30:00 pre-open`,
        `${day}T03:38:00 opening-auction`,
        `${day}T03:45:00 continuous`,
        `${day}T10:00:00 closed`,
      ]);
  });

  it('at the end of a year: early close, holiday, weekend', () => {
    assert.deepEqual(sequence(calendar(XETRA), '2026-12-30T13:00:00Z', '2027-01-04T07:00:00Z'), [
      '2026-12-30T13:00:00 closing-auction',
      '2026-12-30T13:05:00 closed',
      '2026-12-31T06:30:00 pre-open',
      '2026-12-31T07:50:00 opening-auction',
      '2026-12-31T08:00:00 continuous',
      '2026-12-31T12:00:00 auction',
      '2026-12-31T12:02:00 continuous',
      '2026-12-31T16:30:00 closing-auction',
      '2026-12-31T16:35:00 closed',
      '2027-01-04T06:30:00 pre-open',
    ]);
  });

  it('go over midnight and over the weekend, and a holiday begins at its midnight', () => {
    const of = calendar(GLOBEX);
    assert.deepEqual(sequence(of, '2026-11-29T20:00:00Z', '2026-12-01T00:00:00Z'), [
      '2026-11-27T22:00:00 closed',
      '2026-11-29T22:45:00 pre-open',
      '2026-11-29T22:59:00 opening-auction',
      '2026-11-29T23:00:00 continuous',
      '2026-11-30T22:00:00 closed',
      '2026-11-30T22:45:00 pre-open',
      '2026-11-30T22:59:00 opening-auction',
      '2026-11-30T23:00:00 continuous',
    ]);
    // Friday is a holiday: what opened on Thursday evening closes at midnight.
    assert.deepEqual(sequence(of, '2026-12-24T23:30:00Z', '2026-12-27T23:00:00Z'), [
      '2026-12-24T23:00:00 continuous',
      '2026-12-25T06:00:00 closed',
      '2026-12-27T22:45:00 pre-open',
      '2026-12-27T22:59:00 opening-auction',
    ]);
  });

  it('a holiday does not begin the closed phase again, so that the time of the last boundary stays that of the close', () => {
    // Good Friday to Easter Monday.
    assert.deepEqual(sequence(calendar(XETRA), '2026-04-06T12:00:00Z', '2026-04-07T06:00:00Z'), [
      '2026-04-02T15:35:00 closed',
      '2026-04-07T05:30:00 pre-open',
    ]);
  });

  it('a boundary is in force from its first microsecond on', () => {
    const of = calendar(MUMBAI);
    const at = us('2026-01-15T03:45:00Z');
    const inForce = (time: number): string | undefined => of.boundaries(time).next().value?.name;
    assert.deepEqual([inForce(at - 1), inForce(at)], ['opening-auction', 'continuous']);
  });

  it('in a long run of holidays the close before them is in force', () => {
    const holidays = Array.from({ length: 40 }, (_, i) => new Date(Date.UTC(2026, 0, 5 + i)).toISOString().slice(0, 10));
    const of = calendar(`${MUMBAI}  holidays: [${holidays.join(', ')}]\n`);
    assert.deepEqual(sequence(of, '2026-02-12T00:00:00Z', '2026-02-17T00:00:00Z'), [
      '2026-01-02T10:00:00 closed',
      '2026-02-16T03:30:00 pre-open',
      '2026-02-16T03:38:00 opening-auction',
      '2026-02-16T03:45:00 continuous',
      '2026-02-16T10:00:00 closed',
    ]);
  });
});

describe('a local time that a change of clocks skips or repeats', () => {
  const night = (zone: string, times_: string): Calendar => calendar(`time-zone: ${zone}\nweek:\n  mon-sun: { ${times_} }\n`);

  it('a time that does not exist is the moment of the change', () => {
    const of = night('Europe/Berlin', '01:30: closed, 02:30: continuous');
    assert.deepEqual(sequence(of, '2026-03-29T00:30:00Z', '2026-03-29T12:00:00Z'), [
      '2026-03-29T00:30:00 closed',
      '2026-03-29T01:00:00 continuous',
    ]);
    assert.equal(localText(us('2026-03-29T01:00:00Z'), 'Europe/Berlin'), '2026-03-29T03:00:00+02:00');
  });

  it('phases that lie in the gap last no time, and those after it keep their order', () => {
    const of = night('America/New_York', '01:00: closed, 02:10: pre-open, 02:20: opening-auction, 02:40: continuous, 03:00: closed');
    // 02:10 to 03:00 is one moment, and the last phase there is the one before: nothing changes.
    assert.deepEqual(sequence(of, '2026-03-08T06:30:00Z', '2026-03-09T06:00:00Z'), ['2026-03-07T08:00:00 closed']);
    assert.deepEqual(
      sequence(of, '2026-03-09T05:00:00Z', '2026-03-09T08:00:00Z').slice(1),
      ['06:10:00 pre-open', '06:20:00 opening-auction', '06:40:00 continuous', '07:00:00 closed'].map((line) => `2026-03-09T${line}`),
    );
  });

  it('a time that exists twice is the first of the two', () => {
    const of = night('Europe/Berlin', '02:30: closed, 03:00: continuous');
    assert.deepEqual(sequence(of, '2026-10-25T00:29:59Z', '2026-10-25T12:00:00Z'), [
      '2026-10-24T01:00:00 continuous',
      '2026-10-25T00:30:00 closed',
      '2026-10-25T02:00:00 continuous',
    ]);
    const newYork = night('America/New_York', '01:30: closed, 02:00: continuous');
    assert.deepEqual(sequence(newYork, '2026-11-01T05:30:00Z', '2026-11-01T12:00:00Z'), [
      '2026-11-01T05:30:00 closed',
      '2026-11-01T07:00:00 continuous',
    ]);
  });
});

describe('sessions and random ends', () => {
  const all = (of: Calendar, from: string, count: number): Boundary[] => firstOf(of, us(from), count);

  it('a session ends after the latest end of its closing auction, and a closed phase has none', () => {
    const found = all(calendar(XETRA), '2026-03-30T05:30:00Z', 8);
    const end = us('2026-03-30T15:35:35Z');
    assert.deepEqual(
      found.map(({ name, sessionEndUs, randomUs }) => [name, sessionEndUs, randomUs]),
      [
        ['pre-open', end, 0],
        ['opening-auction', end, 0],
        ['continuous', end, 30e6],
        ['auction', end, 0],
        ['continuous', end, 30e6],
        ['closing-auction', end, 0],
        ['closed', 0, 30e6],
        ['pre-open', us('2026-03-31T15:35:35Z'), 0],
      ],
    );
  });

  it('a session without a closing auction ends with the close, over midnight too', () => {
    const [closed, preOpen, , continuous] = all(calendar(GLOBEX), '2026-11-29T20:00:00Z', 4);
    assert.deepEqual(
      [closed.sessionEndUs, preOpen.sessionEndUs, utc(continuous.sessionEndUs)],
      [0, continuous.sessionEndUs, '2026-11-30T22:00:00'],
    );
  });

  it('the boundary in force has the session and the random end that it had before', () => {
    const of = calendar(XETRA);
    const [pending] = all(of, '2026-03-30T07:00:10Z', 1);
    assert.deepEqual([pending.name, utc(pending.atUs), pending.randomUs], ['continuous', '2026-03-30T07:00:00', 30e6]);
  });
});

describe('at any time, in any zone', () => {
  const QUARTER = 900;
  const DAY_MS = 86_400_000;
  const phases = fc.constantFrom<CalendarPhase>('continuous', 'auction', 'closed');
  const day = fc
    .uniqueArray(fc.integer({ min: 0, max: 95 }), { maxLength: 5 })
    .chain((ats) => fc.tuple(...ats.sort((a, b) => a - b).map((at) => phases.map((phase) => ({ second: at * QUARTER, phase })))));
  const opens: readonly PhaseStart[] = [
    { second: 0, phase: 'continuous' },
    { second: QUARTER, phase: 'closed' },
  ];
  const week = fc.tuple(...Array.from({ length: 6 }, () => day)).map((days) => [opens, ...days]);
  const zone = fc.constantFrom(
    'Europe/Berlin',
    'America/New_York',
    'Asia/Kolkata',
    'Australia/Lord_Howe',
    'Pacific/Apia',
    'America/Sao_Paulo',
    'Africa/Casablanca',
    'UTC',
  );
  // Most clocks change in these months.
  const from = fc
    .record({ year: fc.integer({ min: 2009, max: 2030 }), month: fc.constantFrom(0, 1, 2, 3, 8, 9, 10, 11), quarter: fc.nat(31 * 96) })
    .map(({ year, month, quarter }) => Date.UTC(year, month, 1) + quarter * QUARTER * 1000);
  const given = fc
    .record({ zone, week, from, dates: fc.array(fc.tuple(fc.nat(10), day), { maxLength: 3 }) })
    .map(({ dates, from: start, zone: timeZone, ...rest }) => {
      const special = dates.map(([after, starts]) => [new Date(start + after * DAY_MS).toISOString().slice(0, 10), starts] as const);
      return { start, config: { name: 'X', timeZone, randomEnd: 0, ...rest, dates: Object.fromEntries(special) } satisfies CalendarConfig };
    });

  it('the boundaries are those of its naive twin', () => {
    fc.assert(
      fc.property(given, ({ start, config }) => {
        const end = start + 10 * DAY_MS;
        const found: [number, string][] = [];
        for (const { atUs, name } of new Calendar(config).boundaries(start * 1000)) {
          if (atUs >= end * 1000) break;
          if (atUs >= start * 1000) found.push([atUs / 1000, name]);
        }
        assert.deepEqual(found, naiveChanges(config, start, end));
      }),
      { numRuns: times(60, 500) },
    );
  });

  it('they are in order, none repeats the phase before, and each is found from its own time', () => {
    fc.assert(
      fc.property(given, ({ start, config }) => {
        const of = new Calendar(config);
        const found = firstOf(of, start * 1000, 30);
        assert.ok(found[0].atUs <= start * 1000 && found[1].atUs > start * 1000);
        for (let i = 1; i < found.length; i++) {
          assert.ok(found[i].atUs > found[i - 1].atUs);
          assert.notEqual(found[i].name, found[i - 1].name);
        }
        for (const boundary of found.slice(0, 15)) assert.deepEqual(firstOf(of, boundary.atUs, 1), [boundary]);
      }),
      { numRuns: times(40, 250) },
    );
  });
});
