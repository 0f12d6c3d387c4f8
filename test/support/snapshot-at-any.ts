import assert from 'node:assert/strict';
import { encodeCommand } from '../../engine/machine/command.ts';
import { Exchange } from '../../engine/machine/exchange.ts';
import { StateLoader, saveState, stateHash } from '../../engine/machine/state-rows.ts';
import { CommandFlag, encodeExtension } from '../../engine/wire/command-extension.ts';
import { type Harness, parseCommand, tidyLedger } from './exchange-fixture.ts';

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
  const bytes = new Uint8Array(64);
  const words = new Int32Array(bytes.buffer);
  const { seq, timeUs } = exchange;
  const fields = parseCommand(line);
  if (fields.extension !== undefined) {
    encodeExtension(bytes, words, 0, { ...fields.extension, seq: seq - 1, timeUs });
    copy.apply(bytes, words, 0);
  }
  const parameter = fields.extension === undefined ? fields.parameter : CommandFlag.Extended;
  encodeCommand(bytes, words, 0, { ...fields, ...(parameter && { parameter }), seq, timeUs });
  copy.apply(bytes, words, 0);
}

/** Runs the lines of a ledger; an exchange from a snapshot before any of them has the same state after each of the next ones. */
export function sameFromAnySnapshot(harness: Harness, ledger: string): void {
  let copies: Exchange[] = [];
  const lines = tidyLedger(ledger).split('\n');
  for (const line of lines.filter((text) => !text.startsWith('>'))) {
    copies = [...copies.slice(1 - COPIES), copyOf(harness.exchange)];
    harness.do(parseCommand(line));
    for (const copy of copies) {
      follow(copy, harness.exchange, line);
      assert.equal(stateHash(copy), stateHash(harness.exchange), line);
    }
  }
}
