import assert from 'node:assert/strict';
import { Exchange } from '../../engine/machine/exchange.ts';
import { StateLoader, saveState, stateHash } from '../../engine/machine/state-rows.ts';
import { type Harness, parseCommand, records, tidyLedger } from './exchange-fixture.ts';

/** Snapshots that are followed at a time. */
const COPIES = 8;

/** The exchange after a snapshot. */
export function copyOf(exchange: Exchange): Exchange {
  const copy = new Exchange(exchange.limits);
  const loader = new StateLoader(copy);
  saveState(exchange, (rows, count) => loader.load(rows, count));
  return copy;
}

/** Applies the last command of `exchange` to a copy from before it. */
export function follow(copy: Exchange, exchange: Exchange, line: string): void {
  const { seq, timeUs } = exchange;
  const fields = parseCommand(line);
  const first = seq - Number(fields.extension !== undefined);
  for (const [bytes, words] of records(fields, first, timeUs)) copy.apply(bytes, words, 0);
}

/** Runs the lines of a ledger; an exchange from a snapshot before any of them has the same state after each of the next ones. */
export function sameFromAnySnapshot(harness: Harness, ledger: string): void {
  let copies: Exchange[] = [];
  const lines = tidyLedger(ledger).split('\n');
  for (const line of lines.filter((text) => !text.startsWith('>'))) {
    // Also from a snapshot between the records of a command.
    harness.onRecord = (bytes, words) => {
      copies = [...copies.slice(1 - COPIES), copyOf(harness.exchange)];
      for (const copy of copies) copy.apply(bytes, words, 0);
    };
    harness.do(parseCommand(line));
    for (const copy of copies) assert.equal(stateHash(copy), stateHash(harness.exchange), line);
  }
}
