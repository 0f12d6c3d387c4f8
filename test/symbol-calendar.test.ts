/** A symbol on its way through its calendar: the real state machine, and a clock that the test sets. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import type { CommandFields } from '../engine/machine/command.ts';
import { SymbolParam } from '../engine/params.ts';
import type { SymbolInfo } from '../engine/threads/directory-info.ts';
import { CommandKind, ReportKind, SubPhase } from '../engine/wire/layout.ts';
import { PHASE_NAMES, SUB_PHASE_NAMES } from '../engine/wire/names.ts';
import { BoundaryList, Calendar } from '../gateway/calendar/calendar.ts';
import { CalendarCounters } from '../gateway/calendar/calendar-counters.ts';
import { SymbolCalendar } from '../gateway/calendar/symbol-calendar.ts';
import type { CalendarPhase } from '../gateway/config/config-calendar.ts';
import { createLogger } from '../gateway/log.ts';
import { type AdminAnswer, AdminTimeoutError } from '../gateway/venue/admin-commands.ts';
import { Harness, parseCommand, SYMBOL } from './support/exchange-fixture.ts';

const DAY = '2026-03-02';
const us = (time: string): number => Date.parse(`${time.includes('T') ? time : `${DAY}T${time}`}Z`) * 1000;

const second = (time: string): number => (us(time) - us('00:00')) / 1e6;
const phases = (day: Readonly<Record<string, CalendarPhase>>) =>
  Object.entries(day).map(([time, phase]) => ({ second: second(time), phase }));
const FULL_DAY = phases({
  '08:00': 'pre-open',
  '08:50': 'opening-auction',
  '09:00': 'continuous',
  '17:00': 'closing-auction',
  '17:05': 'closed',
});
const WEEK = [FULL_DAY, FULL_DAY, FULL_DAY, FULL_DAY, FULL_DAY, [], []];

/** An exchange whose one symbol has a calendar, from a time on. It notes the commands of the calendar. */
class World {
  readonly harness: Harness;
  readonly counters = new CalendarCounters();
  readonly sent: string[] = [];
  /** Codes of the next commands, which the exchange does not take; `lost`: it takes the command, and the answer is lost. */
  readonly answers: (Code | 'lost')[] = [];
  /** Fractions of the window that are drawn next. */
  readonly draws: number[] = [];
  nowUs: number;
  symbol: SymbolCalendar;

  constructor(from: string, harness = new Harness().setUp(3)) {
    this.harness = harness;
    this.nowUs = us(from);
    this.symbol = this.restart();
  }

  /** The gateway starts again; the state stays. */
  restart(): SymbolCalendar {
    const calendar = new Calendar({ name: 'CAL', timeZone: 'UTC', randomEnd: 60, week: WEEK, dates: {} });
    this.symbol = new SymbolCalendar(SYMBOL, new BoundaryList(calendar, this.nowUs), {
      directory: { symbol: () => this.#info() },
      commands: { submit: (fields) => this.#submit(fields) },
      nowUs: () => this.nowUs,
      draw: (limit) => Math.floor(limit * (this.draws.shift() ?? 0)),
      log: createLogger('silent'),
      counters: this.counters,
    });
    return this.symbol;
  }

  /** Time passes; the symbol works whenever it asks for it. @returns the commands sent meanwhile */
  async until(time: string): Promise<string[]> {
    const end = us(time);
    this.sent.length = 0;
    await this.symbol.work();
    while (this.symbol.wakeUs <= end) {
      this.nowUs = Math.max(this.nowUs, this.symbol.wakeUs);
      await this.symbol.work();
    }
    this.nowUs = end;
    return [...this.sent];
  }

  get phase(): string {
    const { phase, subPhase } = this.#info();
    return subPhase === SubPhase.None ? PHASE_NAMES[phase] : SUB_PHASE_NAMES[subPhase];
  }

  do(...lines: string[]): void {
    for (const line of lines) assert.equal(this.harness.do(parseCommand(line)).reports[0].code, Code.OK, line);
  }

  #info(): SymbolInfo {
    const { symbols } = this.harness.exchange;
    return {
      id: SYMBOL,
      name: 'BTC-USD',
      phase: symbols.phase[SYMBOL],
      subPhase: symbols.subPhase[SYMBOL],
      boundaryUs: symbols.boundaryUs[SYMBOL],
      params: { SessionEnd: symbols.param(SYMBOL, SymbolParam.SessionEnd) },
    } as SymbolInfo;
  }

  async #submit(fields: CommandFields): Promise<AdminAnswer> {
    const time = new Date(this.nowUs / 1000).toISOString().replace(/^2026-03-0(\d)T/, (_, day) => (day === '2' ? '' : `+${day - 2} `));
    const note = (outcome: string): number => this.sent.push(`${time.slice(0, -5)} ${describeCommand(fields)}${outcome}`);
    const code = this.answers.shift();
    if (code !== undefined && code !== 'lost') {
      note(` ${codeName(code)}`);
      return { code, seq: 0, repeated: false, price: 0, quantity: 0, more: false, later: 0 };
    }
    const { reports } = this.harness.do(fields);
    const answer = reports.at(-1);
    assert.ok(answer);
    note(
      answer.kind === ReportKind.Accepted ? (answer.quantity ? ` ${answer.quantity}@${answer.price}` : '') : ` ${codeName(answer.code)}`,
    );
    if (code === 'lost') throw new AdminTimeoutError(answer.seq, 10_000);
    const { price, quantity, seq } = answer;
    return { code: answer.code as Code, seq, repeated: false, price, quantity, more: false, later: 0 };
  }
}

