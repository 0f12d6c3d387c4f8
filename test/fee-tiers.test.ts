/** Fee tiers by the volume of 30 days. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Code, codeName } from '../engine/codes.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { AccountParam, FEE_TABLES, SymbolParam, TIERS_PER_TABLE } from '../engine/params.ts';
import { MAX_SCHEDULES } from '../engine/rules/fee-schedules.ts';
import { CommandKind, ReportKind } from '../engine/wire/layout.ts';
import { connect } from '../gateway/client/index.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { changeFeeTable } from '../gateway/venue/fee-tables.ts';
import { BTC, Harness, parseCommand, SYMBOL, USD } from './support/exchange-fixture.ts';
import { openbell } from './support/exchange-process.ts';
import { copyOf } from './support/snapshot-at-any.ts';

const DAY_US = 86_400_000_000;
/** Days since the epoch. */
const FIRST_DAY = 20_000;

const setTier = (tier: number, volume: number, maker: number, taker: number, table = 1, asset = USD) => ({
  ...{ kind: CommandKind.SetFeeTier, parameter: table, symbol: asset, tag: tier, quantity: volume },
  ...{ price: Math.abs(maker), side: maker < 0 ? 1 : 0, clientOrderId: taker },
});
/** Account 2 is given a tier, plus 1. */
const giveTier = (table: number, given: number) => ({
  ...{ kind: CommandKind.SetAccount, account: 2, parameter: AccountParam.FeeTier, symbol: table, quantity: given },
});
const useTable = (table: number) => ({
  ...{ kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: SymbolParam.FeeTierTable, quantity: table },
});

/** A venue with 1 % for takers, and tiers from 1,000 and 5,000 on. */
function venue(): Harness {
  const harness = new Harness().setUp(3, { TakerFeePpm: 10_000 });
  harness.must(setTier(1, 1000, 0, 5000));
  harness.must(setTier(2, 5000, -100, 1000));
  harness.must(useTable(1));
  return harness;
}

let next = 1;
/** Account 1 sells to account 2 on a day; the fee that account 2 pays. */
function trade(harness: Harness, day: number, lots: number, price = 100): number {
  const at = (line: string) => ({ ...parseCommand(line), timeUs: (FIRST_DAY + day) * DAY_US + next * 1000 });
  harness.do(at(`1 new ${next++} sell ${lots} @ ${price}`));
  const { reports } = harness.do(at(`2 new ${next++} buy ${lots} @ ${price}`));
  return reports.find(({ kind, account }) => kind === ReportKind.Fill && account === 2)?.fee ?? assert.fail('no fill');
}

const code = (harness: Harness, fields: Parameters<Harness['do']>[0]): string => codeName(harness.do(fields).reports[0].code);

