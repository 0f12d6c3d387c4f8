/** When order entry reads the clock: once for the frames that arrive together, and never later than the next turn. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from '../engine/codes.ts';
import { allocateRing, RingConsumer, RingProducer } from '../engine/rings/ring.ts';
import { BoundedClock } from '../engine/threads/bounded-clock.ts';
import { allocateControl, Control } from '../engine/threads/control.ts';
import { Sequencer } from '../engine/threads/sequencer.ts';
import { getI64, type Seq, type TimeUs } from '../engine/units.ts';
import { CommandBatch } from '../engine/wire/frames.ts';
import { Command, Side, TimeInForce } from '../engine/wire/layout.ts';
import { RefusalList } from '../engine/wire/report-frames.ts';
import { OrderEntryCounters, OrderIntake } from '../gateway/sessions/order-intake.ts';

const START_MS = 1_700_000_000_000;

/** The real sequencer with a clock that only moves by hand, and an engine that has a turn when the test says so. */
class Intake {
  /** Of the engine, as `Engine` counts them: the first publication schedules a turn. */
  readonly engine = { turns: 0, scheduled: false };
  readings = 0;
  #ms = 0;
  readonly #rejects = new RefusalList();
  readonly #intake: OrderIntake;
  readonly #consumer: RingConsumer;

  constructor(knowsTurns = true) {
    const ring = allocateRing({ slotBytes: Command.bytes, capacity: 256, consumers: 1 });
    this.#consumer = new RingConsumer(ring);
    const steadyMs = (): number => {
      this.readings++;
      return this.#ms;
    };
    const clock = new BoundedClock({ readings: { wallMs: () => START_MS + this.#ms, steadyMs } });
    const producer = new RingProducer(ring);
    const sequencer = new Sequencer(producer, new Control(allocateControl()), 0 as Seq, 0 as TimeUs, clock);
    const published = (): void => {
      this.engine.scheduled = true;
    };
    this.#intake = new OrderIntake(sequencer, new OrderEntryCounters(), published, knowsTurns ? this.engine : undefined);
    this.readings = 0;
  }

  pass(ms: number): void {
    this.#ms += ms;
  }

  frame(commands = 1): void {
    const batch = new CommandBatch(64);
    for (let i = 1; i <= commands; i++) batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 7, 8, i);
    const bytes = batch.bytes();
    assert.equal(this.#intake.take(bytes, 0, bytes.length, 1, this.#rejects), Code.OK);
    assert.equal(this.#rejects.count, 0);
  }

  publish(): void {
    this.#intake.publish();
  }

  /** @returns the times of the commands that the engine takes in this turn, ms since the start */
  turn(): number[] {
    this.engine.turns++;
    this.engine.scheduled = false;
    const times: number[] = [];
    const { i32 } = this.#consumer.slots;
    for (let slot = this.#consumer.next(); slot !== -1; slot = this.#consumer.next())
      times.push(getI64(i32, (slot * Command.bytes + Command.timeUs) / 4) / 1000 - START_MS);
    this.#consumer.release();
    return times;
  }
}

describe('the clock of order entry', () => {
  it('is read once for a frame, however many commands it has', () => {
    const intake = new Intake();
    intake.pass(5);
    intake.frame(50);
    assert.equal(intake.readings, 1);
    intake.publish();
    assert.deepEqual(intake.turn(), new Array(50).fill(5));
  });

  it('is read once for frames that are published together, as gRPC brings them', () => {
    const intake = new Intake();
    for (let i = 0; i < 10; i++) {
      intake.frame(2);
      intake.pass(1);
    }
    assert.equal(intake.readings, 1);
    intake.publish();
    assert.deepEqual(intake.turn(), new Array(20).fill(0));
  });

  it('is read once for the frames of a turn that are published one by one, as WebSocket brings them', () => {
    const intake = new Intake();
    for (let i = 0; i < 10; i++) {
      intake.frame();
      intake.publish();
      intake.pass(1);
    }
    assert.equal(intake.readings, 1);
    assert.deepEqual(intake.turn(), new Array(10).fill(0));
  });

  it('is read again after each turn of the engine', () => {
    const intake = new Intake();
    for (let turn = 1; turn <= 5; turn++) {
      intake.pass(7);
      intake.frame(3);
      intake.publish();
      intake.pass(1);
      intake.frame(3);
      intake.publish();
      assert.equal(intake.readings, turn);
      assert.deepEqual(intake.turn(), new Array(6).fill(8 * turn - 1));
    }
  });

  it('is read for a frame that arrives before the engine is asked for a turn, also if one was before', () => {
    const intake = new Intake();
    intake.frame();
    intake.publish();
    // The turn was for something else, or is over without a count: what matters is that none is due.
    intake.engine.scheduled = false;
    intake.pass(9);
    intake.frame();
    intake.publish();
    assert.equal(intake.readings, 2);
    assert.deepEqual(intake.turn(), [0, 9]);
  });

  it('is read for the first frame of a turn that something else has scheduled', () => {
    const intake = new Intake();
    intake.frame();
    intake.publish();
    assert.deepEqual(intake.turn(), [0]);
    intake.engine.scheduled = true;
    intake.pass(4);
    intake.frame();
    intake.publish();
    assert.equal(intake.readings, 2);
    assert.deepEqual(intake.turn(), [4]);
  });

  it('is read for each publication where turns are not known', () => {
    const intake = new Intake(false);
    for (let i = 1; i <= 3; i++) {
      intake.pass(1);
      intake.frame(4);
      intake.publish();
      assert.equal(intake.readings, i);
    }
    assert.deepEqual(
      intake.turn(),
      [1, 2, 3].flatMap((ms) => new Array(4).fill(ms)),
    );
  });
});
