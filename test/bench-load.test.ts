import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ReadersClient } from '../bench/fanout/readers-client.ts';
import type { Delivered } from '../bench/fanout/readers-protocol.ts';
import { ExchangeProcess } from '../bench/load/exchange-process.ts';
import { LoadClient } from '../bench/load/load-client.ts';
import { MessageSplitter } from '../bench/load/message-splitter.ts';
import { latencyMetric } from '../bench/load/metrics.ts';
import { histogramPercentile, histogramSince, readHistogram, readValue, shareBelow } from '../bench/load/prometheus.ts';
import { SendArena } from '../bench/load/send-arena.ts';
import { runWithReadings, serverWindow } from '../bench/load/server-readings.ts';
import { TRANSPORTS } from '../bench/load/transport.ts';
import { Recorder } from '../bench/suite/recorder.ts';
import { Channel } from '../engine/wire/layout.ts';

describe('the load generator', () => {
  const data = mkdtempSync(join(tmpdir(), 'openbell-load-'));
  const abort = new AbortController();
  let exchange: ExchangeProcess;
  let load: LoadClient;
  const open = async (transport: (typeof TRANSPORTS)[number]): Promise<void> => {
    const symbols = await exchange.symbols();
    const port = transport.startsWith('ws') ? exchange.ports.ws : exchange.ports.grpc;
    await load.open({ transport, port, accounts: [1, 2], symbols, named: symbols, resting: 50 });
  };

  before(async () => {
    exchange = await ExchangeProcess.start({ data, durability: 'fast', signal: abort.signal });
    load = new LoadClient(abort.signal);
    // Until enough orders rest at the best prices that every taker finds a maker.
    await open('ws');
    await load.run({ rate: 20_000, batch: 10, warmupMs: 0, windowMs: 500, windows: 1, sampleMs: 0 });
  });

  after(async () => {
    await load.end();
    await exchange.kill();
    rmSync(data, { recursive: true });
  });

  for (const transport of TRANSPORTS) {
    test(`${transport}: every command is in a window and answered, a tenth of them trades`, async () => {
      await open(transport);
      const run = await load.run({ rate: 2000, batch: 5, warmupMs: 100, windowMs: 200, windows: 2, sampleMs: 100 });
      assert.equal(run.orders, 1000);
      assert.deepEqual(
        run.windows.map(({ count }) => count),
        [400, 400],
      );
      assert.ok(run.samples.length >= 3);
      const { fills } = await load.run({ rate: 5000, batch: 10, warmupMs: 0, windowMs: 400, windows: 1, sampleMs: 0 });
      // Each of 200 takers has a fill, and its maker another; on a busy machine a taker may find no maker, and a fill come after the run.
      assert.ok(fills > 350 && fills <= 400, `${fills} fills`);
      const pingPong = await load.pingPong({ warmup: 10, orders: 20, windows: 2 });
      assert.equal(pingPong.orders, 50);
      assert.deepEqual(
        pingPong.windows.map(({ count }) => count),
        [20, 20],
      );
    });
  }

  test('the figures of the exchange are those of the window, by thread', async () => {
    await open('grpc');
    const request = { rate: 2000, batch: 1, warmupMs: 100, windowMs: 800, sampleMs: 0 };
    const { result, usage } = await runWithReadings(exchange, load, request);
    assert.equal(result.windows.length, 1);
    assert.ok(usage !== undefined);
    assert.ok(usage.commands >= result.orders, `${usage.commands} of ${result.orders}`);
    const { serviceTimeP50, serviceTimeP99, withinMs, cpuPerOrder, cpuByRole, waited } =
      serverWindow([usage, usage]) ?? assert.fail('nothing was done');
    assert.ok(serviceTimeP50 > 0 && serviceTimeP50 <= serviceTimeP99);
    assert.ok(withinMs >= 0 && withinMs <= 100);
    assert.ok(cpuPerOrder >= 0 && cpuByRole.main > 0 && cpuByRole.libuv >= 0 && waited >= 0);
  });

  test('market data: a window with a reject is kept with its reason, and the next one is whole', async (t) => {
    const readers = new ReadersClient(abort.signal);
    t.after(() => readers.end());
    const [symbol] = await exchange.symbols();
    const port = exchange.ports.ws;
    const window = async (): Promise<Delivered> => {
      await readers.ask({ op: 'close' });
      await readers.ask({ op: 'connect', port, count: 2, channel: Channel.Book, symbol: symbol.id });
      const seq = readValue(await exchange.get('/metrics'), 'openbell_seq\\{stage="sequenced"\\}');
      return await readers.deliver({ port, account: 2, symbol, rate: 2000, seq, warmupMs: 50, windowMs: 300 });
    };
    assert.equal((await window()).fault.failed, undefined);
    await exchange.post('/v1/accounts/2/suspend');
    assert.match((await window()).fault.failed ?? '', /rejected, the first with ACCOUNT_SUSPENDED/);
    await exchange.post('/v1/accounts/2/resume');
    const { fault, latency, framesPerSecond, gaps } = await window();
    assert.equal(fault.failed, undefined);
    assert.ok(latency.count > 0 && framesPerSecond > 0);
    assert.equal(gaps, 0);
  });

  test('a reject fails a run, and is an overload in a ramp', async () => {
    await open('grpc');
    await exchange.post('/v1/accounts/2/suspend');
    const request = { rate: 1000, batch: 1, warmupMs: 0, windowMs: 200, windows: 1, sampleMs: 0 };
    const { kept } = await load.run({ ...request, mayReject: true });
    assert.equal(kept, false);
    await assert.rejects(load.run(request), /rejected, the first with ACCOUNT_SUSPENDED/);
    await open('grpc');
    const single = load.pingPong({ warmup: 10, orders: 10, windows: 1 });
    await exchange.post('/v1/accounts/1/suspend');
    await assert.rejects(
      single.then(() => load.pingPong({ warmup: 10, orders: 10, windows: 1 })),
      /rejected, the first with ACCOUNT_SUSPENDED/,
    );
  });
});

