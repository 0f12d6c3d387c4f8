import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestQueue } from '../gateway/market/request-queue.ts';
import { WorkBudget } from '../gateway/work-budget.ts';
import { MarketVenue } from './support/market-venue.ts';
import { frame, Opcode, RawWebSocket } from './support/raw-websocket.ts';

/** Of an owner that never has to wait. */
const ample = new WorkBudget({ share: 1, burstMs: 1e6 });

test('requests of one reader keep their order, readers take turns, and a turn of the event loop is short', async () => {
  const handled: string[] = [];
  const queue = new RequestQueue<string>({ most: 1000, budgetOf: () => ample }, (reader, bytes) => {
    handled.push(`${reader}${bytes[0]}`);
    const end = performance.now() + 0.1;
    while (performance.now() < end);
    return true;
  });
  const shared = new Uint8Array(1);
  for (let i = 0; i < 100; i++) {
    shared[0] = i;
    assert.equal(queue.take('a', shared, true), true);
  }
  const first = handled.length;
  assert.ok(first < 50, `${first} in the first turn`);
  queue.take('gone', shared, true);
  queue.forget('gone');
  shared[0] = 200;
  queue.take('b', shared, true);
  let turns = 0;
  while (handled.length < 101) {
    await new Promise(setImmediate);
    turns++;
  }
  assert.ok(turns > 5, `${turns} turns`);
  assert.ok(handled.indexOf('b200') <= first + 2, 'b did not wait for all of a');
  assert.deepEqual(
    handled.filter((each) => each.startsWith('a')),
    Array.from({ length: 100 }, (_, i) => `a${i}`),
  );
  for (let i = 0; i < 1000; i++) queue.take('c', shared, true);
  while (queue.take('c', shared, true));
  queue.forget('c');
});

test('requests of a reader that is held wait, bounded, and come after one without content; others do not wait', async () => {
  const handled: string[] = [];
  const queue = new RequestQueue<string>({ most: 3, budgetOf: () => ample }, (reader, bytes) => {
    handled.push(`${reader} ${bytes[0]}`);
    if (bytes[0] === 1) queue.hold(reader);
    return true;
  });
  const take = (reader: string, content: number) => queue.take(reader, new Uint8Array([content]), false);
  assert.deepEqual([take('a', 1), take('a', 2), take('a', 3)], [true, true, true]);
  assert.equal(take('b', 4), true);
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  assert.deepEqual(handled, ['a 1', 'b 4']);
  queue.resume('a');
  while (handled.length < 5) await new Promise(setImmediate);
  assert.deepEqual(handled.slice(2), ['a undefined', 'a 2', 'a 3']);
  take('a', 1);
  while (handled.length < 6) await new Promise(setImmediate);
  assert.deepEqual([take('a', 2), take('a', 3), take('a', 4), take('a', 5)], [true, true, true, false], 'the bound holds meanwhile');
  queue.forget('a');
  queue.resume('a');
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  assert.equal(handled.length, 6, 'nothing of a reader that has left');
});

test('the readers of an owner without budget wait together, others do not; what does not count is free', async () => {
  const handled: string[] = [];
  const budgets = { a: new WorkBudget({ share: 1e-4, burstMs: 1 }), b: ample };
  const budgetOf = (reader: string) => (reader.startsWith('a') ? budgets.a : budgets.b);
  const queue = new RequestQueue<string>({ most: 3, budgetOf }, (reader, bytes) => {
    handled.push(`${reader} ${bytes[0]}`);
    return bytes[0] !== 0;
  });
  const take = (reader: string, content: number) => queue.take(reader, new Uint8Array([content]), false);
  // Ten seconds of waiting for each millisecond.
  budgets.a.spend(2);
  take('a1', 1);
  take('a2', 2);
  take('b', 3);
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  assert.deepEqual(handled, ['b 3']);
  budgets.a.spend(-1.5);
  while (handled.length < 2) await new Promise(setImmediate);
  assert.equal(handled[1], 'a1 1', 'in their order, when the budget allows it');
  const left = handled.length;
  budgets.a.spend(1000);
  take('a1', 4);
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  assert.ok(handled.length <= left + 1);
  assert.ok(budgets.a.waitingBytes > 0);
  queue.forget('a1');
  queue.forget('a2');
  assert.equal(budgets.a.waitingBytes, 0);
});

/** A reader and the tags of its pongs; heartbeats may come between them. */
async function open(port: number): Promise<[RawWebSocket, unknown[]]> {
  const raw = await RawWebSocket.open(port, { protocol: 'json-raw' });
  const pongs: unknown[] = [];
  raw.onMessage = ({ opcode, data }) => {
    if (opcode !== Opcode.Text) return;
    const { kind, tag } = JSON.parse(data.toString());
    if (kind === 'pong') pongs.push(tag);
  };
  return [raw, pongs];
}

test('ten thousand requests in one read are all answered, and other readers meanwhile; too many end the connection', async (t) => {
  const venue = await MarketVenue.start(1);
  t.after(() => venue.stop());
  const [flood, floodPongs] = await open(venue.port);
  const [other, otherPongs] = await open(venue.port);
  const pings = (count: number): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, tag) => frame(Opcode.Text, Buffer.from(JSON.stringify({ op: 'ping', tag })))));
  flood.socket.write(pings(10_000));
  other.text({ op: 'ping', tag: 7 });
  await other.until(() => otherPongs.length === 1);
  await flood.until(() => floodPongs.length === 10_000);
  assert.deepEqual(
    floodPongs,
    Array.from({ length: 10_000 }, (_, tag) => tag),
  );
  assert.deepEqual(otherPongs, [7]);
  const [greedy] = await open(venue.port);
  const burst = pings(20_000);
  for (let i = 0; i < 20 && !greedy.ended; i++) {
    greedy.socket.write(burst);
    await new Promise(setImmediate);
  }
  await greedy.until(() => greedy.ended);
  assert.equal(greedy.closeCode, 4008);
  for (const socket of [flood, other, greedy]) socket.destroy();
});
