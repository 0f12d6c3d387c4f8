import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultCode } from '../feeds/feed.ts';
import { InstrumentStatus, unlisted } from '../feeds/instrument-terms.ts';
import { ListedRows } from '../feeds/worker/listed-rows.ts';

const { Trading, PostOnly, Halted, Delisted } = InstrumentStatus;

function listedRows() {
  const lines: string[] = [];
  return { rows: new ListedRows((fault, text) => lines.push(`${faultCode(fault)} ${text}`)), lines };
}

const terms = (name: string, status: InstrumentStatus) => ({ ...unlisted(name), status });

test('what does not trade has a line of the log, and so has what trades again; all of it is passed on', () => {
  const { rows, lines } = listedRows();
  rows.add(1, terms('A', Trading));
  rows.add(2, terms('B', Delisted));
  assert.deepEqual(lines, ["DELISTED B is delisted, by the venue's list"]);
  assert.deepEqual(
    rows.take().map(({ row, terms: { status } }) => [row, status]),
    [
      [1, Trading],
      [2, Delisted],
    ],
  );
  assert.ok(rows.isEmpty);
  for (const status of [PostOnly, Halted, Halted, Delisted, Trading]) rows.add(1, terms('A', status));
  assert.deepEqual(lines.slice(1), [
    "HALTED A is halted, by the venue's list",
    "DELISTED A is delisted, by the venue's list",
    "NONE A is trading again, by the venue's list",
  ]);
});

test('a list that ends many instruments names 20, and counts the others', () => {
  const { rows, lines } = listedRows();
  for (let row = 0; row < 50; row++) rows.add(row, terms(`I${row}`, Delisted));
  assert.equal(lines.length, 20);
  assert.equal(rows.take().length, 50);
  assert.deepEqual(lines.slice(20), ['NONE 30 more instruments have another status; GET /v1/feeds/instruments has all']);
  rows.add(0, terms('I0', Trading));
  assert.equal(lines.length, 22, 'the next list has lines of its own');
});