describe('fee tiers', () => {
  it('follow the volume of the 30 UTC days before the present one, of both sides', () => {
    const harness = venue();
    // day, lots at 100, the fee per 10,000 of notional
    const steps: [day: number, lots: number, perMyriad: number][] = [
      [0, 10, 100], // nothing before
      [0, 10, 100], // the present day does not count
      [1, 10, 50], // 2,000
      [2, 20, 50], // 3,000
      [3, 10, 10], // 5,000: the second tier
      [30, 10, 10], // the 30 days before are 0 to 29
      [31, 10, 10], // 1 to 30: 5,000
      [33, 10, 50], // 3 to 32: 3,000
      [70, 10, 100], // nothing in 30 days
    ];
    for (const [day, lots, perMyriad] of steps) assert.equal(trade(harness, day, lots), (lots * 100 * perMyriad) / 10_000, `day ${day}`);
  });

  it('open orders keep their rates, new ones have those of the tier; a change of the table applies at once', () => {
    const harness = venue();
    trade(harness, 0, 10);
    const at = (day: number, line: string) => harness.do({ ...parseCommand(line), timeUs: (FIRST_DAY + day) * DAY_US + next++ * 1000 });
    at(0, '2 new 9001 buy 10 @ 90');
    at(1, '2 new 9002 buy 10 @ 91');
    const auctionFees = (): number[] => {
      at(1, 'phase auction');
      at(1, '1 new 9003 sell 20 @ 90');
      const fills = at(1, 'uncross').reports.filter(({ account, kind }) => account === 2 && kind === ReportKind.Fill);
      return fills.map(({ clientOrderId, fee }) => clientOrderId * 1000 + fee);
    };
    // 10 x 90 = 900 at 1 % and 0.5 %.
    assert.deepEqual(auctionFees(), [9002 * 1000 + 5, 9001 * 1000 + 9]);
    at(1, 'phase continuous');
    assert.equal(trade(harness, 1, 10), 5);
    harness.must({ ...setTier(1, 1000, 0, 2000), timeUs: (FIRST_DAY + 1) * DAY_US + next++ * 1000 });
    assert.equal(trade(harness, 1, 10), 2);
    harness.must({ ...setTier(1, 0, 0, 0), timeUs: (FIRST_DAY + 1) * DAY_US + next++ * 1000 });
    assert.equal(trade(harness, 1, 10), 10, 'no tiers are left');
  });

  it('a tier that the operator gives holds whatever the volume, until it is taken back', () => {
    const harness = venue();
    let day = 0;
    // what the operator does, the fee per 10,000 of notional; each day the 10,000 of the day before count
    const steps: [step: string, fields: Parameters<Harness['do']>[0] | undefined, perMyriad: number][] = [
      ['the first tier without volume', giveTier(1, 2), 50],
      ['still the first one, with the volume of the second', undefined, 50],
      ['the fees of the symbol', giveTier(1, 1), 100],
      ['the second', giveTier(1, 3), 10],
      ['the table loses it: its highest one', setTier(2, 0, 0, 0), 50],
      ['the table has it again', setTier(2, 5000, -100, 1000), 10],
      ['another account has one', { ...giveTier(1, 1), account: 1 }, 10],
      ['taken back: the volume counts, also of the days before', giveTier(1, 0), 10],
    ];
    for (const [step, fields, perMyriad] of steps) {
      // The tier by volume is known for the day then.
      trade(harness, day, 1);
      if (fields !== undefined) harness.must({ ...fields, timeUs: (FIRST_DAY + day) * DAY_US + next++ * 1000 });
      const { exchange } = harness;
      assert.equal(stateHash(copyOf(exchange)), stateHash(exchange), step);
      assert.equal(trade(harness, day++, 100), perMyriad, step);
    }
  });

  it('an open order keeps its rates when its account is given a tier', () => {
    const harness = venue();
    harness.do(parseCommand('2 new 9101 buy 10 @ 100'));
    harness.must(giveTier(1, 3));
    harness.do(parseCommand('phase auction'));
    harness.do(parseCommand('1 new 9102 sell 10 @ 100'));
    const { reports } = harness.do(parseCommand('uncross'));
    assert.equal(reports.find(({ kind, account }) => kind === ReportKind.Fill && account === 2)?.fee, 10);
  });

  it('wrong tiers of an account have a code', () => {
    const harness = venue();
    const rows: [string, Parameters<Harness['do']>[0]][] = [
      ['BAD_PARAMETER', giveTier(1, 4)], // the table has two
      ['BAD_PARAMETER', giveTier(2, 1)], // not defined
      ['BAD_PARAMETER', giveTier(0, 1)],
      ['BAD_PARAMETER', giveTier(FEE_TABLES + 1, 0)],
      ['BAD_PARAMETER', { ...giveTier(1, 1), side: 1 }], // below 0
      ['UNKNOWN_ACCOUNT', { ...giveTier(1, 1), account: 9 }],
      ['OK', giveTier(1, 0)], // none was given
      ['OK', giveTier(2, 0)], // and none can be
    ];
    for (const [expected, fields] of rows) assert.equal(code(harness, fields), expected, JSON.stringify(fields));
    assert.equal(code(new Harness(undefined, 5).setUp(2), giveTier(1, 0)), 'BAD_PARAMETER');
  });

  it('wrong tables have a code', () => {
    const harness = venue();
    const rows: [string, Parameters<Harness['do']>[0]][] = [
      ['BAD_PARAMETER', setTier(4, 9000, 0, 0)], // tier 3 is missing
      ['BAD_PARAMETER', setTier(0, 9000, 0, 0)],
      ['BAD_PARAMETER', setTier(3, 5000, 0, 0)], // not above tier 2
      ['BAD_PARAMETER', setTier(1, 5000, 0, 0)], // not below tier 2
      ['BAD_PARAMETER', setTier(1, 1000, -10, 5)], // a rebate above the taker's fee
      ['BAD_PARAMETER', setTier(1, 1000, 0, 1_000_001)],
      ['BAD_PARAMETER', setTier(1, 1000, 0, 0, FEE_TABLES + 1)],
      ['BAD_PARAMETER', setTier(1, 1000, 0, 0, 0)],
      ['BAD_PARAMETER', setTier(1, 1000, 0, 0, 1, BTC)], // the table is of another asset
      ['UNKNOWN_ASSET', setTier(1, 1000, 0, 0, 1, 9)],
      ['BAD_PARAMETER', useTable(2)], // not defined
      ['BAD_PARAMETER', useTable(FEE_TABLES + 1)],
      ['OK', setTier(1, 10, 0, 0, 2, BTC)],
      ['BAD_PARAMETER', useTable(2)], // not in the quote asset
      ['OK', useTable(0)],
    ];
    for (const [expected, fields] of rows) assert.equal(code(harness, fields), expected, JSON.stringify(fields));
    assert.equal(code(new Harness(undefined, 4).setUp(1), setTier(1, 1000, 0, 0)), 'UNKNOWN_KIND');
    assert.equal(code(new Harness(undefined, 4).setUp(1), useTable(0)), 'BAD_PARAMETER');
    assert.ok(FEE_TABLES * TIERS_PER_TABLE < MAX_SCHEDULES / 8, 'tiers take a small part of the fee schedules');
  });

  it('are in snapshots, with their volumes', () => {
    const harness = venue();
    for (const day of [0, 3, 29, 30, 31, 40]) {
      trade(harness, day, 10);
      const { exchange } = harness;
      assert.equal(stateHash(copyOf(exchange)), stateHash(exchange));
      const now = (FIRST_DAY + day + 1) * DAY_US;
      assert.equal(copyOf(exchange).feeTiers.volumeOf(1, 2, now), exchange.feeTiers.volumeOf(1, 2, now));
    }
  });

  it('the volume of days is that of a list of all fills, and stays in the exact range', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(fc.nat(12), fc.constantFrom(30, 31, 32, 61, 62, 93)), fc.constantFrom(1, 7, 1000, 2 ** 52)), {
          maxLength: 40,
        }),
        (fills) => {
          const { feeTiers } = venue().exchange;
          let day = FIRST_DAY;
          const all: [number, number][] = [];
          for (const [later, volume] of fills) {
            day += later;
            feeTiers.add(1, 1, volume, day);
            all.push([day, volume]);
            for (const today of [day, day + 1, day + 17, day + 30, day + 31]) {
              const counted = all.filter(([on]) => on < today && on >= today - 30);
              const sum = counted.reduce((total, [, each]) => Math.min(total + each, 2 ** 53 - 1), 0);
              assert.equal(feeTiers.volumeOf(1, 1, today * DAY_US), sum);
            }
          }
        },
      ),
    );
  });

  it('one list of tiers becomes another by commands that are each accepted', () => {
    const tiers = fc
      .uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: TIERS_PER_TABLE })
      .map((volumes) => volumes.sort((a, b) => a - b).map((volume) => ({ volume, makerPpm: -(volume % 3), takerPpm: volume })));
    fc.assert(
      fc.property(tiers, tiers, (first, second) => {
        const harness = new Harness().setUp(1);
        const { feeTables } = harness.exchange.accounts;
        const now = () => [...feeTables.volume.subarray(TIERS_PER_TABLE, TIERS_PER_TABLE + feeTables.count[1])];
        for (const [current, wanted] of [
          [[], first],
          [first, second],
        ] as const) {
          for (const fields of changeFeeTable(1, USD, current, wanted)) assert.equal(harness.do(fields).reports[0].code, Code.OK);
          assert.deepEqual(
            now(),
            wanted.map(({ volume }) => volume),
          );
        }
        assert.deepEqual(changeFeeTable(1, USD, second, second), []);
      }),
    );
  });
});

