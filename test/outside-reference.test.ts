/** The reference price of an outside source: what it moves, and what trades no longer move. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { MAX_PRICE_TICKS, ReferenceSourceId, SymbolParam } from '../engine/params.ts';
import { MarketEventKind } from '../engine/wire/market-event.ts';
import { Harness, parseCommand, runLedger, SMALL_LIMITS, SYMBOL, tidyLedger } from './support/exchange-fixture.ts';
import { copyOf } from './support/shares-fixture.ts';

const OUTSIDE = { ReferencePrice: 500, ReferenceSource: ReferenceSourceId.Outside };

function ledger(name: string, text: string, params: object): void {
  it(name, () => {
    const harness = new Harness().setUp(5, { ...OUTSIDE, ...params });
    assert.equal(runLedger(harness, text), tidyLedger(text));
    assert.equal(stateHash(copyOf(harness.exchange, SMALL_LIMITS)), stateHash(harness.exchange));
  });
}

function reference({ exchange }: Harness): number {
  return exchange.symbols.param(SYMBOL, SymbolParam.ReferencePrice);
}

function trade(harness: Harness, id: number, price: number): void {
  harness.do(parseCommand(`1 new ${id} sell 1 @ ${price}`));
  harness.do(parseCommand(`2 new ${id} buy 1 @ ${price}`));
}

describe('the reference price of an outside source', () => {
  it('is left as it is by trades and uncrosses, and follows them again when the source is given up', () => {
    const harness = new Harness().setUp(5, OUTSIDE);
    trade(harness, 1, 510);
    assert.deepEqual([reference(harness), harness.exchange.symbols.lastPrice[SYMBOL]], [500, 510]);
    for (const line of ['phase auction', '1 new 2 sell 1 @ 520', '2 new 2 buy 1 @ 520', 'uncross', 'phase continuous'])
      harness.do(parseCommand(line));
    assert.deepEqual([reference(harness), harness.exchange.symbols.lastPrice[SYMBOL]], [500, 520]);
    harness.do(parseCommand('outside 505'));
    assert.equal(reference(harness), 505);
    harness.do(parseCommand('param ReferenceSource 0'));
    assert.equal(reference(harness), 505);
    trade(harness, 3, 515);
    assert.equal(reference(harness), 515);
  });

  it('is refused for a symbol that follows its trades, outside of the range of prices, and before rules 7', () => {
    const answer = (harness: Harness, line: string) => codeName(harness.do(parseCommand(line)).reports[0].code as Code);
    assert.equal(answer(new Harness().setUp(1), 'outside 505'), 'BAD_PARAMETER');
    assert.equal(answer(new Harness(SMALL_LIMITS, 6).setUp(1), 'outside 505'), 'UNKNOWN_KIND');
    assert.equal(answer(new Harness(SMALL_LIMITS, 6).setUp(1), 'param ReferenceSource 1'), 'BAD_PARAMETER');
    const harness = new Harness().setUp(1, OUTSIDE);
    for (const price of [0, MAX_PRICE_TICKS + 1]) assert.equal(answer(harness, `outside ${price}`), 'BAD_PARAMETER');
    for (const price of [1, MAX_PRICE_TICKS]) assert.equal(answer(harness, `outside ${price}`), 'OK');
    const unknown = harness.do({ ...parseCommand('outside 500'), symbol: 3 });
    assert.equal(unknown.reports[0].code, Code.UNKNOWN_SYMBOL);
    assert.equal(answer(harness, 'param ReferenceSource 2'), 'BAD_PARAMETER');
  });

  it('is published, with the phase, and changes the indicative price of an auction', () => {
    const harness = new Harness().setUp(5, OUTSIDE);
    for (const line of ['phase auction', '1 new 1 sell 1 @ 490', '2 new 1 buy 1 @ 510']) harness.do(parseCommand(line));
    const { events } = harness.do(parseCommand('outside 495'));
    const [status, indicative] = events;
    assert.deepEqual([status.kind, status.price], [MarketEventKind.Phase, 495]);
    assert.deepEqual([indicative.kind, indicative.price], [MarketEventKind.Indicative, 495]);
  });

  ledger(
    'stops by the reference price are triggered by it, and not by trades',
    `
    3 new 1 buy 1 stop 510 ref
      > 3 Accepted 1 1@0 leaves 1 stop 510 ref
    4 new 1 buy 1 stop 510
      > 4 Accepted 1 1@0 leaves 1 stop 510
    1 new 1 sell 1 @ 510
      > 1 Accepted 1 1@510 leaves 1
    1 new 2 sell 5 @ 512
      > 1 Accepted 2 5@512 leaves 5
    2 new 1 buy 1 @ 510
      > 2 Accepted 1 1@510 leaves 1
      > 1 Fill 1 1@510 leaves 0 maker
      > 2 Fill 1 1@510 leaves 0 taker
      > 4 Triggered 1 1@0 leaves 1 stop 510
      > 1 Fill 2 1@512 leaves 4 maker
      > 4 Fill 1 1@512 leaves 0 taker
    outside 509
      > 0 Accepted
    outside 510
      > 0 Accepted
      > 3 Triggered 1 1@0 leaves 1 stop 510 ref
      > 1 Fill 2 1@512 leaves 3 maker
      > 3 Fill 1 1@512 leaves 0 taker`,
    {},
  );
  ledger(
    'the price band is around it',
    `
    1 new 1 sell 1 @ 530
      > 1 Accepted 1 1@530 leaves 1
    2 new 1 buy 1 @ 530
      > 2 Rejected 1 1@530 leaves 0 PRICE_BAND
    outside 520
      > 0 Accepted
    2 new 2 buy 1 @ 530
      > 2 Accepted 2 1@530 leaves 1
      > 1 Fill 1 1@530 leaves 0 maker
      > 2 Fill 2 1@530 leaves 0 taker
    2 new 3 buy 1 @ 547
      > 2 Rejected 3 1@547 leaves 0 PRICE_BAND`,
    { PriceBandPpm: 50_000 },
  );
  it('is the middle of the dynamic band, and of the static band only until an auction or the operator sets that', () => {
    const harness = new Harness().setUp(5, { ...OUTSIDE, ReferencePrice: 0, StaticBandPpm: 100_000, DynamicBandPpm: 50_000 });
    const { symbols, bands } = harness.exchange;
    const seen = (line: string): number[] => {
      harness.do(parseCommand(line));
      bands.measure(SYMBOL);
      return [symbols.staticPrice[SYMBOL], bands.low, bands.high];
    };
    assert.deepEqual(seen('outside 500'), [500, 475, 525]);
    assert.deepEqual(seen('outside 520'), [500, 494, 546]);
    assert.deepEqual(seen('outside 540'), [500, 513, 550]);
    assert.deepEqual(seen('reference 600'), [600, 570, 630]);
    assert.deepEqual(seen('outside 610'), [600, 580, 640]);
  });
});
