import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FeedFault } from '../feeds/feed.ts';
import { DecimalReader, decimalText, wholeNumber, writeDecimal, writeDigits } from '../feeds/text/decimal.ts';
import { countToUs, isoToUs, secondsToUs } from '../feeds/text/times.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const reader = new DecimalReader();

function read(text: string): string {
  const bytes = encoder.encode(`"${text}"`);
  const fault = reader.read(bytes, 1, bytes.length - 1);
  if (fault !== FeedFault.None) return Object.keys(FeedFault)[fault];
  return `${reader.mantissa} e-${reader.decimals} of ${reader.written}`;
}

test('decimal text becomes integers', () => {
  const table: readonly [string, string][] = [
    // text                  mantissa, decimals, written decimals
    ['0', '0 e-0 of 0'],
    ['0.00000000', '0 e-0 of 8'],
    ['12', '12 e-0 of 0'],
    ['30228.7', '302287 e-1 of 1'],
    ['354.11000000', '35411 e-2 of 8'],
    ['0.000022900', '229 e-7 of 9'],
    ['1000000000.00000000', '1000000000 e-0 of 8'],
    ['100.001', '100001 e-3 of 3'],
    ['9007199254740991', '9007199254740991 e-0 of 0'],
    ['0.000000000000000001', '1 e-18 of 18'],
    ['9007199254740992', 'NumberTooLarge'],
    ['900719925474099.2', 'NumberTooLarge'],
    ['0.9007199254740992', 'NumberTooLarge'],
    ['99999999999999999999999', 'NumberTooLarge'],
    ['0.0000000000000000001', 'NumberTooLarge'],
    ['0.0000000000000000000', 'NumberTooLarge'],
    ['-1', 'NumberNegative'],
    ['-0.5', 'NumberNegative'],
    ['', 'NumberMalformed'],
    ['.', 'NumberMalformed'],
    ['.5', 'NumberMalformed'],
    ['5.', 'NumberMalformed'],
    ['1.2.3', 'NumberMalformed'],
    ['1e-7', 'NumberMalformed'],
    ['1,000', 'NumberMalformed'],
    [' 1', 'NumberMalformed'],
    ['0x10', 'NumberMalformed'],
    ['NaN', 'NumberMalformed'],
    ['+1', 'NumberMalformed'],
    ['१', 'NumberMalformed'],
  ];
  for (const [text, expected] of table) assert.equal(read(text), expected, text);
});

test('units of a scale are exact, or refused', () => {
  const units = (text: string, scale: number): number => {
    read(text);
    return reader.units(scale);
  };
  assert.equal(units('354.11000000', 2), 35411);
  assert.equal(units('354.11', 8), 35_411_000_000);
  assert.equal(units('0', 18), 0);
  assert.equal(units('90071992.54740991', 8), Number.MAX_SAFE_INTEGER);
  assert.equal(units('90071992.5474099', 9), -1);
  assert.equal(units('1000000000', 8), -1);
});

/** Digits of a number as BigInt counts them. */
const decimals = fc.tuple(fc.bigInt(0n, 2n ** 53n - 1n), fc.nat(18), fc.nat(18)).map(([units, scale, more]) => {
  const digits = String(units).padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  const zeros = '0'.repeat(Math.min(more, 18 - scale));
  return { text: zeros === '' ? text : `${text}${scale === 0 ? '.' : ''}${zeros}`, units, scale };
});

test('property: text comes back exactly, also in another scale', () => {
  fc.assert(
    fc.property(decimals, fc.nat(18), ({ text }, scale) => {
      assert.equal(Object.keys(FeedFault).includes(read(text)), false, text);
      const { written } = reader;
      const units = reader.units(Math.max(scale, reader.decimals));
      const used = Math.max(scale, reader.decimals);
      const exact = BigInt(text.replace('.', '')) * 10n ** BigInt(Math.max(used - written, 0));
      const value = exact / 10n ** BigInt(Math.max(written - used, 0));
      assert.equal(units, value < 2n ** 53n ? Number(value) : -1);
      if (units === -1) return;
      assert.equal(decimalText(units, used, written), text);
      const target = new Uint8Array(64);
      assert.equal(decoder.decode(target.subarray(3, writeDecimal(target, 3, units, used, written))), text);
      const digits = decoder.decode(target.subarray(0, writeDigits(target, 0, units, used, written)));
      assert.equal(digits, text.replace('.', '').replace(/^0+/, ''));
    }),
    { numRuns: 2000 },
  );
});

test('times become microseconds, and what is no time 0', () => {
  const us = (parse: (bytes: Uint8Array, from: number, to: number) => number, text: string): number => {
    const bytes = encoder.encode(text);
    return parse(bytes, 0, bytes.length);
  };
  assert.equal(us(secondsToUs, '1618678133.365913'), 1_618_678_133_365_913);
  assert.equal(us(secondsToUs, '1618678133.3659139'), 1_618_678_133_365_913);
  assert.equal(us(secondsToUs, '1618678133'), 1_618_678_133_000_000);
  for (const text of ['', 'x', '1.', '1.x', '.5', '-1', '99999999999999999']) assert.equal(us(secondsToUs, text), 0, text);
  const count = (places: number) => (bytes: Uint8Array, from: number, to: number) => countToUs(bytes, from, to, places);
  assert.equal(us(count(3), '1652459225464'), 1_652_459_225_464_000);
  assert.equal(us(count(6), '1641343695681418'), 1_641_343_695_681_418);
  for (const text of ['', '1.5', '99999999999999999999']) assert.equal(us(count(3), text), 0, text);
  for (const text of [
    '2026-08-09T21:05:48.228568804Z',
    '2026-08-09T21:05:42Z',
    '1970-01-01T00:00:00.5Z',
    '2024-02-29T23:59:59.999999Z',
    '2100-03-01T00:00:00Z',
  ]) {
    assert.equal(us(isoToUs, text), Math.floor(Date.parse(text)) * 1000 + Number(/\.\d{3}(\d{1,3})/.exec(text)?.[1] ?? 0), text);
  }
  for (const text of [
    '',
    '2026-08-09T21:05:48',
    '2026-13-09T21:05:48Z',
    '2026-08-09T21:05:48.Z',
    '2026-08-09T2x:05:48Z',
    '2026-08-09T21:05:48.1+01:00',
  ]) {
    assert.equal(us(isoToUs, text), 0, text);
  }
  assert.deepEqual(
    [
      us(wholeNumber, '0'),
      us(wholeNumber, '9007199254740991'),
      us(wholeNumber, '9007199254740992'),
      us(wholeNumber, ''),
      us(wholeNumber, '-1'),
    ],
    [0, Number.MAX_SAFE_INTEGER, -1, -1, -1],
  );
});
