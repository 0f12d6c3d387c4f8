import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { TOP_BOOK_WIRES } from '../engine/wire/channels/book.ts';
import { CANDLE_WIRES } from '../engine/wire/channels/candles.ts';
import { CHANNELS } from '../engine/wire/channels/channels.ts';
import { MarketEventKind } from '../engine/wire/market-event.ts';
import { DESCRIPTORS, ORDER_FOLLOWERS, REACTIONS, REACTIONS_FROM } from '../gateway/market/channels/channels.ts';
import { chooseFormat, FORMATS } from '../gateway/market/formats/formats.ts';

const DOCS = readFileSync(new URL('../docs/MARKET-DATA.md', import.meta.url), 'utf8');

it('the documentation lists the channels as their descriptors have them', () => {
  const rows = [...DOCS.matchAll(/^\| `([a-z0-9-]+)` \| (.*?) \| .*? \| (.*?) \|$/gm)].map(([, name, snapshot, conflated]) => ({
    name,
    hasUpdates: !snapshot.startsWith('no '),
    conflated: conflated.match(/^\w+/)?.[0],
  }));
  const expected = DESCRIPTORS.map(({ wire, conflation }) => ({
    name: wire.name,
    hasUpdates: wire.snapshotHasUpdates,
    conflated: conflation,
  }));
  assert.deepEqual(rows, expected);
});

it('an event reaches only the channels that react to it', () => {
  const of = (kind: number): string[] => REACTIONS.slice(REACTIONS_FROM[kind], REACTIONS_FROM[kind + 1]).map(({ wire }) => wire.name);
  assert.deepEqual(of(MarketEventKind.Trade), ['trades', ...CANDLE_WIRES.map(({ name }) => name)]);
  assert.deepEqual(of(MarketEventKind.Phase), ['trades', 'status']);
  assert.deepEqual(of(MarketEventKind.Indicative), ['status']);
  const { Add, Reduce, Remove, Accepted, Amended } = MarketEventKind;
  for (const kind of [0, Add, Reduce, Remove, Accepted, Amended]) assert.deepEqual(of(kind), []);
  assert.deepEqual(
    ORDER_FOLLOWERS.map(({ wire }) => wire.name),
    ['book-l3'],
  );
});

it('all descriptors have the same shape, and each struct has a vector of its own', () => {
  for (const descriptor of DESCRIPTORS) assert.deepEqual(Object.keys(descriptor), Object.keys(DESCRIPTORS[0]));
  for (const wire of CHANNELS) assert.deepEqual(Object.keys(wire), Object.keys(CHANNELS[0]));
  assert.equal(
    new Set(CHANNELS.map(({ vectorField }) => vectorField)).size,
    CHANNELS.length - (CANDLE_WIRES.length - 1) - TOP_BOOK_WIRES.length,
  );
});

it('a reader that offers several subprotocols gets json, one that offers none gets binary frames', () => {
  assert.deepEqual(
    [['json', 'binary'], ['json', 'json-raw'], ['json-raw', 'binary'], ['binary'], ['openbell.bearer.x'], []].map((offered) => {
      const { format, protocol } = chooseFormat(offered);
      return [format.protocol, protocol];
    }),
    [
      ['json', 'json'],
      ['json', 'json'],
      ['json-raw', 'json-raw'],
      ['binary', 'binary'],
      ['binary', ''],
      ['binary', ''],
    ],
  );
  assert.deepEqual(
    FORMATS.map(({ binary }) => binary),
    [true, false, false],
  );
});