function describeCommand({ kind, parameter = 0, side = 0, quantity = 0 }: CommandFields): string {
  if (kind === CommandKind.Uncross) return 'uncross';
  if (kind === CommandKind.SetSymbol) return `session to ${new Date(quantity / 1000).toISOString().slice(8, 19).replace('T', ' ')}`;
  return side === SubPhase.None ? PHASE_NAMES[parameter] : SUB_PHASE_NAMES[side];
}

/** A world that has crossed all boundaries up to a time. */
async function at(time: string): Promise<World> {
  const world = new World('00:00');
  await world.until(time);
  return world;
}

describe('a symbol follows its calendar', () => {
  it('through a day: each auction ends with an uncross, at a drawn time', async () => {
    const world = new World('07:00');
    world.draws.push(0.5, 0.25);
    assert.deepEqual(await world.until('08:10'), ['07:00:00 closed', '08:00:00 session to 02 17:06:05', '08:00:00 pre-open']);
    world.do('1 new 1 buy 10 @ 105', '2 new 1 sell 4 @ 100');
    assert.deepEqual(await world.until('16:59'), ['08:50:00 opening-auction', '09:00:30 uncross 4@105', '09:00:30 continuous']);
    assert.deepEqual(await world.until('17:01'), ['17:00:00 closing-auction']);
    world.do('2 new 2 sell 6 @ 105');
    assert.deepEqual(await world.until('23:59'), ['17:05:15 uncross 6@105', '17:05:15 closed']);
    assert.deepEqual(await world.until(`2026-03-03T08:00:00`), ['+1 08:00:00 session to 03 17:06:05', '+1 08:00:00 pre-open']);
    assert.deepEqual([world.counters.crossed, world.counters.missed, world.counters.failed], [7, 0, 0]);
    assert.equal(world.counters.delay.sumUs, 0);
  });

  it('a drawn end is always inside the window', async () => {
    for (const draw of [0, 0.999_999_9]) {
      const world = await at('08:59:59');
      world.draws.push(draw);
      const [uncross] = await world.until('09:30');
      assert.ok(uncross >= '09:00:00' && uncross < '09:01:00', uncross);
    }
  });

  it('from any time of the day on, in the phase of that time', async () => {
    const cases: readonly (readonly [string, string])[] = [
      ['07:59:59', 'closed'],
      ['08:00', 'pre-open'],
      ['08:55', 'opening-auction'],
      ['12:00', 'continuous'],
      ['17:01', 'closing-auction'],
      ['2026-03-07T12:00', 'closed'],
    ];
    for (const [time, phase] of cases) {
      const world = new World(time);
      await world.symbol.work();
      assert.equal(world.phase, phase, time);
    }
  });
});

describe("an operator's phase", () => {
  it('holds until the next boundary', async () => {
    const world = await at('12:00');
    world.do('phase halted');
    assert.deepEqual(await world.until('16:59:59'), []);
    assert.equal(world.phase, 'halted');
    assert.deepEqual(await world.until('17:00'), ['17:00:00 closing-auction']);
  });

  it('holds over a restart, too', async () => {
    const world = await at('12:00');
    world.do('phase halted');
    await world.until('13:00');
    world.restart();
    assert.deepEqual(await world.until('16:59:59'), []);
    assert.equal(world.phase, 'halted');
    assert.deepEqual(await world.until('17:00'), ['17:00:00 closing-auction']);
  });

  it('ends at a restart after the boundary', async () => {
    const world = await at('12:00');
    world.do('phase halted');
    world.nowUs = us('17:02');
    world.restart();
    assert.deepEqual(await world.until('17:03'), ['17:02:00 closing-auction']);
  });

  it('that ends an auction early leaves nothing to draw', async () => {
    const world = await at('08:55');
    world.draws.push(0.9);
    world.do('uncross', 'phase continuous');
    assert.deepEqual(await world.until('09:05'), ['09:00:00 continuous']);
  });

  it('that comes just before a command of the calendar does not confuse it', async () => {
    const world = await at('08:55');
    world.draws.push(0.5);
    await world.until('09:00:10');
    world.do('phase pre-open');
    // The uncross is not possible any more.
    assert.deepEqual(await world.until('09:05'), ['09:00:30 continuous']);
  });
});

