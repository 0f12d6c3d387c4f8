/** What a start does when its configuration file and the venue differ: each key, changed in the file, by an operator, and by both. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { CommandFields } from '../engine/machine/command.ts';
import { AccountParam, SymbolParam, type SymbolParamName } from '../engine/params.ts';
import { allocateControl, Control } from '../engine/threads/control.ts';
import { Directory } from '../engine/threads/directory.ts';
import { CommandKind, ReportKind } from '../engine/wire/layout.ts';
import { readTrail } from '../gateway/audit/audit-reader.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { startExchange } from '../gateway/main.ts';
import { CONFIGURED } from '../gateway/venue/configured-values.ts';
import { applyVenue } from '../gateway/venue/genesis.ts';
import { giveFeeTier, setAccount, setSymbol } from '../gateway/venue/venue-commands.ts';
import { Harness } from './support/exchange-fixture.ts';
import { openbell } from './support/exchange-process.ts';
import { deposits, recordingLog, smallConfig, withSmallExchange } from './support/small-venue.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-restart-'));
after(() => rmSync(base, { recursive: true, force: true }));

interface Parts {
  readonly symbol?: string;
  readonly account?: string;
  readonly tables?: string;
}

function venueText({
  symbol = '',
  account = '',
  tables = 'fee-tables: [{ table: 1, asset: USD, tiers: [{ volume: 10, maker: 0%, taker: 0.01% }] }, { table: 2, asset: USD, tiers: [{ volume: 10, maker: 0%, taker: 0.01% }] }]',
}: Parts): string {
  return `
assets: [{ id: 1, name: USD, decimals: 5 }, { id: 2, name: BTC, decimals: 3 }]
${tables}
symbols: [{ id: 1, name: BTC-USD, base: BTC, quote: USD, tick: 0.01, lot: 0.001${symbol && `, ${symbol}`} }]
accounts: [{ id: 1, name: one${account && `, ${account}`} }]
`;
}

const param = (name: SymbolParamName, value: number) => setSymbol(1, name, value);

/** A key: the file's two values, the operator's, and how the venue has them. */
interface Case {
  readonly key: string;
  readonly first: Parts;
  readonly second: Parts;
  readonly operator: readonly CommandFields[];
  readonly read: (directory: Directory) => unknown;
  /** Of the first file, the second, and the operator. */
  readonly values: readonly [unknown, unknown, unknown];
}

function symbolCase(
  key: string,
  name: SymbolParamName,
  texts: readonly [string, string],
  values: readonly [number, number, number],
  more = '',
): Case {
  const [section, inner] = key.split('.');
  const text = (value: string): Parts => ({
    symbol: `${inner === undefined ? `${section}: ${value}` : `${section}: { ${inner}: ${value}${more} }`}`,
  });
  return {
    key,
    first: text(texts[0]),
    second: text(texts[1]),
    operator: [param(name, values[2])],
    read: (directory) => directory.symbol(1)?.params[name],
    values,
  };
}

