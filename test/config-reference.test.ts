import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ReferenceSourceId } from '../engine/params.ts';
import { ConfigError, loadConfig } from '../gateway/config/config.ts';

const dir = mkdtempSync(join(tmpdir(), 'openbell-config-reference-'));
after(() => rmSync(dir, { recursive: true, force: true }));

function load(symbol: string) {
  const file = join(dir, 'venue.yaml');
  writeFileSync(
    file,
    `assets:
  - { id: 1, name: USD, decimals: 8 }
  - { id: 2, name: BTC, decimals: 8 }
symbols:
  - { id: 1, name: BTC-USD, base: BTC, quote: USD, tick: 0.01, lot: 0.01, ${symbol} }
feeds:
  - { name: one, venue: kraken, instruments: [BTC/USD, ETH/USD] }
  - { name: two, venue: binance, instruments: [BTCUSDT] }
`,
  );
  return loadConfig({ flags: { config: file }, env: {} }).symbols[0];
}

test('a reference is read with its defaults, and makes the symbol follow it', () => {
  const plain = load('phase: continuous');
  assert.deepEqual([plain.reference, plain.params.ReferenceSource], [undefined, undefined]);
  const { reference, params } = load('reference: { sources: [{ feed: one, instrument: BTC/USD }] }');
  assert.equal(params.ReferenceSource, ReferenceSourceId.Outside);
  assert.deepEqual(reference, {
    sources: [{ feed: 'one', instrument: 'BTC/USD', value: 'mid' }],
    ...{ maxAge: 10, maxRate: 10, maxStepPpm: 100_000, confirmAfter: 5, halts: false, resumeAfter: undefined },
  });
});

test('a reference is read with everything that it gives', () => {
  const sources = 'sources: [{ feed: two, instrument: BTCUSDT, value: last }, { feed: one, instrument: BTC/USD, value: mid }]';
  const limits = 'max-age: 2, max-rate: 1000, max-step: 2.5%, confirm-after: 60, when-stale: halt, resume-after: 0';
  assert.deepEqual(load(`reference: { ${sources}, ${limits} }`).reference, {
    sources: [
      { feed: 'two', instrument: 'BTCUSDT', value: 'last' },
      { feed: 'one', instrument: 'BTC/USD', value: 'mid' },
    ],
    ...{ maxAge: 2, maxRate: 1000, maxStepPpm: 25_000, confirmAfter: 60, halts: true, resumeAfter: 0 },
  });
});

const GOOD = 'sources: [{ feed: one, instrument: BTC/USD }]';
const WRONG: readonly (readonly [what: string, text: string, problem: RegExp])[] = [
  ['no mapping', 'reference: kraken', /reference: must be a mapping/],
  ['no sources', 'reference: { max-age: 5 }', /reference.sources: is missing; give a list such as/],
  ['an empty list', 'reference: { sources: [] }', /sources: has no sources/],
  ['sources that are no list', 'reference: { sources: one }', /sources: must be a list/],
  ['too many sources', `reference: { sources: [${'{ feed: one, instrument: BTC/USD }, '.repeat(9)}] }`, /has 9 sources; at most 8/],
  ['an unknown feed', 'reference: { sources: [{ feed: three, instrument: BTC/USD }] }', /no feed is named three; .* one of one, two/],
  [
    'an unknown instrument',
    'reference: { sources: [{ feed: one, instrument: BTCUSDT }] }',
    /feed one has no instrument BTCUSDT; .* BTC\/USD, ETH\/USD/,
  ],
  [
    'a source twice',
    'reference: { sources: [{ feed: one, instrument: BTC/USD }, { feed: one, instrument: BTC/USD, value: last }, { feed: one, instrument: BTC/USD, value: mid }] }',
    /sources\[2\]: one BTC\/USD mid is given twice; give it once/,
  ],
  ['no feed', 'reference: { sources: [{ instrument: BTC/USD }] }', /feed: is missing/],
  ['no instrument', 'reference: { sources: [{ feed: one }] }', /instrument: is missing/],
  ['an unknown value', 'reference: { sources: [{ feed: one, instrument: BTC/USD, value: vwap }] }', /value: .*mid.*last/],
  ['an unknown key', `reference: { ${GOOD}, age: 5 }`, /unknown key; use one of sources, max-age/],
  ['an age of 0', `reference: { ${GOOD}, max-age: 0 }`, /max-age: .* 1 to 3600/],
  ['a rate above the highest', `reference: { ${GOOD}, max-rate: 1001 }`, /max-rate: .* 1 to 1000/],
  ['a step without a percent sign', `reference: { ${GOOD}, max-step: 0.1 }`, /max-step: must be a percentage/],
  ['a step of 0', `reference: { ${GOOD}, max-step: 0% }`, /max-step: must be a percentage/],
  ['an unknown policy', `reference: { ${GOOD}, when-stale: close }`, /when-stale: .*keep.*halt/],
  ['a resumption without a halt', `reference: { ${GOOD}, resume-after: 5 }`, /resume-after: needs when-stale: halt/],
  ['the parameter beside it', `reference: { ${GOOD} }, reference-source: trades`, /reference-source: follows from the key reference/],
];

for (const [what, text, problem] of WRONG) {
  test(`${what} is a problem that names its place`, () => {
    assert.throws(
      () => load(text),
      (error) => error instanceof ConfigError && error.problems.length === 1 && problem.test(error.message),
    );
  });
}