describe('a restart', () => {
  it('changes nothing when no boundary has come', async () => {
    const world = await at('12:00');
    world.restart();
    assert.deepEqual(await world.until('16:59'), []);
  });

  it('inside the window of a random end draws from what is left of it', async () => {
    const world = await at('08:59');
    world.nowUs = us('09:00:40');
    world.draws.push(0.5);
    world.restart();
    assert.deepEqual(await world.until('09:05'), ['09:00:50 uncross', '09:00:50 continuous']);
  });

  it('between an uncross and its phase goes on', async () => {
    const world = await at('08:59');
    world.do('1 new 1 buy 10 @ 105', '2 new 1 sell 4 @ 100', 'uncross');
    world.nowUs = us('09:02');
    world.restart();
    assert.deepEqual(await world.until('09:05'), ['09:02:00 uncross', '09:02:00 continuous']);
  });

  it('after an auction that was missed uncrosses what crosses', async () => {
    const world = await at('08:10');
    world.do('1 new 1 buy 10 @ 105', '2 new 1 sell 4 @ 100');
    world.nowUs = us('11:00');
    world.restart();
    assert.deepEqual(await world.until('11:01'), [
      '11:00:00 continuous BOOK_CROSSED',
      '11:00:00 auction',
      '11:00:00 uncross 4@105',
      '11:00:00 continuous',
    ]);
  });

  it('in the next session sets its end', async () => {
    const world = await at('18:00');
    world.nowUs = us('2026-03-03T10:00:00');
    world.restart();
    assert.deepEqual(await world.until('2026-03-03T11:00:00'), ['+1 10:00:00 session to 03 17:06:05', '+1 10:00:00 continuous']);
  });
});

describe('commands that are not taken', () => {
  it('BUSY and DISK_FULL are tried again, and the delay is counted', async () => {
    const world = await at('07:59');
    world.answers.push(Code.BUSY, Code.DISK_FULL);
    const sent = await world.until('08:01');
    assert.deepEqual(
      sent.map((line) => line.slice(9)),
      ['session to 02 17:06:05 BUSY', 'session to 02 17:06:05 DISK_FULL', 'session to 02 17:06:05', 'pre-open'],
    );
    assert.equal(world.counters.retries, 2);
    assert.equal(world.counters.delay.sumUs, 500_000);
  });

  it('an answer that does not come is looked for in the state', async () => {
    const world = await at('16:59');
    world.answers.push('lost');
    assert.deepEqual(await world.until('17:01'), ['17:00:00 closing-auction']);
    assert.deepEqual([world.phase, world.counters.retries], ['closing-auction', 1]);
  });

  it('a boundary that the next one overtakes is missed', async () => {
    const world = await at('07:59');
    for (let i = 0; i < 50 * 60 * 4 + 1; i++) world.answers.push(Code.BUSY);
    const sent = await world.until('08:55');
    assert.deepEqual(sent.slice(-2), ['08:50:00 session to 02 17:06:05', '08:50:00 opening-auction']);
    assert.equal(world.counters.missed, 1);
  });

  it('a rejected command leaves the phase until the next boundary', async () => {
    const world = await at('16:59');
    world.answers.push(Code.BAD_PARAMETER);
    assert.deepEqual(await world.until('17:04'), ['17:00:00 closing-auction BAD_PARAMETER']);
    assert.equal(world.phase, 'continuous');
    assert.deepEqual([world.counters.failed, await world.until('17:06')], [1, ['17:05:00 closed']]);
  });

  it('an uncross of an auction that the operator ends at the same time is not sent twice', async () => {
    const world = await at('08:59');
    world.answers.push(Code.WRONG_PHASE);
    assert.deepEqual(await world.until('09:02'), ['09:00:00 uncross WRONG_PHASE', '09:00:00 uncross', '09:00:00 continuous']);
  });
});

it('a jump of the clock over several boundaries ends in the phase of the new time', async () => {
  const world = await at('08:10');
  world.nowUs = us('17:01');
  await world.symbol.work();
  assert.equal(world.phase, 'closing-auction');
  assert.equal(world.counters.missed, 2);
});
