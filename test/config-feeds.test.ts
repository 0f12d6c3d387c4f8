import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError, loadConfig } from '../gateway/config/config.ts';

const dir = mkdtempSync(join(tmpdir(), 'openbell-config-feeds-'));
after(() => rmSync(dir, { recursive: true, force: true }));

function load(text: string) {
  const file = join(dir, 'venue.yaml');
  writeFileSync(file, text);
  return loadConfig({ flags: { config: file }, env: {} }).feeds;
}

test('sources are read with what they give, and nothing else', () => {
  assert.deepEqual(load('assets: []'), []);
  assert.deepEqual(
    load(`feeds:
  - { name: spot, venue: kraken-v1, instruments: [XBT/USD, ETH/USD], depth: 100, stale-after: 30 }
  - name: local
    venue: binance
    instruments:
      - BTCUSDT
    ws-url: ws://127.0.0.1:9000
    http-url: http://127.0.0.1:9000/base
`),
    [
      { name: 'spot', venue: 'kraken-v1', instruments: ['XBT/USD', 'ETH/USD'], depth: 100, staleAfterSeconds: 30 },
      {
        name: 'local',
        venue: 'binance',
        instruments: ['BTCUSDT'],
        webSocketUrl: 'ws://127.0.0.1:9000',
        httpUrl: 'http://127.0.0.1:9000/base',
      },
    ],
  );
});

const SOURCE = { name: 'a', venue: 'binance', instruments: '[BTCUSDT]' };
const source = (fields: Record<string, string | undefined>) =>
  `feeds:\n  - { ${Object.entries({ ...SOURCE, ...fields })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ')} }`;

const WRONG: readonly (readonly [what: string, text: string, problem: RegExp])[] = [
  ['no list', 'feeds: binance', /feeds: must be a list/],
  [
    'unknown key',
    source({ symbols: '[X]' }),
    /symbols: unknown key; use one of name, venue, instruments, depth, stale-after, ws-url, http-url$/,
  ],
  ['no name', source({ name: undefined }), /feeds\[0\]\.name: is missing/],
  ['no venue', source({ venue: undefined }), /feeds\[0\]\.venue: is missing; give one of .*binance/],
  ['unknown venue', source({ venue: 'nowhere' }), /feeds\[0\]\.venue: must be one of .*, not nowhere$/],
  ['no instruments', source({ instruments: undefined }), /feeds\[0\]\.instruments: is missing; give a list of names as the venue/],
  ['an empty list', source({ instruments: '[]' }), /instruments: has no instruments; give at least one$/],
  ['an instrument twice', source({ instruments: '[A, A]' }), /instruments\[1\]: A is given twice; give it once$/],
  ['a space', source({ instruments: '["A B"]' }), /instruments\[0\]: must be 1 to 64 printable characters without spaces or commas/],
  ['a comma', source({ instruments: '["A,B"]' }), /without spaces or commas, not "A,B"$/],
  ['depth 0', source({ depth: '0' }), /depth: must be a whole number from 1 to 100000, not 0$/],
  ['stale at once', source({ 'stale-after': '0' }), /stale-after: must be a whole number from 1 to 86400, not 0$/],
  ['another scheme', source({ 'ws-url': 'http://a' }), /ws-url: must be an address that begins with wss:\/\/ or ws:\/\/, such as wss:/],
  ['no address', source({ 'http-url': 'feeds' }), /http-url: must be an address that begins with https:\/\/ or http:\/\//],
  ['a password', source({ 'ws-url': 'wss://u:p@a' }), /ws-url: must not hold a user name or password/],
  ['parameters', source({ 'ws-url': '"wss://a/ws?x=1"' }), /ws-url: must have no parameters and no slash at its end/],
  ['a slash at the end', source({ 'http-url': 'https://a/' }), /no slash at its end/],
  [
    'a name twice',
    `${source({})}\n  - { name: a, venue: bybit, instruments: [X] }`,
    /feeds\[1\]: feed name a is used twice; choose another$/,
  ],
  ...['venue', 'last', 'mid', 'reference'].map(
    (name) =>
      [`the word ${name}`, source({ name }), /feeds\[0\]: feed name \w+ is the word for a price of the venue; choose another$/] as const,
  ),
  [
    'the list of instruments',
    source({ name: 'instruments' }),
    /feeds\[0\]: feed name instruments is taken by GET \/v1\/feeds\/instruments; choose another$/,
  ],
  ['the list of books', source({ name: 'books' }), /feeds\[0\]: feed name books is taken by GET \/v1\/feeds\/books; choose another$/],
  [
    'too many',
    `feeds:\n${Array.from({ length: 65 }, (_, i) => `  - { name: a${i}, venue: bybit, instruments: [X] }`).join('\n')}`,
    /feeds: has 65 sources; at most 64 are possible$/,
  ],
];

for (const [what, text, problem] of WRONG) {
  test(`rejected: ${what}`, () => {
    assert.throws(
      () => load(text),
      (error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.equal(error.problems.length, 1, error.message);
        assert.match(error.problems[0], problem);
        return true;
      },
    );
  });
}
