import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DecimalError, decimalToUnits, unitsToDecimal } from '../engine/decimal.ts';

const MAX = Number.MAX_SAFE_INTEGER;

test('decimal text becomes units exactly', () => {
  const table: [text: string, mantissa: number, decimals: number, units: number][] = [
    ['0', 1, 0, 0],
    ['12', 1, 2, 1200],
    ['12.3', 1, 2, 1230],
    ['12.34', 1, 2, 1234],
    ['12.340000', 1, 2, 1234],
    ['0.000000000000000001', 1, 18, 1],
    ['007.50', 25, 2, 30],
    ['0.05', 5, 2, 1],
    ['1000', 100, 0, 10],
    ['3.0', 1, 0, 3],
    ['9007199254740991', 1, 0, MAX],
    // The text in hundredths exceeds 2^53, the count of units does not.
    ['225179981368524775', 25, 0, 9007199254740991],
    ['0.000000001', 1, 9, 1],
    // The digits fit a double; in the last row their number of smallest steps does not.
    ['999999999999999', 1, 0, 999999999999999],
    ['9.00719925474099', 1, 15, 9007199254740990],
    ['9.00719925474', 20, 16, 4503599627370000],
  ];
  for (const [text, mantissa, decimals, units] of table) {
    assert.equal(decimalToUnits(text, mantissa, decimals), units, text);
  }
});

test('text that is not a whole number of units gets a coded error', () => {
  const table: [text: string, mantissa: number, decimals: number, code: string][] = [
    ['', 1, 2, 'DECIMAL_MALFORMED'],
    ['.', 1, 2, 'DECIMAL_MALFORMED'],
    ['.5', 1, 2, 'DECIMAL_MALFORMED'],
    ['5.', 1, 2, 'DECIMAL_MALFORMED'],
    ['1.2.3', 1, 2, 'DECIMAL_MALFORMED'],
    ['-1', 1, 2, 'DECIMAL_MALFORMED'],
    ['+1', 1, 2, 'DECIMAL_MALFORMED'],
    ['1e3', 1, 2, 'DECIMAL_MALFORMED'],
    [' 1', 1, 2, 'DECIMAL_MALFORMED'],
    ['1,5', 1, 2, 'DECIMAL_MALFORMED'],
    ['١', 1, 2, 'DECIMAL_MALFORMED'],
    ['0x10', 1, 2, 'DECIMAL_MALFORMED'],
    ['NaN', 1, 2, 'DECIMAL_MALFORMED'],
    ['1.234', 1, 2, 'DECIMAL_NOT_A_MULTIPLE'],
    ['1.2300001', 1, 2, 'DECIMAL_NOT_A_MULTIPLE'],
    ['0.03', 5, 2, 'DECIMAL_NOT_A_MULTIPLE'],
    ['150', 100, 0, 'DECIMAL_NOT_A_MULTIPLE'],
    ['9007199254740992', 1, 0, 'DECIMAL_TOO_LARGE'],
    ['90071992547409.92', 1, 2, 'DECIMAL_TOO_LARGE'],
    ['0.1', 1, 18, 'DECIMAL_TOO_LARGE'],
    ['1'.repeat(400), 1, 0, 'DECIMAL_TOO_LARGE'],
  ];
  for (const [text, mantissa, decimals, code] of table) {
    assert.throws(
      () => decimalToUnits(text, mantissa, decimals),
      (error) => error instanceof DecimalError && error.code === code,
      `${text} -> ${code}`,
    );
  }
});

test('an invalid unit is a programming error', () => {
  for (const [mantissa, decimals] of [
    [0, 2],
    [-1, 2],
    [1.5, 2],
    [2 ** 50, 0],
    [1, -1],
    [1, 19],
    [1, 0.5],
  ] as const) {
    assert.throws(() => decimalToUnits('1', mantissa, decimals), RangeError);
    assert.throws(() => unitsToDecimal(1, mantissa, decimals), RangeError);
  }
  assert.throws(() => unitsToDecimal(1.5, 1, 2), RangeError);
  assert.throws(() => unitsToDecimal(MAX + 1, 1, 2), RangeError);
});

test('units become text with the unit’s places', () => {
  assert.equal(unitsToDecimal(1230, 1, 2), '12.30');
  assert.equal(unitsToDecimal(1, 5, 2), '0.05');
  assert.equal(unitsToDecimal(-7, 1, 3), '-0.007');
  assert.equal(unitsToDecimal(0, 1, 0), '0');
  assert.equal(unitsToDecimal(MAX, 25, 2), '2251799813685247.75');
});

test('every number of units survives conversion to text and back', () => {
  const units = fc.integer({ min: 0, max: MAX });
  const mantissa = fc.oneof(fc.constantFrom(1, 2, 5, 25, 100), fc.integer({ min: 1, max: 2 ** 49 }));
  fc.assert(
    fc.property(units, mantissa, fc.integer({ min: 0, max: 18 }), (count, m, d) => {
      const text = unitsToDecimal(count, m, d);
      assert.equal(decimalToUnits(text, m, d), count);
      assert.equal(decimalToUnits(d === 0 ? text : `${text}000`, m, d), count);
    }),
  );
});

test('arbitrary text is either exact or rejected', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9]{0,20}\.?[0-9]{0,20}$/));
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 0, max: 9 }), (given, m, d) => {
      let units: number;
      try {
        units = decimalToUnits(given, m, d);
      } catch (error) {
        assert.ok(error instanceof DecimalError);
        return;
      }
      const [whole, fraction = ''] = given.split('.');
      assert.equal(BigInt(whole + fraction) * 10n ** BigInt(d), BigInt(units) * BigInt(m) * 10n ** BigInt(fraction.length));
    }),
  );
});

test('short text and long text of one number are read alike', () => {
  const read = (text: string, mantissa: number, decimals: number): number | string => {
    try {
      return decimalToUnits(text, mantissa, decimals);
    } catch (error) {
      assert.ok(error instanceof DecimalError);
      return error.code;
    }
  };
  const text = fc.stringMatching(/^[0-9]{0,12}[.]?[0-9]{0,12}[.x]?$/);
  fc.assert(
    fc.property(
      text,
      fc.oneof(fc.constantFrom(1, 5, 25), fc.integer({ min: 1, max: 2 ** 49 })),
      fc.integer({ min: 0, max: 18 }),
      (given, m, d) => {
        if (/^[0-9]/.test(given)) assert.equal(read(given, m, d), read('0'.repeat(16) + given, m, d));
      },
    ),
  );
});
