/** What an account's orders wait because of the others: heavy queries, slow readers, an account at its throttle, a cascade of stops. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Channel } from '../../engine/wire/layout.ts';
import { ReadersClient } from '../fanout/readers-client.ts';
import { DisturberClient } from '../isolation/disturber-client.ts';
import type { DisturbanceName, Disturbed } from '../isolation/disturber-protocol.ts';
import { goFirst, Probe, type Probed } from '../isolation/probe.ts';
import { type IsolationTurns, isolationRatios } from '../isolation/ratios.ts';
import { ExchangeProcess, missingBuild } from '../load/exchange-process.ts';
import { thousands } from '../load/metrics.ts';
import type { FlowSymbol } from '../load/order-flow.ts';
import { describePlacement } from '../load/placement.ts';
import { StageReporter } from '../load/stage-reporter.ts';
import { clientsApart, offTheExchange } from '../suite/cores.ts';
import { type Attempt, attempt, foundIn } from '../suite/each-window.ts';
import type { Profile } from '../suite/result.ts';
import { measured, Parts, type Scope, type ScopeContext } from '../suite/scope.ts';

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
/** A p99 of fewer than a thousand orders is that of one pause of a thread. */
const TURN_MS: Record<Profile, number> = { ci: 800, full: 3000 };
const TURNS: Record<Profile, number> = { ci: 1, full: 3 };
const WARMUP_MS: Record<Profile, number> = { ci: 3000, full: 8000 };
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

interface Window extends IsolationTurns<DisturbedTurn> {
  readonly quiet: Attempt<Probed>[];
  readonly disturbed: Attempt<DisturbedTurn>[];
}

type DisturbedTurn = Probed & { readonly disturbed: Disturbed };

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
  let probe: Probe | undefined;
  try {
    const [busy, other] = await exchange.symbols();
    await exchange.post(`/v1/accounts/${OTHERS.throttled}/limits`, { commandsPerSecond: THROTTLE });
    goFirst(placement.clients, [disturber.pid, readers.pid]);
    await disturber.open({ ports: exchange.ports, accounts: OTHERS, symbol: other, stops: STOPS, rate: FLOOD });
    stage.begin('warm-up');

    /** After a turn that broke off, the next one has a session of its own. */
    const probed = async (rate: number, ms: number): Promise<Probed> => {
      probe ??= await Probe.open(exchange.ports.grpc, ACCOUNT, busy);
      try {
        return await probe.run(rate, ms);
      } catch (error) {
        const lost = probe;
        probe = undefined;
        await lost.close();
        throw error;
      }
    };
    const quietTurn = (): Promise<Attempt<Probed>> => attempt(signal, () => probed(RATE, TURN_MS[profile]));
    const disturbedTurn = (parts: readonly Part[]): Promise<Attempt<DisturbedTurn>> =>
      attempt(signal, async () => {
        try {
          await disturber.prepare(parts.filter((part): part is DisturbanceName => part !== 'readers'));
          if (parts.includes('readers')) await openReaders(readers, exchange, busy);
          await sleep(SETTLE_MS);
          await disturber.begin(CASCADE_AFTER_MS);
          // Also after a turn that broke off, the disturbance ends before the next one.
          const found = await quietTurn();
          const disturbed = await disturber.finish();
          if ('failed' in found) throw new Error(found.failed);
          return { ...found.found, disturbed: checked(disturbed, parts) };
        } finally {
          if (parts.includes('readers')) await readers.ask({ op: 'close' });
          await sleep(SETTLE_MS);
        }
      });

    const parts = new Parts(signal);
    const windows: Record<string, Window>[] = [];
    await parts.run('windows', async () => {
      await probed(WARMUP_RATE, WARMUP_MS[profile]);
      for (const [, parts] of kinds) await disturbedTurn(parts);
      while (windows.length < count) {
        const window: Record<string, Window> = Object.fromEntries(kinds.map(([name]) => [name, { quiet: [], disturbed: [] }]));
        let before = await quietTurn();
        for (let i = 0; i < TURNS[profile]; i++)
          for (const [name, parts] of kinds) {
            stage.begin(`${name}, window ${windows.length + 1} of ${count}`);
            window[name].quiet.push(before);
            window[name].disturbed.push(await disturbedTurn(parts));
            before = await quietTurn();
            window[name].quiet.push(before);
          }
        windows.push(window);
      }
    });
    const found = kinds.map(([name]) => ({ name, windows: windows.map((window) => window[name]) }));
    await parts.run('stop', async () => {
      await probe?.close();
      await disturber.end();
      await exchange.stop();
      await exchange.verify();
    });
    const metrics =
      windows.length === 0 ? [] : found.flatMap(({ name, windows }) => isolationRatios(name, TITLES[name], windows, describe(windows)));
    return { method: method(profile, topology), metrics, series: [], ...parts.outcome };
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

/** What disturbed, per turn. */
function describe(windows: readonly Window[]): string {
  const turns = windows.flatMap(({ disturbed }) => foundIn(disturbed)).map(({ disturbed }) => disturbed);
  if (turns.length === 0) return '';
  const each = (of: keyof Disturbed): string => thousands(Math.round(turns.reduce((sum, turn) => sum + turn[of], 0) / turns.length));
  const parts = [
    turns.some(({ queries }) => queries > 0) && `${each('queries')} queries answered`,
    turns.some(({ throttled }) => throttled > 0) && `${each('throttled')} orders throttled`,
    turns.some(({ triggered }) => triggered > 0) && `${each('triggered')} stops triggered`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? '' : `In a turn: ${parts.join(', ')}.`;
}

function method(profile: Profile, topology: string): string[] {
  return [
    `The exchange is the built command in a separate process, mode fast, topology ${topology}. ${describePlacement(clientsApart())}`,
    `One account sends ${thousands(RATE)} orders/s by schedule, one a message, over gRPC; latency counts from the send to the first report, and the next orders do not wait for it. Turns of ${TURN_MS[profile]} ms, alone and beside a disturbance by turns; ${TURNS[profile]} of each disturbance in a window.`,
    `Disturbances, from processes on the core of the clients: 4 queries at a time, each for 1,000 reports, trades or orders of the account from the history; ${SLOW_READERS} WebSockets with every order of the book, half of which never read and half 0.5 s of each 8 s; an account that sends ${thousands(FLOOD)} orders/s and may send ${thousands(THROTTLE)}; ${thousands(STOPS)} stops of one account, each of which triggers the next, in a symbol without other orders.`,
    'The client and those that disturb share the core of the clients; those that disturb have a lower priority. What the client itself waited for its core is read from /proc each millisecond, and counts for the answers of that millisecond. A window in which that is more than half of the latency, alone or disturbed, is vetoed.',
  ];
}
