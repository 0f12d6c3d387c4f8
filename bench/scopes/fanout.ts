import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Channel } from '../../engine/wire/layout.ts';
import { ReadersClient } from '../fanout/readers-client.ts';
import { type FloorTurn, jitterFloor } from '../floors/floor.ts';
import { describeFloor, floorLatency } from '../floors/floor-metrics.ts';
import { JitterClient } from '../floors/jitter-client.ts';
import { ExchangeProcess, missingBuild } from '../load/exchange-process.ts';
import { LoadClient } from '../load/load-client.ts';
import type { FlowSymbol } from '../load/order-flow.ts';
import { describePlacement } from '../load/placement.ts';
import { cpuSeconds, residentMemory } from '../load/process-usage.ts';
import { histogramPercentile, histogramSince, readHistogram, readValue } from '../load/prometheus.ts';
import { clientsApart, offTheExchange } from '../suite/cores.ts';
import { type Attempt, eachWindow, foundIn, Violation, windowsOf } from '../suite/each-window.ts';
import type { Metric, Profile, Unit, Window, WindowFault } from '../suite/result.ts';
import { measured, Parts, type Scope, type ScopeContext } from '../suite/scope.ts';

const CONNECTIONS = 10_000;
const READERS = 1000;
const SLOW = 10;
const BOOK_RATE = 10_000;
const PUBLISH_RATE = 50_000;
const PUBLISH_LATENCY = 'openbell_market_hop_seconds';
/** Descriptors in addition to those of the connections. */
const OTHER_FILES = 200;
const WARMUP_MS = 1000;
/** Of a window of the book that is not the first: its orders rest, and the code is compiled. */
const NEXT_WARMUP_MS = 200;
const WINDOW_MS: Record<Profile, number> = { full: 10_000, ci: 1500 };
/** The core alone, after each window of the publish latency. */
const JITTER_MS: Record<Profile, number> = { full: 2000, ci: 300 };

export const scope: Scope = {
  name: 'fanout',
  title: 'Market data to many readers',
  subject: 'command',
  options: {
    connections: `quiet connections, ${CONNECTIONS}`,
    readers: `of the busy book, ${READERS}`,
    rate: `book changes a second, ${BOOK_RATE}`,
  },
  seconds: (profile) => 9 + (2 * (WARMUP_MS + 3 * WINDOW_MS[profile]) + 2 * NEXT_WARMUP_MS + 3 * JITTER_MS[profile]) / 1000,
  missing: () => missingBuild() ?? missingFiles(),
  run: (context) => measured(scope, () => offTheExchange(() => run(context))),
};

/** Node raises its descriptor limit to the hard limit by itself. */
function missingFiles(): string | undefined {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  const needed = CONNECTIONS + OTHER_FILES;
  return hard === 'unlimited' || Number(hard) >= needed
    ? undefined
    : `${CONNECTIONS} connections need ${needed} file descriptors, and the hard limit is ${hard}: ulimit -Hn ${needed}, as root`;
}

async function run(context: ScopeContext) {
  const { profile, windows, dir, progress, signal, options } = context;
  const connections = Number(options.connections ?? CONNECTIONS);
  const count = Number(options.readers ?? READERS);
  const rate = Number(options.rate ?? BOOK_RATE);
  progress('starting the exchange', 0);
  const { exchange: cores, clients } = clientsApart();
  const exchange = await ExchangeProcess.start({ data: join(dir, 'data'), checkout: context.checkout, durability: 'fast', cores, signal });
  const readers = new ReadersClient(signal, clients);
  try {
    const [busy, quiet] = await exchange.symbols();
    const metrics: Metric[] = [];
    const parts = new Parts(signal);
    const part = (name: string, work: () => Promise<Metric[]>): Promise<void> =>
      parts.run(name, async () => void metrics.push(...(await work())));
    await part('connections', () => connect(context, exchange, readers, quiet, connections));
    await part('book', () => book(context, exchange, readers, busy, count, rate));
    const changes = metrics.filter(({ id }) => id === 'fanout.book.latency').flatMap((each) => each.windows);
    await part('book, all windows', async () => {
      if (changes.length > 0 && changes.every(({ failed }) => failed !== undefined)) throw new Error(changes[0].failed);
      return [];
    });
    await part('publish latency', () => publishLatency(context, exchange, readers, busy));
    await part('stop', async () => {
      await exchange.stop();
      return [];
    });
    return { method: method(profile, connections, count, rate, windows), metrics, series: [], ...parts.outcome };
  } finally {
    await readers.end();
    await exchange.kill();
  }
}

