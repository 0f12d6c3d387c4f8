import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { InexactNumber, parseJson } from '../gateway/endpoints/json/json-text.ts';

describe('JSON of requests', () => {
  test('what JSON.parse reads, for every value', () => {
    const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'a', 'a:b', '{"', '\\', '"'));
    const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null), fc.double({ noNaN: true }));
    const list = fc.array(leaf, { maxLength: 5 });
    const value = fc.oneof(leaf, list, fc.dictionary(key, fc.oneof(leaf, list), { maxKeys: 8 }));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1), (each, indent) => {
        const text = JSON.stringify(each, undefined, indent);
        // A double is written with the digits that give it back, so each is exact.
        assert.deepEqual(parseJson(text), JSON.parse(text));
      }),
    );
  });

  test('a number that a float does not hold exactly keeps its text, and no other does', () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/);
    fc.assert(
      fc.property(digits, (text) => {
        const { a } = parseJson(`{"a":${text}}`) as { a: unknown };
        if (a instanceof InexactNumber) assert.equal(a.text, text);
        else assert.ok(isExact(text, a as number), `${text} became ${a}`);
        if (isExact(text, Number(text))) assert.ok(!(a instanceof InexactNumber), text);
      }),
    );
  });

  const REJECTED: readonly (readonly [text: string, why: RegExp])[] = [
    ['{"a":1,"a":2}', /^a: is given a second time/],
    ['{"b":[{"a":1,"a":2}]}', /a: is given a second time/],
    ['{"a\\u0061":1,"aa":2}', /^aa: is given a second time/],
    ['{"__proto__":1,"__proto__":2}', /is given a second time/],
    ['{"a":"x:y","b":":","a":1}', /^a: is given a second time/],
    ['[[[[[]]]]]', /nested deeper than 4/],
    [`{"a":"${'['.repeat(9)}","b":[[[[1]]]]}`, /nested deeper than 4/],
    ['{"a":1-2}', /it is not JSON/],
    ['{"a":"', /it is not JSON/],
    ['{"a":"\\', /it is not JSON/],
    ['{"a":1.}', /it is not JSON/],
    ['', /it is not JSON/],
    [`[${'1,'.repeat(600)}1]`, /more than 512 values/],
    [`{${Array.from({ length: 1025 }, (_, i) => `"k${i}":1`).join()}}`, /more than (512 values|1024 keys)/],
  ];
  for (const [text, why] of REJECTED)
    test(`rejected: ${text.slice(0, 40)}`, () => assert.throws(() => parseJson(text, { values: 512 }), { message: why }));

  test('an object may have 1,024 keys, where values are not limited', () => {
    const object = (keys: number) => `{${Array.from({ length: keys }, (_, i) => `"k${i}":1`).join()}}`;
    assert.equal(Object.keys(parseJson(object(1024)) as object).length, 1024);
    assert.throws(() => parseJson(object(1025)), { message: /more than 1024 keys/ });
  });
});

/** Whether a decimal number is that float, compared as fractions of whole numbers. */
function isExact(text: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  const [digits, exponent] = parts(text);
  const [own, ownExponent] = parts(String(value));
  const least = Math.min(exponent, ownExponent);
  return digits * 10n ** BigInt(exponent - least) === own * 10n ** BigInt(ownExponent - least);
}

function parts(text: string): readonly [digits: bigint, exponent: number] {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) as RegExpExecArray;
  return [BigInt(`${sign}${whole}${fraction}`), Number(exponent) - fraction.length];
}