const CASES: readonly Case[] = [
  symbolCase('limits.max-price', 'MaxPrice', ['500', '600'], [50_000, 60_000, 70_000]),
  symbolCase('limits.tick-step', 'TickStep', ['0.02', '0.04'], [2, 4, 8]),
  symbolCase('limits.lot-step', 'LotStep', ['0.002', '0.004'], [2, 4, 8]),
  symbolCase('limits.min-quantity', 'MinQuantity', ['0.002', '0.003'], [2, 3, 5]),
  symbolCase('limits.max-quantity', 'MaxQuantity', ['10', '20'], [10_000, 20_000, 30_000]),
  symbolCase('limits.min-displayed', 'MinDisplayed', ['0.002', '0.003'], [2, 3, 5]),
  symbolCase('limits.min-notional', 'MinNotional', ['1', '2'], [100_000, 200_000, 300_000]),
  symbolCase('limits.max-notional', 'MaxNotional', ['1000', '2000'], [100_000_000, 200_000_000, 300_000_000]),
  symbolCase('price-band', 'PriceBandPpm', ['5%', '6%'], [50_000, 60_000, 70_000]),
  symbolCase('fees.taker', 'TakerFeePpm', ['0.05%', '0.06%'], [500, 600, 700]),
  symbolCase('fees.maker', 'MakerFeePpm', ['-0.01%', '0.02%'], [-100, 200, -300], ', taker: 0.1%'),
  symbolCase('fees.tiers', 'FeeTierTable', ['1', '0'], [1, 0, 2]),
  symbolCase('volatility.static-band', 'StaticBandPpm', ['10%', '11%'], [100_000, 110_000, 120_000]),
  symbolCase('volatility.dynamic-band', 'DynamicBandPpm', ['5%', '6%'], [50_000, 60_000, 70_000]),
  symbolCase('volatility.duration', 'VolatilityUs', ['60', '90'], [60e6, 90e6, 100e6]),
  symbolCase('volatility.extension', 'VolatilityExtensionUs', ['60', '90'], [60e6, 90e6, 100e6]),
  symbolCase('volatility.wide-band', 'WideBandPpm', ['20%', '21%'], [200_000, 210_000, 220_000]),
  symbolCase('volatility.random-end', 'VolatilityRandomUs', ['10', '20'], [10e6, 20e6, 30e6]),
  symbolCase('volatility.profile', 'VolatilityProfile', ['limit-up-down', 'auction'], [1, 0, 0]),
  symbolCase('auction-price', 'AuctionPrice', ['limits', 'nearest'], [1, 0, 2]),
  {
    key: 'max-open-orders',
    first: { account: 'max-open-orders: 5' },
    second: { account: 'max-open-orders: 6' },
    operator: [setAccount(1, AccountParam.MaxOpenOrders, 7)],
    read: (directory) => directory.account(1)?.maxOpenOrders,
    values: [5, 6, 7],
  },
  {
    key: 'fee-tiers.1',
    first: { account: 'fee-tiers: { 1: 1 }' },
    second: { account: 'fee-tiers: { 1: 0 }' },
    operator: [giveFeeTier(1, 1, undefined)],
    read: (directory) => directory.account(1)?.feeTiers.find(({ given }) => given)?.tier,
    values: [1, 0, undefined],
  },
  {
    key: 'tiers',
    first: {},
    second: {
      tables:
        'fee-tables: [{ table: 1, asset: USD, tiers: [{ volume: 20, maker: 0%, taker: 0.01% }, { volume: 30, maker: 0%, taker: 0% }] }]',
    },
    operator: [{ kind: CommandKind.SetFeeTier, parameter: 1, symbol: 1, tag: 1, quantity: 5_000_000, clientOrderId: 100 }],
    read: (directory) => directory.feeTables()[0]?.tiers.map(({ volume }) => volume),
    values: [[1_000_000], [2_000_000, 3_000_000], [5_000_000]],
  },
];

const SMALL_FLAGS = { 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology: 'compact' };

let directories = 0;

/** A venue that lives through starts and operators. */
class Venue {
  readonly dataDir = join(base, `venue-${++directories}`);
  readonly #harness = new Harness();

  constructor() {
    mkdirSync(this.dataDir);
  }

