/** A whole exchange whose symbol has a calendar: days of seconds, operator, restart, command line. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { resolveLimits } from '../engine/limits.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { connect, type OpenbellClient, type ReportView } from '../gateway/client/index.ts';
import { type Config, limitsOf, loadConfig } from '../gateway/config/config.ts';
import { type RunningExchange, startExchange } from '../gateway/main.ts';
import { openbell } from './support/exchange-process.ts';
import { getJson, recordingLog } from './support/small-venue.ts';
import { until } from './support/until.ts';

const root = mkdtempSync(join(tmpdir(), 'openbell-calendar-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A time zone in which it is between 12:00 and 13:00 now, so that no day of the test goes over midnight. */
const offset = 12 - new Date().getUTCHours();
const zone = `Etc/GMT${offset >= 0 ? '-' : '+'}${Math.abs(offset)}`;
/** The local time so many seconds from now. */
const inSeconds = (seconds: number): string => new Date(Date.now() + (offset * 3600 + seconds) * 1000).toISOString().slice(11, 19);

function configOf(dir: string, day: string, { randomEnd = 0, symbols = 1 } = {}): Config {
  const file = join(root, 'venue.yaml');
  writeFileSync(
    file,
    `
capacities: { orders: 1024, accounts: 15, symbols: 255 }
assets:
  - { id: 1, name: USD, decimals: 2 }
  - { id: 2, name: BTC, decimals: 8 }
calendars:
  DAY:
    time-zone: ${zone}
    random-end: ${randomEnd}
    week: { mon-sun: { ${day} } }
symbols:
${Array.from({ length: symbols }, (_, i) => symbolOf(i + 1)).join('\n')}
accounts:
  - { id: 1, name: one, deposits: { USD: 100000, BTC: 50 } }
  - { id: 2, name: two, deposits: { USD: 100000, BTC: 50 } }
`,
  );
  const ports = { 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology: 'compact' };
  return loadConfig({ flags: { config: file, data: join(root, dir), ...ports }, env: {} });
}

function symbolOf(id: number): string {
  return `  - { id: ${id}, name: ${id === 1 ? 'BTC-USD' : `S${id}`}, base: BTC, quote: USD, tick: 0.01, lot: 1, calendar: DAY }`;
}

async function withExchange(
  config: Config,
  work: (exchange: RunningExchange, lines: Record<string, unknown>[]) => Promise<void>,
): Promise<void> {
  const { log, lines } = recordingLog();
  const exchange = await startExchange(config, { log });
  try {
    await work(exchange, lines);
  } finally {
    await exchange.stop();
  }
}

async function withClients(exchange: RunningExchange, work: (...clients: OpenbellClient[]) => Promise<void>): Promise<void> {
  const { grpc: grpcPort, http: httpPort, ws: wsPort } = exchange.ports;
  const clients = await Promise.all([1, 2].map((account) => connect({ grpcPort, httpPort, wsPort, account })));
  try {
    await work(...clients);
  } finally {
    for (const client of clients) await client.close();
  }
}

async function setPhase(exchange: RunningExchange, body: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${exchange.ports.http}/v1/symbols/BTC-USD/phase`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200);
}

async function phaseOf(exchange: RunningExchange): Promise<unknown> {
  const { json } = await getJson(exchange, '/v1/symbols/BTC-USD');
  return json.subPhase ?? json.phase;
}

/** Open all day at this hour. */
const OPEN = '06:00: continuous, 20:00: closed';

test('a day of seconds: pre-open, opening auction, continuous, closing auction, closed', async () => {
  // On a machine that is busy or stops for seconds, a phase may be over before it began. Then it is another, longer day.
  for (let length = 1; !(await dayOfSeconds(length)); length *= 2) assert.ok(length < 8, 'four days missed a phase');
});

/** Returns false if the machine was too slow for a phase. */
async function dayOfSeconds(length: number): Promise<boolean> {
  const [preOpen, opening, continuous, closing, closed] = [3, 7, 9, 12, 14].map((second) => inSeconds(length * second));
  const day = `${preOpen}: pre-open, ${opening}: opening-auction, ${continuous}: continuous, ${closing}: closing-auction, ${closed}: closed`;
  const over = Date.now() + length * 15_000;
  const config = configOf(`day-${length}`, day, { randomEnd: 1 });
  let missed = false;
  await withExchange(config, async (exchange, lines) => {
    await withClients(exchange, async (one, two) => {
      const phases: string[] = [];
      await one.market.status('BTC-USD', {
        onItem: ({ phase, subPhase = phase }) => void (phases.at(-1) !== subPhase && phases.push(subPhase)),
      });
      const fills: ReportView[] = [];
      for (const client of [one, two]) client.orders.on('report', (report) => void (report.kind === 'fill' && fills.push(report)));
      await until(() => phases.length > 1 || Date.now() > over, 'the day');
      missed = phases[1] !== 'pre-open';
      if (missed) return;
      const order = { symbol: 'BTC-USD', quantity: '4' } as const;
      const bought = await one.orders.place({ ...order, side: 'buy', price: '105.00' });
      const sold = await two.orders.place({ ...order, side: 'sell', price: '100.00' });
      await until(() => phases.at(-1) === 'closed' && phases.length > 2, 'the end of the day');
      const metrics = await (await fetch(`http://127.0.0.1:${exchange.ports.http}/metrics`)).text();
      missed = !metrics.includes('outcome="missed"} 0') || phases.indexOf('pre-open') === phases.length - 2;
      if (missed) return;
      assert.deepEqual([bought.kind, sold.kind], ['accepted', 'accepted']);
      assert.deepEqual(phases, ['closed', 'pre-open', 'opening-auction', 'continuous', 'closing-auction', 'closed']);
      assert.deepEqual(
        fills.map(({ auction, quantity }) => [auction, quantity]),
        [
          [true, '4'],
          [true, '4'],
        ],
      );
    });
    if (missed) return;
    const { json } = await getJson(exchange, '/v1/symbols/BTC-USD');
    const sessionEnd = new Date(((json.params as Record<string, number>).SessionEnd ?? 0) / 1000 + offset * 3_600_000);
    // The close, a random end of at most 1 s, and 5 s for the uncross.
    const expected = Date.parse(`1970-01-01T${closed}Z`) + 6000;
    assert.equal(sessionEnd.toISOString().slice(11, 19), new Date(expected).toISOString().slice(11, 19));
    assert.equal(lines.filter(({ message }) => /has ended/.test(String(message))).length, 2);
    const metrics = await (await fetch(`http://127.0.0.1:${exchange.ports.http}/metrics`)).text();
    const values = metrics.match(/^openbell_calendar_(boundaries_total|delay_seconds_count).*$/gm);
    assert.deepEqual(values, [
      'openbell_calendar_boundaries_total{outcome="crossed"} 6',
      'openbell_calendar_boundaries_total{outcome="missed"} 0',
      'openbell_calendar_boundaries_total{outcome="failed"} 0',
      'openbell_calendar_delay_seconds_count 6',
    ]);
  });
  // The phases are commands in the log: a replay has the same end.
  const limits = resolveLimits(limitsOf(config));
  const replayed = verifyDataDirectory(config.data, { limits });
  assert.equal(replayed.stateHash, verifyDataDirectory(config.data, { limits, fromSnapshot: true }).stateHash);
  return !missed;
}

