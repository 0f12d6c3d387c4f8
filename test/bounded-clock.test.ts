/** The clock that stamps commands: bounded steps, a way back, and an alert. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readLog } from '../engine/journal/log-reader.ts';
import { BoundedClock, STEP_US } from '../engine/threads/bounded-clock.ts';
import { getI64 } from '../engine/units.ts';
import { Command } from '../engine/wire/layout.ts';
import { LatencyBuckets } from '../gateway/latency-buckets.ts';
import { deposits, getJson, withSmallExchange } from './support/small-venue.ts';

const SECOND = 1e6;
const HOUR = 3600 * SECOND;
const YEAR = 365 * 24 * HOUR;
const START = 1_700_000_000 * SECOND;

/** A host whose wall clock can be wrong by `wrongUs`. */
class Host {
  trueUs = START;
  wrongUs = 0;
  /** Whether the steady clock stands, as while a virtual machine is suspended. */
  suspendedUs = 0;
  readonly readings = {
    wallMs: () => Math.floor((this.trueUs + this.wrongUs) / 1000),
    steadyMs: () => (this.trueUs - this.suspendedUs - START) / 1000 + 5,
  };

  clock(options: { lastUs?: number; startStepUs?: number } = {}): BoundedClock {
    return new BoundedClock({ ...options, readings: this.readings });
  }

  /** Runs for `us`, with a call every `everyUs`; time must never decrease. Returns the last time. */
  run(clock: BoundedClock, us: number, everyUs: number): number {
    let last = clock.nowUs();
    for (const end = this.trueUs + us; this.trueUs < end; ) {
      this.trueUs += everyUs;
      const now = clock.nowUs();
      assert.ok(now >= last, `${now} after ${last}`);
      last = now;
    }
    return last;
  }
}

describe('the clock', () => {
  for (const everyUs of [100, 3000, 0.5 * SECOND])
    it(`follows a right clock, with a call every ${everyUs} us`, () => {
      const host = new Host();
      const clock = host.clock();
      const now = host.run(clock, 2000 * everyUs, everyUs);
      assert.ok(Math.abs(now - host.trueUs) <= 2000, `${now - host.trueUs}`);
      assert.deepEqual([clock.state, clock.steps], ['right', 0]);
    });

  for (const wrongUs of [2 * HOUR, 40 * YEAR, 30 * SECOND])
    for (const everyUs of [1000, SECOND, HOUR])
      it(`one reading ${wrongUs / SECOND} s ahead moves it by a step at most, with a call every ${everyUs} us`, () => {
        const host = new Host();
        const clock = host.clock();
        host.run(clock, 20 * everyUs, everyUs);
        host.wrongUs = wrongUs;
        host.run(clock, Math.max(everyUs, 10_000), everyUs);
        host.wrongUs = 0;
        const lead = clock.nowUs() - host.trueUs;
        assert.ok(lead >= -2000 && lead <= STEP_US + 20_000, `${lead}`);
        // And the way back.
        const now = host.run(clock, 150 * SECOND, 10_000);
        assert.ok(Math.abs(now - host.trueUs) <= 5000, `${now - host.trueUs}`);
        assert.equal(clock.state, 'right');
      });

  it('is ahead by no more than a step and the time of the fault, and comes back in about that time', () => {
    const host = new Host();
    const clock = host.clock();
    host.run(clock, SECOND, 1000);
    host.wrongUs = 3 * YEAR;
    host.run(clock, HOUR, 20_000);
    assert.equal(clock.state, 'wall-ahead');
    host.wrongUs = 0;
    const lead = host.run(clock, 20_000, 20_000) - host.trueUs;
    assert.ok(lead > 0.9 * HOUR && lead <= HOUR + STEP_US, `${lead}`);
    assert.equal(clock.state, 'wall-behind');
    const now = host.run(clock, 1.1 * HOUR, 20_000);
    assert.ok(Math.abs(now - host.trueUs) <= 5000, `${now - host.trueUs}`);
  });

  it('catches up with a clock that stays ahead, twice as fast', () => {
    const host = new Host();
    const clock = host.clock();
    // Suspended for ten minutes: the steady clock stood.
    host.trueUs += 600 * SECOND;
    host.suspendedUs = 600 * SECOND;
    host.run(clock, 500 * SECOND, 20_000);
    assert.equal(clock.state, 'wall-ahead');
    const now = host.run(clock, 60 * SECOND, 20_000);
    assert.ok(Math.abs(now - host.trueUs) <= 5000, `${now - host.trueUs}`);
    assert.equal(clock.steps, 1, 'the last minute');
  });

  it('starts at the last stamp or later, and within the step of a start', () => {
    const host = new Host();
    assert.equal(host.clock({ lastUs: START - HOUR }).nowUs(), START);
    assert.equal(host.clock({ lastUs: START - HOUR, startStepUs: 2 * HOUR }).nowUs(), START);
    const late = host.clock({ lastUs: START - YEAR, startStepUs: HOUR });
    assert.deepEqual([late.nowUs(), late.state], [START - YEAR + HOUR, 'wall-ahead']);
    assert.equal(host.clock({ startStepUs: HOUR }).nowUs(), START, 'an empty log bounds nothing');
    const ahead = host.clock({ lastUs: START + 50 * YEAR });
    assert.deepEqual([ahead.nowUs(), ahead.state], [START + 50 * YEAR, 'wall-behind']);
    const before = ahead.nowUs();
    assert.ok(host.run(ahead, 100 * SECOND, 10_000) - before < SECOND, 'it nearly stands');
    const slightly = host.clock({ lastUs: host.trueUs + 20 * SECOND });
    const now = host.run(slightly, 41 * SECOND, 10_000);
    assert.ok(Math.abs(now - host.trueUs) <= 5000, `${now - host.trueUs}`);
  });
});

