/** Reports of the stop prices of trailing stops: docs/TRADING-RULES.md, "Trailing stops". */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Exchange } from '../engine/machine/exchange.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { TRAIL_REPORTS_PER_COMMAND } from '../engine/rules/trail-reports.ts';
import { ReportKind } from '../engine/wire/layout.ts';
import { Harness, parseCommand, runLedger, tidyLedger } from './support/exchange-fixture.ts';
import { copyOf, follow, sameFromAnySnapshot } from './support/snapshot-at-any.ts';

const MARKET = ['4 new 1 sell 1 @ 500', '4 new 2 buy 1 @ 500 ioc', '4 new 3 buy 99 @ 480'];

function ledger(name: string, text: string): void {
  it(name, () => {
    const [harness, again] = [new Harness().setUp(5), new Harness().setUp(5)];
    for (const each of [harness, again]) for (const line of MARKET) each.do(parseCommand(line));
    assert.equal(runLedger(harness, text), tidyLedger(text));
    sameFromAnySnapshot(again, text);
  });
}

describe('reports of stop prices', () => {
  ledger(
    'come with each command that changes one, only for orders that ask',
    `
    1 new 1 sell 1 trail 5 reports
      > 1 Accepted 1 1@0 leaves 1 stop 495
    2 new 1 sell 1 trail 5
      > 2 Accepted 1 1@0 leaves 1 stop 495
    3 new 1 sell 1 trail 10000ppm limit 3 from 508 reports
      > 3 Accepted 1 1@499 leaves 1 stop 502
    4 new 4 sell 1 @ 502
      > 4 Accepted 4 1@502 leaves 1
    4 new 5 buy 1 @ 502
      > 4 Accepted 5 1@502 leaves 1
      > 4 Fill 4 1@502 leaves 0 maker
      > 4 Fill 5 1@502 leaves 0 taker
      > 1 StopPriceChanged 1 1@0 leaves 1 stop 497
    4 new 6 sell 1 @ 500
      > 4 Accepted 6 1@500 leaves 1
    4 new 7 buy 1 @ 500
      > 4 Accepted 7 1@500 leaves 1
      > 4 Fill 6 1@500 leaves 0 maker
      > 4 Fill 7 1@500 leaves 0 taker
    1 amend 1 2 trail 4
      > 1 Amended 1 2@0 leaves 2 stop 498
    4 new 8 sell 1 @ 510
      > 4 Accepted 8 1@510 leaves 1
    4 new 9 buy 1 @ 510
      > 4 Accepted 9 1@510 leaves 1
      > 4 Fill 8 1@510 leaves 0 maker
      > 4 Fill 9 1@510 leaves 0 taker
      > 1 StopPriceChanged 1 2@0 leaves 2 stop 506
      > 3 StopPriceChanged 1 1@501 leaves 1 stop 504
    1 new 1 sell 1 trail 5
      > 1 Rejected 1 1@0 leaves 0 CLIENT_ORDER_ID_REUSED
    5 new 1 buy 1 @ 506
      > 5 Accepted 1 1@506 leaves 1
    4 new 10 sell 1 @ 506
      > 4 Accepted 10 1@506 leaves 1
      > 5 Fill 1 1@506 leaves 0 maker
      > 4 Fill 10 1@506 leaves 0 taker
      > 1 Triggered 1 2@0 leaves 2 stop 506
      > 4 Fill 3 2@480 leaves 97 maker
      > 1 Fill 1 2@480 leaves 0 taker
      > 2 Triggered 1 1@0 leaves 1 stop 505
      > 4 Fill 3 1@480 leaves 96 maker
      > 2 Fill 1 1@480 leaves 0 taker
      > 3 Triggered 1 1@501 leaves 1 stop 504`,
  );

  it('are bounded per command: the next ones go on, with the prices of their own moment, and the ticks come for them', () => {
    const harness = new Harness().setUp(4);
    harness.must(parseCommand('reference 500'));
    const many = 2 * TRAIL_REPORTS_PER_COMMAND + 10;
    for (let id = 1; id <= many; id++) harness.must(parseCommand(`1 new ${id} sell 1 trail 5 ref reports`));
    const changes = (line: string): number[][] => {
      const { reports } = harness.do(parseCommand(line));
      return reports.filter(({ kind }) => kind === ReportKind.StopPriceChanged).map((r) => [r.clientOrderId, r.stopPrice]);
    };
    const from = (first: number, count: number, stopPrice: number): number[][] =>
      Array.from({ length: count }, (_, i) => [((first - 1 + i) % many) + 1, stopPrice]);
    const most = TRAIL_REPORTS_PER_COMMAND;
    assert.deepEqual(changes('reference 510'), from(1, most, 505));
    assert.equal(harness.exchange.deadlineUs, harness.exchange.timeUs);
    const copy: Exchange = copyOf(harness.exchange);
    // All have a new price; the turn stays where it was.
    assert.deepEqual(changes('reference 511'), from(most + 1, most, 506));
    follow(copy, harness.exchange, 'reference 511');
    assert.deepEqual(changes('tick'), from(2 * most + 1, most, 506));
    follow(copy, harness.exchange, 'tick');
    assert.deepEqual(changes('tick'), from(3 * most + 1 - many, many - 2 * most, 506));
    follow(copy, harness.exchange, 'tick');
    assert.equal(stateHash(copy), stateHash(harness.exchange));
    assert.equal(harness.exchange.deadlineUs, Number.POSITIVE_INFINITY);
    assert.deepEqual(changes('tick'), []);
    assert.deepEqual(changes('reference 505'), []);
  });
});
