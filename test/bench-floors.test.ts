import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Arrivals } from '../bench/durable/schedule.ts';
import { type EchoKind, EchoProcess } from '../bench/floors/echo-process.ts';
import type { Floor, FloorTurn } from '../bench/floors/floor.ts';
import { besideFloors } from '../bench/floors/floor-metrics.ts';
import { inTurns } from '../bench/floors/in-turns.ts';
import { waitsOf } from '../bench/floors/jitter.ts';
import { LoadClient } from '../bench/load/load-client.ts';
import { rolesOf, type ThreadUsage, usageSince } from '../bench/load/thread-usage.ts';
import type { LoadTransportName } from '../bench/load/transport.ts';
import { Recorder } from '../bench/suite/recorder.ts';
import type { Metric } from '../bench/suite/result.ts';

describe('jitter', () => {
  const waits = (totalMs: number, ...gaps: readonly (readonly [from: number, to: number])[]) =>
    waitsOf({ fromMs: gaps.map(([from]) => from), toMs: gaps.map(([, to]) => to), count: gaps.length }, totalMs);

  test('a core without other work has none', () => {
    const { count, p50, p99, max } = waits(100);
    assert.deepEqual([count, p50, p99, max], [100_000, 0, 0, 0]);
  });

  test('a percentile is the wait of an arrival at a random time', () => {
    // 2 % of the time is in the gap; half of its arrivals wait longer than a millisecond.
    const one = waits(100, [50, 52]);
    assert.equal(one.count, 100_000);
    assert.ok(Math.abs(one.p99 - 1) < 0.01, `${one.p99}`);
    assert.ok(Math.abs(one.p999 - 1.9) < 0.01, `${one.p999}`);
    assert.ok(Math.abs(one.max - 2) < 0.01, `${one.max}`);
    // The same time in 20 gaps: hardly anyone waits 0.1 ms.
    const many = waits(100, ...Array.from({ length: 20 }, (_, i) => [i * 5, i * 5 + 0.1] as const));
    assert.ok(Math.abs(many.p99 - 0.05) < 0.002, `${many.p99}`);
  });

  test('a gap as short as the distance of two readings is none', () => {
    assert.equal(waits(10, [1, 1.004], [3, 3.0049]).max, 0);
  });
});

describe('figures beside a floor', () => {
  const latency = (p99: number, count = 100): FloorTurn => {
    const recorder = new Recorder();
    recorder.recordMany(p99 / 10, count * 0.9);
    recorder.recordMany(p99, count * 0.1);
    return { latency: recorder.take() };
  };
  const floor = (id: string, hasRatio: boolean): Floor => ({
    id,
    title: `the ${id}`,
    hasRatio,
    warmUp: async () => undefined,
    turn: async () => latency(1),
  });
  const exchange = (...turns: readonly FloorTurn[]): Metric => ({
    id: 'wire.target.latency',
    title: '',
    unit: 'ms',
    better: 'lower',
    windows: turns,
  });
  const names = { scope: 'wire', point: 'target', what: 'a load' };
  const byId = (metrics: readonly Metric[]) => new Map(metrics.map((metric) => [metric.id, metric]));

  test('the ratio is one of windows: of the same window, with the turns of the floor as one distribution', () => {
    const turns = [[latency(1)], [latency(4), latency(4)], [latency(2)]];
    const own = exchange(latency(3), latency(6), latency(10));
    const found = byId(besideFloors(own, new Map([[floor('echo', true), turns]]), names));
    const values = (id: string) => found.get(id)?.windows.map(({ value = 0 }) => Math.round(value * 100) / 100);
    assert.deepEqual(values('wire.ratio.floor.target.echo.p99'), [3, 1.5, 5]);
    assert.deepEqual(values('wire.ratio.floor.target.echo.p50'), [3, 1.5, 5]);
    assert.equal(found.get('wire.floor.target.echo.latency')?.windows[1].latency?.count, 200);
    assert.match(
      found.get('wire.target.latency')?.note ?? '',
      /^the echo beside it: p99 2\.00 ms \(1\.00 to 4\.00\), so the exchange took 3\.0x \(1\.5x to 5\.0x\)$/,
    );
  });

  test('the core alone has no ratio; a window that broke off is not the best', () => {
    const stopped = { latency: new Recorder().take() };
    const below = new Map([
      [floor('jitter', false), [[latency(1)]]],
      [floor('echo', true), [[latency(1)]]],
    ]);
    const found = byId(besideFloors({ ...exchange(stopped), note: 'overloaded' }, below, names));
    assert.ok(!found.has('wire.ratio.floor.target.jitter.p99'));
    assert.equal(found.get('wire.ratio.floor.target.echo.p99')?.windows[0].value, Number.POSITIVE_INFINITY);
    assert.match(found.get('wire.target.latency')?.note ?? '', /^overloaded; the jitter beside it: p99 1\.00 ms/);
  });

  test('a floor that broke off vetoes the ratio of that window; a window of the exchange that failed stays failed', () => {
    const broken = { ...latency(1), failed: 'a session was lost' };
    const own = exchange(latency(3), { ...latency(3), failed: 'rejected' } as FloorTurn, latency(3));
    const found = byId(besideFloors(own, new Map([[floor('echo', true), [[broken], [latency(1)], [latency(1)]]]]), names));
    const faults = (id: string) => found.get(id)?.windows.map(({ failed, vetoed }) => failed ?? vetoed ?? 'none');
    assert.deepEqual(faults('wire.floor.target.echo.latency'), ['a session was lost', 'none', 'none']);
    assert.deepEqual(faults('wire.ratio.floor.target.echo.p99'), ['its floor broke off: a session was lost', 'rejected', 'none']);
  });

  test('CPU per order is that of all turns of a window', () => {
    const turns = [
      [
        { ...latency(1), cpuSeconds: 0.1, orders: 10_000 },
        { ...latency(1), cpuSeconds: 0.3, orders: 30_000 },
      ],
    ];
    const cpu: Metric = { id: 'wire.cpu_per_order', title: '', unit: 'us', better: 'lower', windows: [{ value: 25 }] };
    const below = new Map([
      [floor('echo', true), turns],
      [floor('disk', true), [[latency(1)]]],
    ]);
    const found = byId(besideFloors(exchange(latency(1)), below, names, cpu));
    assert.deepEqual(found.get('wire.floor.target.echo.cpu_per_order')?.windows, [{ value: 10 }]);
    assert.deepEqual(found.get('wire.ratio.floor.target.echo.cpu_per_order')?.windows, [{ value: 2.5 }]);
    assert.ok(!found.has('wire.ratio.floor.target.disk.cpu_per_order'));
    assert.ok(!byId(besideFloors(exchange(latency(1)), below, names)).has('wire.ratio.floor.target.echo.cpu_per_order'));
  });

  test('the exchange and its floors take turns, whose order changes', async () => {
    const log: string[] = [];
    const logged = (id: string): Floor => ({
      ...floor(id, true),
      turn: async () => {
        log.push(id);
        return latency(1);
      },
    });
    const floors = [logged('a'), logged('b')];
    const found = await inTurns(3, 1, async () => log.push('exchange'), floors);
    assert.deepEqual(log.join(' '), 'exchange a b b a exchange exchange a b');
    assert.deepEqual(found.exchange, [[1], [6], [7]]);
    assert.deepEqual(
      floors.map((each) => found.floors.get(each)?.map((turns) => turns.length)),
      [
        [1, 1, 1],
        [1, 1, 1],
      ],
    );
  });
});