describe('an exchange', () => {
  const base = mkdtempSync(join(tmpdir(), 'openbell-clock-'));
  after(() => rmSync(base, { recursive: true, force: true }));
  const { now } = Date;

  /** Stamps in the log, which never decrease. */
  function stamps(dir: string): number[] {
    const found: number[] = [];
    readLog(join(dir, 'data'), 1, (words, firstWord, count) => {
      for (let i = 0; i < count; i++) found.push(getI64(words, firstWord + i * 16 + Command.timeUs / 4));
    });
    for (const [i, stamp] of found.entries()) assert.ok(i === 0 || stamp >= found[i - 1], `command ${i + 1}`);
    return found;
  }

  it('whose clock is years ahead for a moment keeps stamps, latencies and sessions, and reports it', async () => {
    const dir = join(base, 'jump');
    mkdirSync(dir);
    try {
      await withSmallExchange(dir, async (exchange, lines) => {
        await deposits(exchange, 3);
        Date.now = () => now() + YEAR / 1000;
        while (!lines.some(({ code }) => code === 'CLOCK_DIFFERS')) await deposits(exchange, 1);
        assert.match(
          String((await getJson(exchange, '/health/ready')).json.warnings),
          /^CLOCK_DIFFERS: the clock of this host is 3153\d{4} s ahead/,
        );
        const metrics = await (await fetch(`http://127.0.0.1:${exchange.ports.http}/metrics`)).text();
        const offset = Number(/^openbell_clock_offset_seconds (\S+)$/m.exec(metrics)?.[1]);
        assert.ok(offset < -0.9 * (YEAR / SECOND), String(offset));
        Date.now = now;
        while (!lines.some(({ code }) => code === 'CLOCK_RIGHT') && exchange.engine.clock.state === 'wall-ahead')
          await deposits(exchange, 1);
        await deposits(exchange, 3);
        const after = await (await fetch(`http://127.0.0.1:${exchange.ports.http}/metrics`)).text();
        for (const [, sum] of after.matchAll(/^openbell_\w+_seconds_sum (\S+)$/gm)) assert.ok(Number(sum) >= 0 && Number(sum) < 60, sum);
      });
    } finally {
      Date.now = now;
    }
    const last = stamps(dir).at(-1) ?? 0;
    assert.ok(last < now() * 1000 + 2 * STEP_US, `${last}`);
  });

  it('that starts with a clock years ahead of its log steps by --clock-step at most, and says so', async () => {
    const dir = join(base, 'start');
    mkdirSync(dir);
    await withSmallExchange(dir, (exchange) => deposits(exchange, 1));
    try {
      Date.now = () => now() + YEAR / 1000;
      await withSmallExchange(
        dir,
        async (exchange, lines) => {
          await deposits(exchange, 1);
          assert.match(String(lines.find(({ code }) => code === 'CLOCK_DIFFERS')?.message), /restart, with --clock-step/);
        },
        { 'clock-step': '2' },
      );
    } finally {
      Date.now = now;
    }
    assert.ok((stamps(dir).at(-1) ?? 0) < now() * 1000 + 2.1 * 24 * HOUR);
    // Right again, two days behind the stamps: they nearly stand, in order, and it is reported.
    await withSmallExchange(dir, async (exchange, lines) => {
      await deposits(exchange, 1);
      assert.match(String(lines.find(({ code }) => code === 'CLOCK_DIFFERS')?.message), /s behind the commands' time/);
    });
    stamps(dir);
  });
});

it('a latency is never negative', () => {
  const buckets = new LatencyBuckets([10, 20]);
  buckets.observe(-5);
  buckets.observe(15);
  assert.deepEqual([buckets.sumUs, buckets.count, buckets.buckets[0]], [15, 2, 1]);
});
