import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { EchoAnswer } from '../bench/floors/echo-answer.ts';
import { EchoProcess } from '../bench/floors/echo-process.ts';
import { LoadClient } from '../bench/load/load-client.ts';
import { Code } from '../engine/codes.ts';
import { CommandBatch } from '../engine/wire/frames.ts';
import { Report, ReportKind, Side, TimeInForce } from '../engine/wire/layout.ts';
import { ReportFrameReader } from '../engine/wire/report-frames.ts';

const SYMBOLS = [{ id: 1, referencePriceTicks: 10_000 }];

test('the echo answers each command of a frame once, in order, with consecutive numbers', () => {
  const answer = new EchoAnswer(41);
  const batch = new CommandBatch();
  const reader = new ReportFrameReader();
  const answered = (...tags: number[]): unknown[] => {
    batch.clear();
    for (const tag of tags) batch.cancel(1, 7, 0, tag);
    assert.equal(reader.open(answer.to(batch.bytes())), Code.OK);
    const { flat } = reader;
    return Array.from({ length: reader.reports }, (_, i) => {
      const at = reader.reportsAt + i * Report.bytes;
      assert.equal(flat.u8(at + Report.kind), ReportKind.Accepted);
      return [flat.u32(at + Report.tag), flat.u53(at + Report.reportNo)];
    });
  };
  assert.deepEqual(answered(5, 0xffff_ffff, 6), [
    [5, 42],
    [0xffff_ffff, 43],
    [6, 44],
  ]);
  assert.deepEqual(answered(), []);
  assert.deepEqual(answered(9), [[9, 45]]);
  assert.throws(() => answer.to(new Uint8Array(40)), /an invalid CommandFrame: MALFORMED_FRAME/);
});

test('a command that trades has two fills, in memory of the caller after room for a header', () => {
  const answer = new EchoAnswer(0);
  const batch = new CommandBatch();
  batch.place(1, Side.Buy, TimeInForce.ImmediateOrCancel, 100, 5, 7, 1);
  batch.place(1, Side.Buy, TimeInForce.GoodTillCancel, 100, 5, 8, 2);
  const memory = Buffer.alloc(4096);
  const bytes = answer.to(batch.bytes(), 5, { take: (length) => memory.subarray(0, length) });
  assert.equal(bytes.buffer, memory.buffer);
  const reader = new ReportFrameReader();
  assert.equal(reader.open(bytes.subarray(5)), Code.OK);
  const kinds = Array.from({ length: reader.reports }, (_, i) => reader.flat.u8(reader.reportsAt + i * Report.bytes + Report.kind));
  assert.deepEqual(kinds, [ReportKind.Accepted, ReportKind.Fill, ReportKind.Fill, ReportKind.Accepted]);
  // The header and the end of a frame, and the reports as the exchange has them.
  assert.equal(bytes.length, 5 + 48 + 4 * Report.bytes);
});

// The generator fails a run in which an answer is missing, duplicated, or not numbered consecutively.
describe('the echo under load', () => {
  const abort = new AbortController();
  let echo: EchoProcess;
  let load: LoadClient;
  const open = (transport: 'grpc' | 'grpc-js'): Promise<void> =>
    load.open({ transport, port: echo.port, accounts: [1, 2], symbols: SYMBOLS, resting: 50 });

  before(async () => {
    echo = await EchoProcess.start('grpc-js', abort.signal);
    load = new LoadClient(abort.signal);
  });
  after(async () => {
    await load.end();
    await echo.kill();
  });

  for (const transport of ['grpc', 'grpc-js'] as const)
    test(`${transport}: every command is answered once, also over a second connection`, async () => {
      for (let connection = 0; connection < 2; connection++) {
        await open(transport);
        const { orders, windows, rejected, fills } = await load.run({
          rate: 2000,
          batch: 5,
          warmupMs: 0,
          windowMs: 200,
          windows: 1,
          sampleMs: 0,
        });
        // A tenth of the commands trades, and has two fills.
        assert.deepEqual([orders, windows[0].count, rejected, fills], [400, 400, 0, 80]);
      }
      assert.equal((await load.pingPong({ warmup: 10, orders: 20, windows: 2 })).orders, 50);
    });

  test('saturated: the rate is the number of answers in the window', async () => {
    await open('grpc');
    const { achieved, orders, windows } = await load.saturate({ underWay: 100, warmupMs: 0, windowMs: 200 });
    assert.equal(windows[0].count, orders);
    assert.ok(achieved > 0 && achieved <= orders / 0.2, `${achieved}/s with ${orders} orders`);
  });

  test('a server that does not read is overloaded: the run stops and reports it', async () => {
    await open('grpc');
    process.kill(echo.pid, 'SIGSTOP');
    const running = load.run({ rate: 1_000_000, batch: 50, warmupMs: 0, windowMs: 500, windows: 2, sampleMs: 0, mayReject: true });
    await delay(1000);
    process.kill(echo.pid, 'SIGCONT');
    const { overloaded, kept, achieved } = await running;
    assert.deepEqual([overloaded, kept, achieved], [true, false, 0]);
  });
});
