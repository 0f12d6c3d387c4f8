/** What an account's orders wait because of the others: heavy queries, slow readers, an account at its throttle, a cascade of stops. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Channel } from '../../engine/wire/layout.ts';
import { ReadersClient } from '../fanout/readers-client.ts';
import { DisturberClient } from '../isolation/disturber-client.ts';
import type { DisturbanceName, Disturbed } from '../isolation/disturber-protocol.ts';
import { goFirst, Probe } from '../isolation/probe.ts';
import { ExchangeProcess, missingBuild } from '../load/exchange-process.ts';
import { thousands, valueMetric } from '../load/metrics.ts';
import type { FlowSymbol } from '../load/order-flow.ts';
import { describePlacement } from '../load/placement.ts';
import { StageReporter } from '../load/stage-reporter.ts';
import { clientsApart, offTheExchange } from '../suite/cores.ts';
import { type Latency, mergeLatencies } from '../suite/recorder.ts';
import { type Metric, median, type Profile } from '../suite/result.ts';
import { measured, type Scope, type ScopeContext } from '../suite/scope.ts';

/** Orders a second of the account that is measured, one a message. */
const RATE = 2000;
/** So that the code is compiled, and the history has what queries read. */
const WARMUP_RATE = 20_000;
const SLOW_READERS = 200;
const STOPS = 10_000;
/** What the account at its throttle may send a second, and what it sends. */
const THROTTLE = 500;
const FLOOD = 20_000;
/** The measured account, the throttled one, those of the cascade. */
const ACCOUNT = 1;
const OTHERS = { read: ACCOUNT, throttled: 2, stops: 3, bids: 4 } as const;
const TURN_MS: Record<Profile, number> = { ci: 500, full: 3000 };
const TURNS: Record<Profile, number> = { ci: 1, full: 3 };
const WARMUP_MS: Record<Profile, number> = { ci: 1500, full: 8000 };
/** After the connections of the readers, and after the end of a disturbance. */
const SETTLE_MS = 100;
/** To place the stops, and to open the readers. */
const OTHER_MS = 300;
/** The cascade begins in the first tenth of a turn. */
const CASCADE_AFTER_MS = 50;

const PARTS = ['history', 'readers', 'throttle', 'cascade'] as const;
type Part = (typeof PARTS)[number];
const TITLES: Record<Part | 'all', string> = {
  history: 'heavy queries of the history',
  readers: `${SLOW_READERS} slow readers of every order`,
  throttle: `an account that sends ${thousands(FLOOD)} orders/s at a throttle of ${thousands(THROTTLE)}`,
  cascade: `a cascade of ${thousands(STOPS)} stops`,
  all: 'all of these together',
};
const KINDS: readonly (readonly [Part | 'all', readonly Part[]])[] = [...PARTS.map((part) => [part, [part]] as const), ['all', PARTS]];

export const scope: Scope = {
  name: 'isolation',
  title: 'Isolation: order latency of an account beside others',
  subject: 'command',
  options: { only: `${PARTS.join(', ')} or all: one disturbance`, topology: 'compact or pinned' },
  seconds: (profile) => (WARMUP_MS[profile] + (1 + 3 * TURNS[profile]) * KINDS.length * (2 * TURN_MS[profile] + OTHER_MS)) / 1000,
  missing: missingBuild,
  run: (context) => measured(scope, () => offTheExchange(() => run(context))),
};

/** Latencies in the turns of a window: disturbed, and in the quiet turns around them. */
type Window = Record<string, { readonly quiet: Latency[]; readonly disturbed: Latency[] }>;

