import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteTable } from '../feeds/text/byte-table.ts';
import { JsonKind, JsonScanner, MAX_DEPTH } from '../feeds/text/json-scanner.ts';

const encoder = new TextEncoder();
const scanner = new JsonScanner();

/** A value read with the scanner alone: numbers as `{ number: text }`. */
function read(json: JsonScanner): unknown {
  if (json.object()) {
    const object: Record<string, unknown> = Object.create(null);
    while (json.nextKey()) {
      const key = json.text();
      object[key] = read(json);
    }
    return object;
  }
  if (json.array()) {
    const array: unknown[] = [];
    while (json.next()) array.push(read(json));
    return array;
  }
  if (!json.value()) return undefined;
  if (json.kind === JsonKind.Text) return json.text();
  if (json.kind === JsonKind.Number) return { number: json.text() };
  return json.text() === 'null' ? null : json.isTrue();
}

/** The same, with JSON.parse. TypeScript does not know the third argument yet. */
function parse(text: string): unknown {
  const reviver = (_key: string, value: unknown, context?: { source: string }): unknown => {
    if (typeof value === 'number') return { number: context?.source };
    return typeof value === 'object' && value !== null && !Array.isArray(value) && !('number' in value)
      ? Object.assign(Object.create(null), value)
      : value;
  };
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}

function accepted(text: string): boolean {
  scanner.start(encoder.encode(text));
  return scanner.finished();
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('values are read as they are written', () => {
  for (const text of [
    '{"price":0.50930100,"qty":"1.0","x":[1e5,-0,true,false,null,{}]}',
    ' [ ] ',
    '"a\\u00e9\\n\\/"',
    '{"a":{"a":{"a":[[[]]]}},"b":""}',
    '[18239578009413566319]',
  ]) {
    scanner.start(encoder.encode(text));
    assert.deepEqual(read(scanner), parse(text), text);
    assert.equal(scanner.finished(), true, text);
  }
});

test('what JSON.parse rejects is rejected, and nothing else', () => {
  const texts: readonly string[] = [
    '', ' ', '{', '}', '[', '[1', '[1,', '[1,]', '[,1]', '[1 2]', '{"a"}', '{"a":}', '{"a":1,}', '{a:1}', '{"a":1 "b":2}', '[1}', '{"a":1]',
    '01', '-', '-0', '-01', '1.', '.5', '1e', '1e+', '1E-2', '+1', '0x1', 'NaN', 'tru', 'true', 'nulll', '"', '"\\', '"\\x"', '"\\u12"', '"\\u12g4"',
    '"\t"', '"\u0000"', '1 1', '[1] x', '\u00a01', '{"a":1}{"b":2}', '"\u007f"', '[1]\n', '\ufeff1',
  ]; // biome-ignore format: a list
  for (const text of texts) assert.equal(accepted(text), parses(text), JSON.stringify(text));
});

test('property: any JSON, and any damage to it, is judged as by JSON.parse and read the same', () => {
  const json = fc.json({ maxDepth: 5 });
  fc.assert(
    fc.property(json, fc.nat(), fc.nat(), fc.string({ maxLength: 2 }), (text, at, cut, insert) => {
      scanner.start(encoder.encode(text));
      assert.deepEqual(read(scanner), parse(text));
      assert.equal(scanner.finished(), true);
      const place = at % (text.length + 1);
      const damaged = text.slice(0, place) + insert + text.slice(place + (cut % 3));
      assert.equal(accepted(damaged), parses(damaged), damaged);
    }),
    { numRuns: 500 },
  );
});

test('what the caller does not read is skipped', () => {
  scanner.start(encoder.encode('{"skip":{"deep":[1,{"x":"]"}]},"take":"me","list":[[1,2],[3,4]],"end":1}'));
  const keys: string[] = [];
  const heads: string[] = [];
  assert.equal(scanner.object(), true);
  while (scanner.nextKey()) {
    keys.push(scanner.text());
    if (keys.at(-1) !== 'list') continue;
    assert.equal(scanner.object(), false, 'an array is no object, and stays unread');
    scanner.array();
    while (scanner.next()) {
      scanner.array();
      scanner.next();
      scanner.value();
      heads.push(scanner.text());
      scanner.leave();
    }
  }
  assert.deepEqual(keys, ['skip', 'take', 'list', 'end']);
  assert.deepEqual(heads, ['1', '3']);
  assert.equal(scanner.finished(), true);
});

test('a value is read again from its position', () => {
  scanner.start(encoder.encode('[{"p":1},"name"]'));
  scanner.array();
  scanner.next();
  const { position } = scanner;
  scanner.next();
  scanner.value();
  assert.equal(scanner.text(), 'name');
  scanner.resume(position);
  assert.equal(scanner.object() && scanner.nextKey() && scanner.text(), 'p');
});

test('after an error every method answers false', () => {
  scanner.start(encoder.encode('{"a":[1,2,x],"b":1}'));
  let members = 0;
  if (scanner.object()) while (scanner.nextKey()) if (scanner.array()) while (scanner.next()) members++;
  assert.equal(members, 3, 'the third value is only looked at when it is skipped');
  assert.equal(scanner.failed, true);
  assert.deepEqual(
    [scanner.object(), scanner.next(), scanner.nextKey(), scanner.value(), scanner.skip(), scanner.finished()],
    Array(6).fill(false),
  );
});

test('nesting is bounded', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  assert.equal(accepted(nested(MAX_DEPTH)), true);
  assert.equal(accepted(nested(MAX_DEPTH + 1)), false);
  assert.equal(accepted('['.repeat(1_000_000)), false);
});

test('words are found by their bytes, also when they are written with escapes', () => {
  const table = new ByteTable(['bids', 'asks', 'AAVE/AUD']);
  const find = (text: string): number => {
    scanner.start(encoder.encode(text));
    scanner.value();
    return scanner.id(table);
  };
  assert.deepEqual(['"bids"', '"asks"', '"AAVE\\/AUD"', '"\\u0062ids"', '"bid"', '""', '"bidss"'].map(find), [0, 1, 2, 0, -1, -1, -1]);
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 200 }), (words) => {
      const words2 = new ByteTable(words);
      words.forEach((word, number) => {
        const bytes = encoder.encode(`-${word}-`);
        assert.equal(words2.find(bytes, 1, bytes.length - 1), words2.add(word));
        assert.equal(words2.word(number), word);
      });
    }),
    { numRuns: 50 },
  );
});