it('fee tiers of the configuration, over HTTP and on the command line', { timeout: 300_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-tiers-'));
  const file = join(dir, 'venue.yaml');
  const venueOf = (first: string): string => `
assets: [{ id: 1, name: USD, decimals: 6 }, { id: 2, name: BTC, decimals: 8 }]
fee-tables:
  - { table: 1, asset: USD, tiers: [{ volume: ${first}, maker: 0.01%, taker: 0.04% }, { volume: 5000.00, maker: -0.01%, taker: 0.02% }] }
symbols:
  - { id: 1, name: BTC-USD, base: BTC, quote: USD, tick: 0.01, lot: 0.0001, phase: continuous, fees: { maker: 0.02%, taker: 0.05%, tiers: 1 } }
accounts:
  - { id: 1, name: one, deposits: { USD: 100000, BTC: 10 } }
  - { id: 2, name: two, fee-tiers: { 1: 2 } }
`;
  const start = async (text: string) => {
    writeFileSync(file, text);
    const flags = { config: file, data: join(dir, 'data'), 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology: 'compact' };
    return await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
  };
  const problems = (text: string): string => {
    writeFileSync(file, text);
    try {
      loadConfig({ flags: { config: file }, env: {} });
      return '';
    } catch (error) {
      return String(error);
    }
  };
  try {
    assert.match(problems(venueOf('1').replace('{ 1: 2 }', '{ 9: 2 }')), /fee-tiers.9: fee tables have numbers from 1 to 8/);
    assert.match(problems(venueOf('1').replace('{ 1: 2 }', '{ 1: 16 }')), /must be a whole number from 0 to 15/);
    assert.match(problems(venueOf('5000.00')), /volume.*must be above the volume of the tier before it/);
    assert.match(problems(venueOf('1').replace('asset: USD', 'asset: EUR')), /no asset has this name/);
    assert.match(problems(venueOf('1').replace('maker: -0.01%', 'maker: -0.5%')), /rebate exceeds/);
    let exchange = await start(venueOf('1000.00'));
    const ask = async (path: string, body?: object) => {
      const options = body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      const answer = await fetch(`http://127.0.0.1:${exchange.ports.http}${path}`, options);
      // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape
      return { status: answer.status, json: (await answer.json()) as any };
    };
    const volumes = async () => (await ask('/v1/fee-tables')).json.tables[0].tiers.map(({ volume }: { volume: string }) => volume);
    try {
      assert.deepEqual(await volumes(), ['1000.000000', '5000.000000']);
      const tiers = [{ volume: '10', maker: '0%', taker: '0.03%' }];
      const { status, json } = await ask('/v1/fee-tables/2', { asset: 'USD', tiers });
      assert.deepEqual([status, json.table, json.asset, json.tiers[0].takerPpm], [200, 2, 'USD', 300]);
      assert.equal((await ask('/v1/fee-tables/9', { asset: 'USD', tiers })).status, 404);
      assert.equal((await ask('/v1/fee-tables/2', { asset: 'BTC', tiers })).json.name, 'BAD_PARAMETER');
      assert.equal((await ask('/v1/symbols/BTC-USD')).json.fees.tiers, 1);
      const { grpc, http, ws } = exchange.ports;
      const ports = ['--grpc-port', `${grpc}`, '--ws-port', `${ws}`, '--http-port', `${http}`];
      const set = await openbell(['fee-tables', '3', '--asset', 'USD', '5:0.01%:0.02%', '7:-0.01%:0.01%', ...ports]);
      assert.match(set.stdout, /^table +tier +from +maker +taker\n3 +1 +5\.0+ USD +0\.0100% .*\n3 +2 +7\.0+ USD/);
      const client = await connect({ grpcPort: grpc, httpPort: http, wsPort: ws, account: 1 });
      await client.admin.setFeeTable({ table: 3, asset: 'USD', tiers: [{ volume: '6', maker: '0%', taker: '0.01%' }] });
      await client.close();
      assert.match((await openbell(['fee-tables', ...ports])).stdout, /\n3 +1 +6\.0+ USD/);
      assert.match((await openbell(['fee-tables', '3', '--asset', 'USD', '5:1', ...ports])).stderr, /Give VOLUME:MAKER:TAKER/);
      assert.equal((await openbell(['fee-tables', '3', '--asset', 'USD', '--clear', ...ports])).stdout, 'no fee tiers\n');
      assert.match((await openbell(['order', 'buy', '0.1', 'BTC-USD', '5000.00', ...ports])).stdout, /^accepted/);
      assert.match((await openbell(['account', '1', ...ports])).stdout, /fee tier 0 of table 1 \(0\.0+ USD in 30 days\)/);
      assert.match((await openbell(['account', '2', ...ports])).stdout, /fee tier 2 of table 1 \(given by the operator\)/);
      assert.match((await openbell(['fee-tier', '1', '1', '1', ...ports])).stdout, /fee tier 1 of table 1 \(given by the operator\)/);
      assert.match((await openbell(['fee-tier', '1', '1', '3', ...ports])).stderr, /BAD_PARAMETER/);
      assert.match((await openbell(['fee-tier', '1', '1', 'x', ...ports])).stderr, /Give a number up to 15, or by-volume/);
      assert.deepEqual((await ask('/v1/accounts/1/fee-tier', { table: 1, tier: 'by-volume' })).json.feeTiers, []);
      assert.match((await ask('/v1/accounts/1/fee-tier', { table: 1 })).json.message, /tier.*is missing; a number up to 15, or by-volume/);
    } finally {
      await exchange.stop();
    }
    exchange = await start(venueOf('2000.00'));
    try {
      assert.deepEqual(await volumes(), ['2000.000000', '5000.000000'], 'a start sets what the configuration changed');
    } finally {
      await exchange.stop();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