  get directory(): Directory {
    return new Directory(new Control(allocateControl()), this.#harness.exchange);
  }

  async start(parts: Parts, apply = false) {
    const file = join(this.dataDir, 'venue.yaml');
    writeFileSync(file, venueText(parts));
    const submit = async (fields: CommandFields) => {
      const [{ code, seq }] = this.#harness.do(fields).reports;
      return { code: code as 0, seq, repeated: false, price: 0, quantity: 0, more: false, later: 0 };
    };
    const config = loadConfig({ flags: { config: file }, env: {} });
    return await applyVenue(config, this.directory, { submit }, { dataDir: this.dataDir, apply });
  }

  operator(commands: readonly CommandFields[]): void {
    for (const command of commands) assert.notEqual(this.#harness.do(command).reports[0].kind, ReportKind.Rejected);
  }
}

describe('a start with a configuration file', () => {
  for (const { key, first, second, operator, read, values } of CASES) {
    const [one, two, own] = values;

    it(`${key}: a change in the file takes effect, and a start again changes nothing`, async () => {
      const venue = new Venue();
      await venue.start(first);
      assert.deepEqual(read(venue.directory), one);
      const { plan, applied, warnings } = await venue.start(second);
      assert.deepEqual([plan.changed.map((change) => change.key), plan.kept, warnings], [[key], [], []]);
      assert.deepEqual(read(venue.directory), two);
      assert.ok(applied > 0);
      assert.deepEqual((await venue.start(second)).applied, 0);
      assert.deepEqual((await venue.start(first)).plan.changed.length, 1, 'and back');
      assert.deepEqual(read(venue.directory), one);
    });

    it(`${key}: what an operator set stays until the file is to be applied`, async () => {
      const venue = new Venue();
      await venue.start(first);
      venue.operator(operator);
      assert.deepEqual(read(venue.directory), own);
      for (const parts of [first, first, second]) {
        const { plan, applied } = await venue.start(parts);
        assert.deepEqual(read(venue.directory), own);
        // A value that is the default is not one that the file names, and one that is the operator's is the same.
        if (JSON.stringify(own) !== JSON.stringify(parts === first ? one : two))
          assert.deepEqual(
            plan.kept.map((kept) => kept.key),
            [key],
          );
        assert.deepEqual([plan.changed, applied], [[], 0]);
      }
      await venue.start(second, true);
      assert.deepEqual(read(venue.directory), two);
      const { plan } = await venue.start(first);
      assert.deepEqual(plan.changed.length, 1, 'the file decides again');
      assert.deepEqual(read(venue.directory), one);
    });

    it(`${key}: what is not the default is an operator's, where an earlier release left no record`, async () => {
      const venue = new Venue();
      await venue.start(first);
      rmSync(join(venue.dataDir, CONFIGURED));
      const { plan } = await venue.start(second);
      assert.deepEqual(read(venue.directory), one);
      assert.equal(plan.changed.length, 0);
    });
  }

  it('suspends an account once, and again when the file is to be applied', async () => {
    const venue = new Venue();
    const suspended = { account: 'suspended: true' };
    const lift = setAccount(1, AccountParam.Suspended, 0);
    await venue.start({});
    await venue.start(suspended);
    assert.equal(venue.directory.account(1)?.suspended, true);
    venue.operator([lift]);
    const { plan } = await venue.start(suspended);
    assert.deepEqual([venue.directory.account(1)?.suspended, plan.kept.map(({ key }) => key)], [false, ['suspended']]);
    await venue.start(suspended, true);
    assert.equal(venue.directory.account(1)?.suspended, true);
    await venue.start({}, true);
    assert.equal(venue.directory.account(1)?.suspended, true, 'only the operator lifts it');
  });

  it('leaves values alone that the file does not name', async () => {
    const venue = new Venue();
    await venue.start({});
    const controls = [
      param('MaxQuantity', 77),
      setAccount(1, AccountParam.MaxOpenOrders, 3),
      setAccount(1, AccountParam.Group, 4),
      setAccount(1, AccountParam.CommandsPerSecond, 9),
      setAccount(1, AccountParam.Suspended, 1),
    ];
    venue.operator(controls);
    const state = () => JSON.stringify([venue.directory.symbol(1), venue.directory.account(1)]);
    const before = state();
    const { applied, plan } = await venue.start({});
    assert.deepEqual([applied, plan.changed, plan.kept, state()], [0, [], [], before]);
  });

  it('tries a value again that the exchange did not take', async () => {
    const venue = new Venue();
    await venue.start({ symbol: 'limits: { tick-step: 0.02 }' });
    venue.operator([
      { kind: CommandKind.Deposit, account: 1, symbol: 1, quantity: 1_000_000_000 },
      { kind: CommandKind.New, account: 1, symbol: 1, clientOrderId: 1, price: 100, quantity: 1 },
    ]);
    const wide = { symbol: 'limits: { tick-step: 0.04 }' };
    const { warnings } = await venue.start(wide);
    assert.match(warnings.join(), /^limits.tick-step of symbol BTC-USD: stays as it is, orders rest in the book/);
    venue.operator([{ kind: CommandKind.Cancel, account: 1, symbol: 1, clientOrderId: 1 }]);
    assert.deepEqual((await venue.start(wide)).warnings, []);
    assert.equal(venue.directory.symbol(1)?.params.TickStep, 4);
  });

  it('has a case for each parameter of a symbol', () => {
    const tested = new Set(
      CASES.flatMap(({ operator }) => operator.filter(({ kind }) => kind === CommandKind.SetSymbol).map(({ parameter }) => parameter)),
    );
    // A file cannot give the risk model; prices and sessions go on; a reference source follows from the section reference.
    const others: SymbolParamName[] = ['RiskModel', 'ReferencePrice', 'SessionEnd', 'ReferenceSource'];
    const missing = (Object.keys(SymbolParam) as SymbolParamName[]).filter(
      (name) => !tested.has(SymbolParam[name]) && !others.includes(name),
    );
    assert.deepEqual(missing, []);
  });
});

describe('a running exchange', () => {
  it('lists, logs and audits what its start changes, and --dry-run lists it before', async () => {
    const home = join(base, 'home');
    mkdirSync(home);
    await withSmallExchange(home, (exchange) => deposits(exchange, 3));
    const config = smallConfig(home);
    const file = config.file as string;
    const changed = readFileSync(file, 'utf8').replace('reference-price: 100', 'reference-price: 100, fees: { taker: 0.05% }');
    const diff = join(home, 'changed.yaml');
    writeFileSync(diff, changed);
    const flags = ['--data', config.data, '--grpc-port', '0', '--ws-port', '0', '--http-port', '0', '--topology', 'compact', '--dry-run'];
    const listed = await openbell(['start', '--config', diff, ...flags, '--durability', 'fast', '--json']);
    assert.equal(listed.code, 1, listed.stderr);
    const expected = { item: 'symbol BTC-USD', key: 'fees.taker', now: '0%', file: '0.05%' };
    const { changed: found, options, kept, defined } = JSON.parse(listed.stdout);
    assert.deepEqual([found, kept, defined], [[expected], [], []]);
    assert.deepEqual(options, [{ item: 'exchange', key: 'durability', now: 'durable', file: 'fast' }]);
    const { log, lines } = recordingLog();
    const second = loadConfig({ flags: { ...SMALL_FLAGS, config: diff, data: config.data }, env: {} });
    const exchange = await startExchange(second, { log });
    await exchange.commands.submit(param('TakerFeePpm', 900));
    await exchange.stop();
    assert.ok(lines.some(({ message }) => message === 'configuration: fees.taker of symbol BTC-USD changes from 0% to 0.05%'));
    const kept2 = await openbell(['start', '--config', diff, ...flags]);
    assert.deepEqual(
      [kept2.code, kept2.stdout],
      [1, 'stays    fees.taker of symbol BTC-USD: 0.09%, set while the exchange ran; the file has 0.05% (--apply-config sets it)\n'],
    );
    const same = await openbell(['start', '--config', file, ...flags]);
    assert.deepEqual([same.code, same.stdout], [0, 'nothing changes\n'], 'the first file does not name it');
    const trail: string[] = [];
    for await (const { kind, action, detail } of readTrail(config.data)) if (kind === 'config') trail.push(`${action}: ${detail}`);
    assert.deepEqual(trail, [
      `define: 4 items: asset USD, asset BTC, symbol BTC-USD, account 1, ${file}`,
      `set fees.taker of symbol BTC-USD: 0% to 0.05%, ${diff}`,
    ]);
  });
});
