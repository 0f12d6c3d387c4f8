import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from '../engine/wire/layout.ts';
import { Simulator } from '../feeds/simulator/simulator.ts';
import { type CommandSink, SimulatorDriver } from '../feeds/simulator/simulator-driver.ts';

function simulator(seed: number): Simulator {
  return new Simulator({ seed, symbols: [{ id: 1, price: 10_000, quantity: 20 }], makers: [1, 2], takers: [3, 4] });
}

/** A ring of eight slots that another thread empties. */
class SmallSink implements CommandSink {
  readonly slots: CommandSink['slots'];
  readonly received: Buffer[] = [];
  closed = 0;
  #claimed = 0;
  #stamped = 0;

  constructor() {
    const u8 = new Uint8Array(8 * Command.bytes);
    this.slots = { u8, i32: new Int32Array(u8.buffer) };
  }

  refusal(): number {
    return this.closed;
  }

  claim(): number {
    return this.#claimed - this.received.length === 8 ? -1 : this.#claimed++ % 8;
  }

  stamp(slot: number): number {
    assert.equal(slot, this.#stamped % 8);
    return ++this.#stamped;
  }

  publish(): void {
    assert.equal(this.#stamped, this.#claimed);
  }

  empty(): void {
    while (this.received.length < this.#stamped) {
      const at = (this.received.length % 8) * Command.bytes;
      this.received.push(Buffer.from(this.slots.u8.subarray(at, at + Command.bytes)));
    }
  }
}

function drive(driver: SimulatorDriver, sink: SmallSink, fromMs: number, toMs: number): void {
  for (let now = fromMs; now < toMs; now++) {
    driver.poll(now);
    sink.empty();
  }
}

test('the rate follows the given clock', () => {
  for (const rate of [50, 1000, 4000]) {
    const sink = new SmallSink();
    const driver = new SimulatorDriver(simulator(1), sink, rate);
    drive(driver, sink, 0, 20_000);
    assert.ok(Math.abs(driver.sent / 20 - rate) < rate * 0.1, `${driver.sent / 20} for ${rate}`);
  }
  assert.throws(() => new SimulatorDriver(simulator(1), new SmallSink(), 0), RangeError);
  assert.throws(() => new SimulatorDriver(simulator(1), new SmallSink(), Number.NaN), RangeError);
});

test('a full or closed sink delays the flow without changing it', () => {
  const free = new SmallSink();
  drive(new SimulatorDriver(simulator(9), free, 1000), free, 0, 5000);
  const held = new SmallSink();
  const driver = new SimulatorDriver(simulator(9), held, 1000);
  // Emptied only now and then, and closed for a while.
  for (let now = 0; now < 20_000; now++) {
    held.closed = now > 3000 && now < 4000 ? 121 : 0;
    driver.poll(now);
    if (now % 7 === 0) held.empty();
  }
  assert.ok(driver.heldUp > 100);
  const common = Math.min(free.received.length, held.received.length);
  assert.ok(common > 4000, `${common}`);
  assert.deepEqual(held.received.slice(0, common), free.received.slice(0, common));
});

test('lost time is not made up', () => {
  const sink = new SmallSink();
  const driver = new SimulatorDriver(simulator(2), sink, 1000);
  drive(driver, sink, 0, 1000);
  const before = driver.sent;
  drive(driver, sink, 3_600_000, 3_601_000);
  assert.ok(driver.sent - before < 1500, `${driver.sent - before}`);
});
