/** The JSON Schema of configuration files, by a public validator, against the parser. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { OPTIONS } from '../gateway/config/config.ts';
import { readConfigFile } from '../gateway/config/config-file.ts';
import { configSchema } from '../gateway/config/config-schema.ts';
import { DEMO_VENUE } from '../gateway/config/demo-venue.ts';

const ROOT = join(import.meta.dirname, '..');
const valid = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true, strictRequired: false }).compile(configSchema());

const BASE = `
assets: [{ id: 1, name: USD, decimals: 2 }, { id: 2, name: BTC, decimals: 8 }]
calendars: { week: { time-zone: UTC, week: { mon-fri: { 09:00: continuous, 17:30: closed } } } }
fee-tables: [{ table: 1, asset: USD, tiers: [{ volume: 10, maker: -0.01%, taker: 0.05% }] }]
symbols: [{ id: 1, name: BTC-USD, base: BTC, quote: USD, tick: 0.01, lot: 1, fees: { maker: 0%, taker: 0.05% } }]
accounts: [{ id: 1, name: one, deposits: { USD: 10.50 } }]
feeds: [{ name: k, venue: kraken, instruments: [BTC/USD] }, { name: f, file: day.csv, instruments: [day], speed: max }]
feed-books: [{ name: b, sources: ["k:BTC/USD"] }]
simulator: { makers: [1], takers: [2] }
`;

describe('the JSON Schema of configuration files', () => {
  it('is the published one', () => {
    const published = JSON.parse(readFileSync(join(ROOT, 'docs/openbell.schema.json'), 'utf8'));
    assert.deepEqual(published, JSON.parse(JSON.stringify(configSchema())), 'run: npx openbell config schema > docs/openbell.schema.json');
  });

  it('accepts the example, the demo venue, and all venues of mesh', () => {
    const files = ['docs/openbell.example.yaml', ...globSync('mesh/**/*.yaml', { cwd: ROOT })].filter((file) =>
      /^(symbols|assets):/m.test(readFileSync(join(ROOT, file), 'utf8')),
    );
    assert.ok(files.length > 5, `${files.length} files`);
    for (const file of files)
      assert.ok(valid(parse(readFileSync(join(ROOT, file), 'utf8'))), `${file}: ${JSON.stringify(valid.errors, undefined, 1)}`);
    assert.ok(valid(parse(DEMO_VENUE)), JSON.stringify(valid.errors));
  });

  it('names the schema in the example, for editors', () => {
    assert.match(
      readFileSync(join(ROOT, 'docs/openbell.example.yaml'), 'utf8'),
      /^# yaml-language-server: \$schema=openbell\.schema\.json\n/,
    );
  });

  it('accepts what the parser accepts', () => {
    const texts = [
      BASE,
      '',
      'accounts:',
      'server: { grpc-port: 1, simulate: true, durability: fast }',
      BASE.replace('id: 1, name: USD', 'id: "1", name: USD').replace('tick: 0.01', 'tick: "0.01"'),
      BASE.replace(
        'fees: {',
        'collar: 5%, limits: { max-price: 100, min-notional: 1 }, volatility: { static-band: 10%, duration: 60 }, fees: {',
      ),
    ];
    for (const text of texts) {
      const { problems } = readConfigFile(
        'file',
        text.replace('takers: [2]', 'takers: [1]').replace(/simulator:.*\n/, ''),
        Object.keys(OPTIONS),
      );
      assert.deepEqual(problems, [], text);
      assert.ok(valid(parse(text)), `${text}: ${JSON.stringify(valid.errors)}`);
    }
  });

  it('rejects what the parser rejects', () => {
    const changes: readonly (readonly [string, string])[] = [
      ['assets:', 'asset:'],
      ['decimals: 2', 'decimals: 13'],
      ['decimals: 2', 'decimal: 2'],
      ['id: 1, name: USD, ', 'name: USD, '],
      ['name: USD', 'name: "U S D"'],
      ['tick: 0.01', 'tick: -0.01'],
      ['tick: 0.01, ', ''],
      ['taker: 0.05% } }]', 'taker: -0.05% } }]'],
      ['taker: 0.05% } }]', 'taker: 0.05 } }]'],
      ['fees:', 'fee:'],
      ['lot: 1', 'lot: 1, phase: open'],
      ['lot: 1', 'lot: 1, reference-source: trades'],
      ['lot: 1', 'lot: 1, limits: { max: 3 }'],
      ['09:00: continuous', '9am: continuous'],
      ['09:00: continuous', '09:00: open'],
      ['mon-fri', 'monday'],
      ['time-zone: UTC, ', ''],
      ['table: 1', 'table: 9'],
      ['name: one', 'name: one, suspended: maybe'],
      ['name: one', 'name: one, fee-tiers: { 1: 16 }'],
      ['USD: 10.50', 'USD: ten'],
      ['venue: kraken', 'venue: nowhere'],
      ['venue: kraken', 'venue: kraken, speed: 2'],
      ['file: day.csv', 'file: day.csv, depth: 5'],
      ['venue: kraken, ', ''],
      ['"k:BTC/USD"', '"BTC"'],
      ['makers: [1], ', ''],
      ['simulator:', 'server: { port: 1 }\nsimulator:'],
      ['simulator:', 'capacities: { orders: 1 }\nsimulator:'],
      ['simulator:', 'capacities: [1]\nsimulator:'],
    ];
    for (const [from, to] of changes) {
      const text = BASE.replace(from, to);
      assert.notEqual(text, BASE, from);
      assert.ok(readConfigFile('file', text, Object.keys(OPTIONS)).problems.length > 0, `the parser accepts ${to}`);
      assert.ok(!valid(parse(text)), `the schema accepts ${to}`);
    }
  });
});