test('a window that was stopped is noted as overloaded', () => {
  const recorder = new Recorder();
  const result = {
    windows: [recorder.take()],
    faults: [{}],
    samples: [],
    sendDelay: recorder.take(),
    orders: 9,
    fills: 0,
    rejected: 0,
    achieved: 0,
  };
  const noteOf = (kept: boolean, overloaded: boolean) => latencyMetric('a.b', '', 5000, { ...result, kept, overloaded }).note;
  assert.equal(noteOf(true, false), undefined);
  assert.equal(noteOf(false, false), '0 of 5,000 commands/s were answered');
  assert.equal(noteOf(false, true), 'overloaded: at 5,000 commands/s a window was stopped, too many commands were in flight');
});

test('messages that arrive in pieces of any size are reassembled', () => {
  class Lines extends MessageSplitter {
    protected override readHead(bytes: Buffer, at: number): number {
      if (at + 1 > bytes.length) return 0;
      this.length = bytes[at];
      return 1;
    }
  }
  const stream = Buffer.concat(['alpha', '', 'b', 'gamma delta'].map((text) => Buffer.from(`${String.fromCharCode(text.length)}${text}`)));
  for (let size = 1; size <= stream.length; size++) {
    const lines = new Lines();
    const got: string[] = [];
    for (let at = 0; at < stream.length; at += size) lines.push(stream.subarray(at, at + size), (message) => got.push(message.toString()));
    assert.deepEqual(got, ['alpha', '', 'b', 'gamma delta'], `in pieces of ${size}`);
  }
});

test('the send arena returns the reserved bytes, also across its end', () => {
  const arena = new SendArena(10);
  const put = (text: string): void => void arena.bytes.write(text, arena.reserve(text.length), 'latin1');
  put('abc');
  put('de');
  assert.equal(arena.take().toString('latin1'), 'abcde');
  put('fgh');
  put('ijk');
  assert.equal(arena.take().toString('latin1'), 'fghijk');
  assert.equal(arena.take().length, 0);
  assert.throws(() => put('more than ten'), RangeError);
});

test('percentiles of a Prometheus histogram are those between two readings', () => {
  const text = (counts: number[]): string =>
    ['0.001', '0.002', '+Inf'].map((le, i) => `stay_seconds_bucket{le="${le}"} ${counts[i]}`).join('\n');
  const since = histogramSince(readHistogram(text([10, 10, 10]), 'stay_seconds'), readHistogram(text([60, 108, 110]), 'stay_seconds'));
  assert.deepEqual(since.below, [50, 98, 100]);
  assert.equal(histogramPercentile(since, 25), 0.0005);
  assert.equal(histogramPercentile(since, 50), 0.001);
  assert.equal(histogramPercentile(since, 74), 0.0015);
  assert.equal(histogramPercentile(since, 100), 0.002, 'what is above the last bound counts as that');
  assert.equal(shareBelow(since, 0.001), 0.5);
  assert.throws(() => shareBelow(since, 0.0015), /no bucket/);
  assert.throws(() => histogramPercentile(histogramSince(since, since), 99), /nothing was observed/);
});
