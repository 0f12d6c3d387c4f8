import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError, loadConfig } from '../gateway/config/config.ts';

const dir = mkdtempSync(join(tmpdir(), 'openbell-config-feed-books-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const FEEDS = `feeds:
  - { name: one, venue: kraken, instruments: [BTC/USD, ETH/USD] }
  - { name: "one:x", venue: bybit, instruments: [BTCUSDT] }
  - { name: two, venue: bybit, instruments: ["x:BTC", ${Array.from({ length: 17 }, (_, i) => `I${i}`).join(', ')}] }
`;

function load(books: string) {
  const file = join(dir, 'venue.yaml');
  writeFileSync(file, `${FEEDS}feed-books: ${books}\n`);
  return loadConfig({ flags: { config: file }, env: {} }).feedBooks;
}

test('books are read, with colons in the names of feeds and instruments', () => {
  assert.deepEqual(load('[]'), []);
  assert.deepEqual(load('[{ name: BTC-USD, sources: ["one:BTC/USD", "one:x:BTCUSDT", "two:x:BTC"], levels: 50 }]'), [
    {
      name: 'BTC-USD',
      levels: 50,
      sources: [
        { feed: 'one', instrument: 'BTC/USD' },
        { feed: 'one:x', instrument: 'BTCUSDT' },
        { feed: 'two', instrument: 'x:BTC' },
      ],
    },
  ]);
  assert.deepEqual(
    load('[{ name: A, sources: [two:I0] }, { name: B, sources: [two:I1] }]').map(({ levels }) => levels),
    [10, 10],
  );
});

const many = (count: number) => Array.from({ length: count }, (_, i) => `two:I${i}`).join(', ');
const WRONG: readonly (readonly [what: string, text: string, problem: RegExp])[] = [
  ['no list', 'BTC', /feed-books: must be a list/],
  ['unknown key', '[{ name: A, sources: [two:I0], depth: 1 }]', /depth: unknown key; use one of name, sources, levels$/],
  ['no name', '[{ sources: [two:I0] }]', /feed-books\[0\]\.name: is missing/],
  ['no sources', '[{ name: A }]', /feed-books\[0\]\.sources: is missing; give a list of instruments of feeds, such as kraken:BTC\/USD$/],
  ['an empty list', '[{ name: A, sources: [] }]', /sources: has no instruments; give at least one$/],
  ['too many sources', `[{ name: A, sources: [${many(17)}] }]`, /sources: has 17 instruments; at most 16 fit one book$/],
  ['no feed', '[{ name: A, sources: [three:X] }]', /sources\[0\]: names no feed; define it under feeds or use one of one, one:x, two$/],
  ['no instrument', '[{ name: A, sources: [two] }]', /sources\[0\]: must be a feed and one of its instruments, .*, not two$/],
  ['an unknown instrument', '[{ name: A, sources: [two:X] }]', /sources\[0\]: feed two has no instrument X; add it there$/],
  ['an instrument twice', '[{ name: A, sources: [two:I0, two:I0] }]', /sources\[1\]: two:I0 is in book A already; an instrument of a feed/],
  ['in two books', '[{ name: A, sources: [two:I0] }, { name: B, sources: [two:I0] }]', /\[1\]\.sources\[0\]: two:I0 is in book A already/],
  ['no levels', '[{ name: A, sources: [two:I0], levels: 0 }]', /levels: must be a whole number from 1 to 50, not 0$/],
  ['too many levels', '[{ name: A, sources: [two:I0], levels: 51 }]', /levels: must be a whole number from 1 to 50, not 51$/],
  ['a name twice', '[{ name: A, sources: [two:I0] }, { name: A, sources: [two:I1] }]', /feed-books\[1\]: book name A is used twice/],
  [
    'too many books',
    `[${Array.from({ length: 65 }, () => '{ name: C }').join(', ')}]`,
    /feed-books: has 65 books; at most 64 are possible/,
  ],
];

for (const [what, text, problem] of WRONG) {
  test(`rejected: ${what}`, () => {
    assert.throws(
      () => load(text),
      (error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.match(error.problems[0], problem);
        return true;
      },
    );
  });
}

test('the path of the list of books is no name of a feed', () => {
  const file = join(dir, 'venue.yaml');
  writeFileSync(file, 'feeds: [{ name: books, venue: bybit, instruments: [X] }]');
  assert.throws(
    () => loadConfig({ flags: { config: file }, env: {} }),
    /feed name books is taken by GET \/v1\/feeds\/books; choose another/,
  );
});
