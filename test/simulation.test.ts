import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeName } from '../engine/codes.ts';
import { Engine } from '../engine/threads/engine.ts';
import { CommandKind, Phase, Report, ReportKind } from '../engine/wire/layout.ts';
import { ReportView } from '../engine/wire/report-view.ts';
import { readConfigFile } from '../gateway/config/config-file.ts';
import { DEMO_VENUE } from '../gateway/config/demo-venue.ts';
import { ReportHub } from '../gateway/sessions/report-hub.ts';
import { AdminCommands } from '../gateway/venue/admin-commands.ts';
import { applyVenue } from '../gateway/venue/genesis.ts';
import { Simulation } from '../gateway/venue/simulation.ts';
import { setPhase } from '../gateway/venue/venue-commands.ts';
import { until } from './support/until.ts';

const { venue } = readConfigFile('demo venue', DEMO_VENUE, []);
/** The symbols of the demo venue that are not halted here. */
const TRADED = ['BTC-USD', 'ETH-USD', 'ETH-BTC'];
const simulator = { makers: [10], takers: [9], rate: 4000, seed: 7, mirror: [], mirrorPercent: 100 };

/** An engine with the demo venue, and the number of each report to its simulated accounts. */
async function startVenue(dir: string) {
  const engine = new Engine({ dir, topology: 'compact', durability: 'fast', limits: { orders: 2 ** 14, rememberedOrders: 2 ** 14 } });
  const hub = new ReportHub({
    archive: { read: async () => new Uint8Array() },
    lastReportNo: (account) => engine.directory.lastReportNo(account),
  });
  const reported = new Map<string, number>();
  const report = new ReportView();
  engine.onReports({
    onReport: (slots, slot) => {
      hub.onReport(slots, slot);
      const { account, kind, code } = report.wrap(slots.i32, (slot * Report.bytes) / 4);
      if (account < 9) return;
      const name = Object.entries(ReportKind).find(([, value]) => value === kind)?.[0];
      const key =
        kind === ReportKind.Rejected || kind === ReportKind.CancelRejected || kind === ReportKind.AmendRejected
          ? `${name} ${codeName(code)}`
          : `${name}`;
      reported.set(key, (reported.get(key) ?? 0) + 1);
    },
    onReportsEnd: () => hub.onReportsEnd(),
  });
  engine.onMarket({ onMarketEvent: () => undefined, onMarketEnd: () => undefined });
  // Takes the place of the history, whose end of the ring would fill up.
  const history = engine.consume('reports', 'history');
  const reading = setInterval(() => {
    while (history.next() !== -1);
    history.release();
  }, 1).unref();
  await engine.start();
  const commands = new AdminCommands(engine.sequencer, hub, engine.schedule);
  await applyVenue(venue, engine.directory, commands);
  const stop = async (): Promise<void> => {
    await engine.stop();
    clearInterval(reading);
  };
  return { engine, commands, reported, stop };
}

test('the demo venue has a market, also after a restart and around a halt', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-simulation-'));
  try {
    const first = await startVenue(dir);
    const { directory, sequencer, schedule } = first.engine;
    await first.commands.submit(setPhase(3, Phase.Halted));
    const simulation = new Simulation(simulator, directory, sequencer, schedule);
    assert.equal(simulation.symbols, 3, 'the halted symbol has no flow');
    const traded = (name: string): boolean => (directory.symbolByName(name)?.tradeId ?? 0) > 0;
    const quoted = (): boolean => (directory.account(10)?.openOrders ?? 0) > 40;
    await until(() => simulation.sent > 2000 && TRADED.every(traded) && quoted(), 'a market on each symbol that is not halted');
    simulation.stop();
    const { sent } = simulation;
    await sleep(50);
    assert.equal(simulation.sent, sent);
    assert.equal(directory.symbolByName('SOL-USD')?.tradeId, 0);
    const allowed =
      /^(Accepted|Fill|Cancelled|Amended|Rejected (POST_ONLY_WOULD_TRADE|FOK_NOT_FILLABLE|NO_LIQUIDITY|QUANTITY_MAX|NOTIONAL_MAX))$/;
    assert.deepEqual(
      [...first.reported.keys()].filter((key) => !allowed.test(key)),
      [],
    );
    const resting = directory.account(10)?.openOrders ?? 0;
    await first.stop();

    const second = await startVenue(dir);
    assert.equal(second.engine.directory.account(10)?.openOrders, resting);
    const oldest = Math.max(...second.engine.directory.openOrders(10, 1e6).map(({ orderId }) => orderId));
    const again = new Simulation(simulator, second.engine.directory, second.engine.sequencer, second.engine.schedule);
    const replaced = (): boolean => second.engine.directory.openOrders(10, 1e6).every(({ orderId }) => orderId > oldest);
    await until(() => again.sent > 500 && replaced(), 'all orders of the first run are replaced');
    again.stop();
    assert.deepEqual(
      [...second.reported.keys()].filter((key) => !allowed.test(key)),
      [],
    );
    await second.stop();
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('accounts that run out of funds get deposits', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-simulation-'));
  try {
    const { engine, commands, reported, stop } = await startVenue(dir);
    for (const account of [11, 12]) await commands.submit({ kind: CommandKind.DefineAccount, account, name: `poor-${account}` });
    const simulation = new Simulation({ ...simulator, makers: [11], takers: [12] }, engine.directory, engine.sequencer, engine.schedule);
    const funded = (account: number): boolean => engine.directory.account(account)?.balances.length === 4;
    await until(() => [11, 12].every(funded) && (reported.get('Accepted') ?? 0) > 500, 'both accounts have all assets and trade');
    simulation.stop();
    assert.equal(
      [...reported.keys()].some((key) => key.includes('INSUFFICIENT')),
      false,
    );
    await stop();
  } finally {
    rmSync(dir, { recursive: true });
  }
});
