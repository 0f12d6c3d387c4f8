import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteTable } from '../feeds/text/byte-table.ts';
import { JsonFields } from '../feeds/text/json-fields.ts';
import { JsonScanner } from '../feeds/text/json-scanner.ts';

const NAMES = ['data', 'a', 'b', 'list'];

/** What the fields are after a text: the text of scalars, `{` or `[` where an object or array stands, `-` for none; undefined if it is no object. */
function read(text: string, entered = 1): string[] | undefined {
  const bytes = new TextEncoder().encode(text);
  const scanner = new JsonScanner();
  const fields = new JsonFields(NAMES, entered);
  if (!fields.readText(scanner, bytes)) return undefined;
  return NAMES.map((_, field) => {
    if (!fields.has(field)) return '-';
    const text = new TextDecoder().decode(bytes.subarray(fields.from[field], fields.to[field]));
    const at = fields.position[field];
    return '{['.includes(String.fromCharCode(bytes[at])) ? String.fromCharCode(bytes[at]) : text;
  });
}

test('fields are found in any order; unknown ones are skipped', () => {
  const table: [text: string, fields: string[] | undefined][] = [
    ['{}', ['-', '-', '-', '-']],
    ['{"b":"2","x":[{"a":9}],"a":1.50}', ['-', '1.50', '2', '-']],
    ['{"data":{"a":true,"b":null}}', ['{', 'true', 'null', '-']],
    ['{"data":{"b":"in"},"a":"out"}', ['{', 'out', 'in', '-']],
    ['{"data":[1],"list":[1,2]}', ['[', '-', '-', '[']],
    ['{"a":{"b":1}}', ['-', '{', '-', '-']],
    ['{"a":1,"a":2}', ['-', '2', '-', '-']],
    ['{"a":""}', ['-', '', '-', '-']],
    [' { "a" : 1 } ', ['-', '1', '-', '-']],
    ['[{"a":1}]', undefined],
    ['7', undefined],
    ['', undefined],
    ['{"a":1', undefined],
    ['{"a":1}}', undefined],
    ['{"data":{"a":1}', undefined],
    ['{"a" 1}', undefined],
  ];
  for (const [text, fields] of table) assert.deepEqual(read(text), fields, text);
  assert.deepEqual(read('{"data":{"a":1}}', 0), ['{', '-', '-', '-'], 'an object that is not entered');
});

test('fields are those of the last text', () => {
  const scanner = new JsonScanner();
  const fields = new JsonFields(NAMES);
  fields.readText(scanner, new TextEncoder().encode('{"a":1,"b":2}'));
  fields.readText(scanner, new TextEncoder().encode('{"b":3}'));
  assert.deepEqual([fields.has(1), fields.has(2), fields.from[1], fields.to[1]], [false, true, 0, 0]);
});

test('a list gives the positions of its values, a text its number in a table', () => {
  const bytes = new TextEncoder().encode('{"a":"two","list":[{"a":1},{"a":2},3],"b":[]}');
  const scanner = new JsonScanner();
  const fields = new JsonFields(NAMES);
  assert.ok(fields.readText(scanner, bytes));
  const words = new ByteTable(['one', 'two']);
  assert.deepEqual(
    [1, 2, 0].map((field) => fields.id(scanner, field, words)),
    [1, -1, -1],
  );
  const positions: number[] = [9, 9];
  assert.ok(fields.list(scanner, 3, positions));
  assert.deepEqual(
    positions.map((at) => String.fromCharCode(bytes[at])),
    ['{', '{', '3'],
  );
  assert.ok(fields.list(scanner, 2, positions));
  assert.deepEqual(positions, []);
  assert.ok(!fields.list(scanner, 1, positions));
  assert.ok(!fields.list(scanner, 0, positions));
});

test('any object gives what JSON.parse gives', () => {
  const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
  const record = fc.record({ a: scalar, b: scalar, other: fc.jsonValue() }, { requiredKeys: [] });
  fc.assert(
    fc.property(record, fc.constantFrom(undefined, 1), (object, space) => {
      const text = JSON.stringify(object, null, space);
      const expected = ['data', 'a', 'b', 'list'].map((name) => {
        const value = (object as Record<string, unknown>)[name];
        return value === undefined ? '-' : JSON.stringify(value).replace(/^"|"$/g, '');
      });
      const found = read(text);
      assert.ok(found !== undefined);
      // A text that begins with a brace is told apart from an object by its quote.
      for (const [i, value] of expected.entries()) assert.equal(found[i], value, text);
    }),
    { numRuns: 500 },
  );
});