test('commands that arrive in batches share a planned time', () => {
  const recorder = new Recorder();
  const arrivals = new Arrivals({ rate: 1000, batch: 10, warmUpMs: 0, ms: 100_000 }, recorder);
  assert.equal(arrivals.total, 100_000);
  assert.equal(arrivals.arrived() % 10, 0);
  assert.ok(arrivals.arrived() >= 10);
  arrivals.complete(10);
  const first = recorder.take();
  assert.equal(first.count, 10);
  // A percentile is the upper end of its bucket, a thousandth wide.
  assert.ok(Math.abs(first.p50 - first.max) <= first.max / 500, 'one latency');
});

describe('threads', () => {
  test('have the roles of their names and of the order of their start', () => {
    const names = ['node', 'DelayedTaskSche', 'node', 'node', 'libuv-worker', 'libuv-worker', 'node', 'history'];
    const roles = rolesOf(
      7,
      names.map((name, index) => ({ id: 7 + index, name })),
    ).map(({ role }) => role);
    assert.deepEqual(roles, ['main', 'v8', 'v8', 'v8', 'libuv', 'libuv', 'workers', 'workers']);
  });

  test('count between two readings, also those that started meanwhile', () => {
    const thread = (id: number, cpu: number, waited: number): ThreadUsage => ({ id, role: 'workers', cpu, waited });
    const { workers, main } = usageSince([thread(1, 5, 1), thread(2, 9, 9)], [thread(1, 7, 1.5), thread(3, 1, 0)]);
    assert.deepEqual(workers, { cpu: 3, waited: 0.5 });
    assert.deepEqual(main, { cpu: 0, waited: 0 });
  });
});

// The generator fails a run in which an answer is missing, duplicated, or not numbered consecutively.
describe('the echoes under load', () => {
  const abort = new AbortController();
  const transports = { net: 'net', http2: 'grpc', uws: 'ws' } as const satisfies Partial<Record<EchoKind, LoadTransportName>>;
  let load: LoadClient;
  before(() => {
    load = new LoadClient(abort.signal);
  });
  after(() => load.end());

  for (const kind of ['net', 'http2', 'uws'] as const)
    test(`${kind}: every command is answered once with as many reports as the exchange has, also over a second connection`, async (t) => {
      const echo = await EchoProcess.start(kind, abort.signal);
      t.after(() => echo.kill());
      const symbols = [{ id: 1, referencePriceTicks: 10_000 }];
      for (let connection = 0; connection < 2; connection++) {
        await load.open({ transport: transports[kind], port: echo.port, accounts: [1, 2], symbols, resting: 50 });
        const run = { rate: 5000, batch: 10, warmupMs: 0, windowMs: 200, windows: 1, sampleMs: 0 };
        const { orders, windows, rejected, fills } = await load.run(run);
        // A tenth of the commands trades, and has two fills.
        assert.deepEqual([orders, windows[0].count, rejected, fills], [1000, 1000, 0, 200]);
      }
      // A connection that was lost can be closed all the same.
      await echo.kill();
      await assert.rejects(load.pingPong({ warmup: 0, orders: 1, windows: 1 }), /a session was lost/);
      await load.close();
    });
});