/** Connections to an idle book. */
async function connect(
  { windows, progress }: ScopeContext,
  exchange: ExchangeProcess,
  readers: ReadersClient,
  quiet: FlowSymbol,
  count: number,
) {
  progress(`${count} connections`, 0.05);
  const port = exchange.ports.ws;
  const before = residentMemory(exchange.pid).ownMb;
  const from = performance.now();
  await readers.ask({ op: 'connect', port, count, channel: Channel.Bbo, symbol: quiet.id });
  const seconds = (performance.now() - from) / 1000;
  const memory: number[] = [];
  for (let window = 0; window < windows; window++) {
    await sleep(300);
    memory.push(residentMemory(exchange.pid).ownMb - before);
  }
  await readers.ask({ op: 'close' });
  await sleep(500);
  return [
    metric(
      'connections.memory',
      `resident memory for ${count} connections`,
      'MB',
      'lower',
      memory,
      'The windows are consecutive readings.',
    ),
    metric(
      'connections.time',
      `${count} connections, opened and subscribed`,
      's',
      'lower',
      memory.map(() => seconds),
      'Measured once.',
    ),
  ];
}

/** A continuously changing book, its readers, and some slow readers. A window that failed is kept, and the next one has new readers. */
async function book(
  { profile, windows, progress, signal }: ScopeContext,
  exchange: ExchangeProcess,
  readers: ReadersClient,
  symbol: FlowSymbol,
  count: number,
  rate: number,
): Promise<Metric[]> {
  const { ws: port } = exchange.ports;
  const windowMs = WINDOW_MS[profile];
  let open = false;
  const found = await eachWindow(windows, signal, async (window) => {
    progress(`${count} readers, window ${window + 1} of ${windows}`, 0.25 + (0.4 * window) / windows);
    if (!open) {
      await readers.ask({ op: 'close' });
      await readers.ask({ op: 'connect', port, count, channel: Channel.Book, symbol: symbol.id });
      await readers.ask({ op: 'slow', port, count: SLOW, channel: Channel.BookL3, symbol: symbol.id });
    }
    open = false;
    const seq = readValue(await exchange.get('/metrics'), 'openbell_seq\\{stage="sequenced"\\}');
    const cpu = cpuSeconds(exchange.pid);
    const from = performance.now();
    const warmupMs = window === 0 ? WARMUP_MS : NEXT_WARMUP_MS;
    const delivered = await readers.deliver({ port, account: 1, symbol, rate, seq, warmupMs, windowMs });
    const share = ((cpuSeconds(exchange.pid) - cpu) / ((performance.now() - from) / 1000)) * 100;
    open = delivered.fault.failed === undefined;
    return { ...delivered, share };
  });
  const delivered = foundIn(found);
  const gaps = delivered.reduce((sum, each) => sum + each.gaps, 0);
  if (gaps > 0) throw new Violation(`fanout: ${gaps} frames did not follow the previous one`);
  const text = await exchange.get('/metrics');
  const outcome = (name: string): number => readValue(text, `openbell_market_slow_readers_total\\{outcome="${name}"\\}`);
  const dropped = readValue(text, 'openbell_market_frames_total\\{fate="dropped"\\}');
  await readers.ask({ op: 'close' });
  const late = Math.max(0, ...delivered.map(({ sendDelay }) => sendDelay.p99));
  const policy = `${SLOW} readers did not keep up: lagged ${outcome('lagged')} times, re-synced ${outcome('resynced')}, cut ${outcome('cut')}; ${dropped} frames were not sent. The orders left the generator up to ${late} ms late (p99), which is in the latency.`;
  return [
    {
      ...metric('book.latency', `an order's planned time to its change at ${count} readers, ${rate} changes/s`, 'ms', 'lower', [], policy),
      windows: windowsOf(found, ({ latency, fault }) => ({ latency, ...fault })),
    },
    underLoad('book.frames', `frames delivered to ${count} readers`, '/s', 'higher', found, ({ framesPerSecond }) => framesPerSecond),
    underLoad('book.cpu', 'cores of the exchange', '%', 'lower', found, ({ share }) => share, 'Of a window with its warm-up.'),
  ];
}