async function run(context: ScopeContext) {
  const { profile, dir, signal, options, windows: count } = context;
  const kinds = KINDS.filter(([name]) => options.only === undefined || options.only === name);
  if (kinds.length === 0) throw new Error(`-o only=${options.only}: it is one of ${KINDS.map(([name]) => name).join(', ')}`);
  const topology = (options.topology ?? (availableParallelism() >= 4 ? 'pinned' : 'compact')) as 'compact' | 'pinned';
  const stage = new StageReporter(context, scope.seconds(profile));
  stage.begin('starting the exchange');
  const placement = clientsApart();
  const exchange = await ExchangeProcess.start({
    data: join(dir, 'data'),
    checkout: context.checkout,
    durability: 'fast',
    topology,
    cores: placement.exchange,
    signal,
  });
  const disturber = new DisturberClient(signal, placement.clients);
  const readers = new ReadersClient(signal, placement.clients);
  const sum = { queries: 0, bytes: 0, throttled: 0, triggered: 0 };
  try {
    const [busy, other] = await exchange.symbols();
    await exchange.post(`/v1/accounts/${OTHERS.throttled}/limits`, { commandsPerSecond: THROTTLE });
    goFirst(placement.clients, [disturber.pid, readers.pid]);
    const probe = await Probe.open(exchange.ports.grpc, ACCOUNT, busy);
    await disturber.open({ ports: exchange.ports, accounts: OTHERS, symbol: other, stops: STOPS, rate: FLOOD });
    stage.begin('warm-up');
    await probe.run(WARMUP_RATE, WARMUP_MS[profile]);

    const turn = (): Promise<Latency> => probe.run(RATE, TURN_MS[profile]);
    const disturbedTurn = async (parts: readonly Part[]): Promise<Latency> => {
      const readsBook = parts.includes('readers');
      await disturber.prepare(parts.filter((part): part is DisturbanceName => part !== 'readers'));
      if (readsBook) await openReaders(readers, exchange, busy);
      await sleep(SETTLE_MS);
      await disturber.begin(CASCADE_AFTER_MS);
      const latency = await turn();
      add(sum, checked(await disturber.finish(), parts));
      if (readsBook) await readers.ask({ op: 'close' });
      await sleep(SETTLE_MS);
      return latency;
    };

    for (const [, parts] of kinds) await disturbedTurn(parts);
    const windows: Window[] = [];
    while (windows.length < count) {
      const window: Window = Object.fromEntries(kinds.map(([name]) => [name, { quiet: [], disturbed: [] }]));
      let before = await turn();
      for (let i = 0; i < TURNS[profile]; i++)
        for (const [name, parts] of kinds) {
          stage.begin(`${name}, window ${windows.length + 1} of ${count}`);
          window[name].quiet.push(before);
          window[name].disturbed.push(await disturbedTurn(parts));
          before = await turn();
          window[name].quiet.push(before);
        }
      windows.push(window);
    }
    await probe.close();
    await disturber.end();
    await exchange.stop();
    await exchange.verify();
    return { method: method(profile, topology, sum), metrics: kinds.flatMap(([name]) => ratios(name, windows)), series: [] };
  } finally {
    stage.end();
    await disturber.end();
    await readers.end();
    await exchange.kill();
  }
}

async function openReaders(readers: ReadersClient, exchange: ExchangeProcess, symbol: FlowSymbol): Promise<void> {
  await readers.ask({ op: 'slow', port: exchange.ports.ws, count: SLOW_READERS, channel: Channel.BookL3, symbol: symbol.id });
}

/** @throws Error if nothing disturbed */
function checked(disturbed: Disturbed, parts: readonly Part[]): Disturbed {
  const { queries, throttled, triggered } = disturbed;
  if (parts.includes('history') && queries === 0) throw new Error('no query of the history was answered');
  if (parts.includes('throttle') && throttled === 0) throw new Error('no order was at the throttle');
  if (parts.includes('cascade') && triggered !== STOPS) throw new Error(`${triggered} stops triggered`);
  return disturbed;
}

function add(sum: Record<keyof Disturbed, number>, more: Disturbed): void {
  for (const name of Object.keys(sum) as (keyof Disturbed)[]) sum[name] += more[name];
}

function ratios(name: Part | 'all', windows: readonly Window[]): Metric[] {
  return (['p50', 'p99'] as const).map((percentile) => {
    const [quiet, disturbed] = (['quiet', 'disturbed'] as const).map((turns) =>
      windows.map((window) => mergeLatencies(window[name][turns])[percentile]),
    );
    const note = `Median beside it ${median(disturbed).toFixed(3)} ms, alone ${median(quiet).toFixed(3)} ms.`;
    const title = `order latency, ${percentile}, beside ${TITLES[name]} / alone`;
    return valueMetric(
      `isolation.${name}.${percentile}`,
      title,
      'x',
      'lower',
      disturbed.map((ms, i) => ms / quiet[i]),
      note,
    );
  });
}

function method(profile: Profile, topology: string, { queries, bytes, throttled, triggered }: Disturbed): string[] {
  return [
    `The exchange is the built command in a separate process, mode fast, topology ${topology}. ${describePlacement(clientsApart())}`,
    `One account sends ${thousands(RATE)} orders/s by schedule, one a message, over gRPC; latency counts from the send to the first report, and the next orders do not wait for it. Turns of ${TURN_MS[profile]} ms, alone and beside a disturbance by turns; ${TURNS[profile]} of each disturbance in a window.`,
    `Disturbances, from processes on the core of the clients: 4 queries at a time, each for 1,000 reports, trades or orders of the account from the history; ${SLOW_READERS} WebSockets with every order of the book, half of which never read and half 0.5 s of each 8 s; an account that sends ${thousands(FLOOD)} orders/s and may send ${thousands(THROTTLE)}; ${thousands(STOPS)} stops of one account, each of which triggers the next, in a symbol without other orders.`,
    `In all windows ${thousands(queries)} queries were answered with ${Math.round(bytes / 1e6)} MB, ${thousands(throttled)} orders were throttled, and ${thousands(triggered)} stops triggered.`,
  ];
}