test("an operator's phase stays over a restart, and a boundary that came meanwhile does not", async () => {
  await withExchange(configOf('operator', OPEN), async (exchange) => {
    assert.equal(await phaseOf(exchange), 'continuous');
    await setPhase(exchange, { phase: 'auction', subPhase: 'pre-open' });
    await withClients(exchange, async (one, two) => {
      const order = { symbol: 'BTC-USD', quantity: '4' } as const;
      await one.orders.place({ ...order, side: 'buy', price: '105.00' });
      await two.orders.place({ ...order, side: 'sell', price: '100.00' });
    });
  });
  await withExchange(configOf('operator', OPEN), async (exchange) => {
    assert.equal(await phaseOf(exchange), 'pre-open');
    const { json } = await getJson(exchange, '/v1/symbols/BTC-USD/calendar');
    assert.deepEqual([json.overridden, json.subPhase, (json.scheduled as { name: string }).name], [true, 'pre-open', 'continuous']);
  });
  // As if the exchange had been stopped over a boundary: the calendar has one more, half a minute ago.
  const late = `06:00: auction, ${inSeconds(-30)}: continuous, 20:00: closed`;
  await withExchange(configOf('operator', late), async (exchange) => {
    assert.equal(await phaseOf(exchange), 'continuous');
    const { json } = await getJson(exchange, '/v1/symbols/BTC-USD');
    assert.deepEqual([json.lastTradeId, json.lastPrice], ['1', '100.00']);
  });
});

test('more symbols than cross a boundary at the same time', async () => {
  const symbols = 150;
  await withExchange(configOf('many', `06:00: continuous, ${inSeconds(4)}: closed`, { symbols }), async (exchange) => {
    const phases = async (): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${exchange.ports.http}/v1/symbols`);
      const list = (await response.json()) as { phase: string }[];
      assert.equal(list.length, symbols);
      return [...new Set(list.map(({ phase }) => phase))].join();
    };
    await until(async () => (await phases()) === 'closed', 'all are closed');
  });
  // A close that the file no longer has is undone by the next start.
  const reopened = configOf('many', OPEN, { symbols });
  await withExchange(reopened, async (exchange) => assert.equal(await phaseOf(exchange), 'continuous'));
});

test('the calendar over HTTP and on the command line', async () => {
  await withExchange(configOf('query', OPEN), async (exchange) => {
    const port = ['--http-port', String(exchange.ports.http)];
    const { code, stdout } = await openbell(['calendar', 'BTC-USD', '--limit', '2', ...port]);
    assert.equal(code, 0);
    assert.match(stdout, /^BTC-USD {2}continuous, calendar DAY \(Etc\/GMT/);
    assert.match(stdout, / 20:00:00 {2}[+-]\d\d:00 {2}closed\n.* 06:00:00 {2}[+-]\d\d:00 {2}continuous .* 20:00:00\n$/);
    const { json } = await getJson(exchange, '/v1/symbols/BTC-USD/calendar?limit=3');
    const next = json.next as { name: string; phase: string }[];
    assert.deepEqual([json.calendar, json.overridden, next.map(({ name }) => name)], ['DAY', false, ['closed', 'continuous', 'closed']]);
    await setPhase(exchange, { phase: 'halted' });
    assert.match(
      (await openbell(['calendar', 'BTC-USD', ...port])).stdout,
      /^BTC-USD {2}halted, set by the operator; by the calendar continuous,/,
    );
    const { status, json: wrong } = await getJson(exchange, '/v1/symbols/BTC-USD/calendar?limit=101');
    assert.deepEqual([status, wrong.name], [400, 'BAD_PARAMETER']);
    assert.equal((await getJson(exchange, '/v1/symbols/NONE/calendar')).status, 404);
  });
});