/** One reader, many events: the latency of the path from the engine to a socket. */
async function publishLatency(
  { profile, windows, progress, signal }: ScopeContext,
  exchange: ExchangeProcess,
  readers: ReadersClient,
  symbol: FlowSymbol,
): Promise<Metric[]> {
  const windowMs = WINDOW_MS[profile];
  // After a part that failed, its readers are still there.
  await readers.ask({ op: 'close' });
  await readers.ask({ op: 'connect', port: exchange.ports.ws, count: 1, channel: Channel.Book, symbol: symbol.id });
  const load = new LoadClient(signal, clientsApart().clients);
  const probe = new JitterClient(signal, clientsApart().exchange);
  const jitter = jitterFloor(probe, load, JITTER_MS[profile]);
  try {
    const read = async (window: number) => {
      progress(`${PUBLISH_RATE} events/s`, 0.65 + (0.35 * window) / (windows + 1));
      // For each window: one in which a session was lost does not take the next ones with it.
      await load.open({ transport: 'ws', port: exchange.ports.ws, accounts: [1, 2, 3, 4], symbols: [symbol], resting: 500 });
      const before = await exchange.get('/metrics');
      const {
        faults: [fault],
      } = await load.run({ rate: PUBLISH_RATE, batch: 10, warmupMs: 0, windowMs, windows: 1, sampleMs: 0, mayReject: true });
      const after = await exchange.get('/metrics');
      const since = histogramSince(readHistogram(before, PUBLISH_LATENCY), readHistogram(after, PUBLISH_LATENCY));
      const events = readValue(after, 'openbell_market_events_total') - readValue(before, 'openbell_market_events_total');
      if (fault.failed !== undefined && events === 0) throw new Error(fault.failed);
      const [p50, p99] = [50, 99].map((percent) => histogramPercentile(since, percent) * 1000);
      return { p50, p99, events: (events * 1000) / windowMs, fault };
    };
    await read(0);
    const alone: FloorTurn[][] = [];
    const found = await eachWindow(windows, signal, async (window) => {
      const reading = await read(window + 1);
      alone.push([await jitter.turn()]);
      return reading;
    });
    const of = `one reader of the book, ${PUBLISH_RATE} commands/s`;
    const beside = floorLatency(jitter, alone, { scope: 'fanout', point: 'hop', what: of });
    return [
      underLoad(
        'hop.p99',
        `stamp of a command to the last socket write of its events, p99, ${of}`,
        'ms',
        'lower',
        found,
        ({ p99 }) => p99,
        alone.length > 0 ? `${describeFloor(jitter, beside)}.` : undefined,
      ),
      ...(alone.length > 0 ? [beside] : []),
      underLoad('hop.p50', `the same, p50`, 'ms', 'lower', found, ({ p50 }) => p50),
      underLoad('hop.events', 'book events', '/s', 'higher', found, ({ events }) => events),
    ];
  } finally {
    await probe.end();
    await load.end();
  }
}

/** What the exchange itself measured, or did: a late generator does not veto it. A window whose load failed is kept with its reason. */
function underLoad<Found extends { readonly fault: WindowFault }>(
  id: string,
  title: string,
  unit: Unit,
  better: Metric['better'],
  windows: readonly Attempt<Found>[],
  read: (found: Found) => number,
  note?: string,
): Metric {
  const of = (found: Found): Window => ({ value: read(found), ...(found.fault.failed !== undefined && { failed: found.fault.failed }) });
  return { ...metric(id, title, unit, better, [], note), windows: windowsOf(windows, of) };
}

function metric(id: string, title: string, unit: Unit, better: Metric['better'], values: readonly number[], note?: string): Metric {
  return { id: `fanout.${id}`, title, unit, better, windows: values.map((value) => ({ value })), ...(note !== undefined && { note }) };
}

function method(profile: Profile, connections: number, readers: number, rate: number, windows: number): string[] {
  const windowMs = WINDOW_MS[profile];
  return [
    `The exchange is the built command in a separate process, mode fast, topology auto; readers and orders come from another process over loopback. The exchange is not tuned. ${describePlacement(clientsApart())}`,
    `Connections: ${connections} WebSockets, each subscribed to the best prices of a symbol without trading.`,
    `Book: ${readers} WebSockets subscribed to one book, into which ${rate} commands a second go by schedule in messages of 10; each changes the book. Latency counts from the planned time of a command to the arrival of its frame, for every 50th command at every reader; ${windows} windows of ${windowMs / 1000} s on a new connection each, the first after ${WARMUP_MS / 1000} s of warm-up, the others after ${NEXT_WARMUP_MS / 1000} s. A gap in the numbers of any reader is an error.`,
    `In addition, ${SLOW} readers of every order of the same book are slow: half never read, half read 0.5 s of each 8 s.`,
    `Publish latency: the exchange's own histogram, from the time stamp of a command on arrival to the moment the flush with its events has been passed to the reader's socket; it includes the engine. Percentiles are linear within a bucket. After each window, a process that only reads the clock has the exchange's core for ${JITTER_MS[profile] / 1000} s.`,
  ];
}
