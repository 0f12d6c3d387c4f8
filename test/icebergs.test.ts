/** Icebergs: what they display, in which order their parts trade, and that the whole counts for everything else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stateHash } from '../engine/machine/state-rows.ts';
import type { SymbolParam } from '../engine/params.ts';
import { ReportKind, Side } from '../engine/wire/layout.ts';
import { MarketEventKind } from '../engine/wire/market-event.ts';
import { BTC, Harness, parseCommand, runLedger, SMALL_LIMITS, tidyLedger, USD } from './support/exchange-fixture.ts';
import { NaiveMirror } from './support/naive-mirror.ts';
import { audit, copyOf } from './support/shares-fixture.ts';

function ledger(name: string, text: string, params: Partial<Record<keyof typeof SymbolParam, number>> = {}): void {
  it(name, () => {
    const harness = new Harness().setUp(5, params);
    assert.equal(runLedger(harness, text), tidyLedger(text));
    assert.equal(harness.exchange.accounts.imbalance(BTC), 0);
    audit(harness);
  });
}

describe('icebergs', () => {
  ledger(
    'display a part at a time; the next part goes behind the orders of its price, and a large order takes the parts in turn',
    `
    1 new 1 sell 25 @ 500 show 10
      > 1 Accepted 1 25@500 leaves 25
    2 new 1 sell 5 @ 500
      > 2 Accepted 1 5@500 leaves 5
    3 new 1 sell 12 @ 500 show 4
      > 3 Accepted 1 12@500 leaves 12
    4 new 1 buy 12 @ 500
      > 4 Accepted 1 12@500 leaves 12
      > 1 Fill 1 10@500 leaves 15 maker
      > 4 Fill 1 10@500 leaves 2 taker
      > 2 Fill 1 2@500 leaves 3 maker
      > 4 Fill 1 2@500 leaves 0 taker
    5 new 1 buy 27 @ 500
      > 5 Accepted 1 27@500 leaves 27
      > 2 Fill 1 3@500 leaves 0 maker
      > 5 Fill 1 3@500 leaves 24 taker
      > 3 Fill 1 4@500 leaves 8 maker
      > 5 Fill 1 4@500 leaves 20 taker
      > 1 Fill 1 10@500 leaves 5 maker
      > 5 Fill 1 10@500 leaves 10 taker
      > 3 Fill 1 4@500 leaves 4 maker
      > 5 Fill 1 4@500 leaves 6 taker
      > 1 Fill 1 5@500 leaves 0 maker
      > 5 Fill 1 5@500 leaves 1 taker
      > 3 Fill 1 1@500 leaves 3 maker
      > 5 Fill 1 1@500 leaves 0 taker
    3 cancel 1
      > 3 Cancelled 1 3@500 leaves 0 CANCELLED_BY_CLIENT`,
  );
  it('have one more part, as large as it needs, when the command has used up its share of parts', () => {
    const harness = new Harness().setUp(5);
    harness.exchange.partsPerCommand = 2;
    const text = `
    1 new 1 sell 100 @ 500 show 1
      > 1 Accepted 1 100@500 leaves 100
    2 new 1 sell 60 @ 500 show 1
      > 2 Accepted 1 60@500 leaves 60
    4 new 1 buy 120 @ 500
      > 4 Accepted 1 120@500 leaves 120
      > 1 Fill 1 1@500 leaves 99 maker
      > 4 Fill 1 1@500 leaves 119 taker
      > 2 Fill 1 1@500 leaves 59 maker
      > 4 Fill 1 1@500 leaves 118 taker
      > 1 Fill 1 1@500 leaves 98 maker
      > 4 Fill 1 1@500 leaves 117 taker
      > 2 Fill 1 1@500 leaves 58 maker
      > 4 Fill 1 1@500 leaves 116 taker
      > 1 Fill 1 98@500 leaves 0 maker
      > 4 Fill 1 98@500 leaves 18 taker
      > 2 Fill 1 18@500 leaves 40 maker
      > 4 Fill 1 18@500 leaves 0 taker
    5 new 1 buy 41 @ 500
      > 5 Accepted 1 41@500 leaves 41
      > 2 Fill 1 40@500 leaves 0 maker
      > 5 Fill 1 40@500 leaves 1 taker`;
    assert.equal(runLedger(harness, text), tidyLedger(text));
    audit(harness);
  });
  ledger(
    'trade as a whole when they arrive, and rest with what is left',
    `
    1 new 1 sell 30 @ 500
      > 1 Accepted 1 30@500 leaves 30
    2 new 1 buy 50 @ 500 show 15
      > 2 Accepted 1 50@500 leaves 50
      > 1 Fill 1 30@500 leaves 0 maker
      > 2 Fill 1 30@500 leaves 20 taker
    3 new 1 sell 16 @ 500
      > 3 Accepted 1 16@500 leaves 16
      > 2 Fill 1 15@500 leaves 5 maker
      > 3 Fill 1 15@500 leaves 1 taker
      > 2 Fill 1 1@500 leaves 4 maker
      > 3 Fill 1 1@500 leaves 0 taker
    2 new 1 buy 50 @ 500 show 15
      > 2 Accepted 1 50@500 leaves 4 again
    2 new 1 buy 50 @ 500 show 16
      > 2 Rejected 1 50@500 leaves 0 CLIENT_ORDER_ID_REUSED
    2 new 1 buy 50 @ 500
      > 2 Rejected 1 50@500 leaves 0 CLIENT_ORDER_ID_REUSED`,
  );
  ledger(
    'display a multiple of the lot step, at least the minimum of the symbol and a hundredth of the order',
    `
    1 new 1 sell 100 @ 500 show 5
      > 1 Rejected 1 100@500 leaves 0 DISPLAYED_QUANTITY
    1 new 2 sell 100 @ 500 show 4
      > 1 Rejected 2 100@500 leaves 0 DISPLAYED_QUANTITY
    1 new 3 sell 602 @ 500 show 6
      > 1 Rejected 3 602@500 leaves 0 DISPLAYED_QUANTITY
    1 new 4 sell 600 @ 500 show 6
      > 1 Accepted 4 600@500 leaves 600
    1 new 5 sell 6 @ 500 show 6
      > 1 Accepted 5 6@500 leaves 6
    1 amend 4 602 @ 500
      > 1 AmendRejected 4 602@500 leaves 600 DISPLAYED_QUANTITY
    1 amend 4 602 @ 500 show 8
      > 1 Amended 4 602@500 leaves 602
    1 amend 4 602 @ 500 show 7
      > 1 AmendRejected 4 602@500 leaves 602 DISPLAYED_QUANTITY
    1 new 6 sell 6 @ 500
      > 1 Accepted 6 6@500 leaves 6
    1 amend 6 6 @ 500 show 6
      > 1 AmendRejected 6 6@500 leaves 6 DISPLAYED_QUANTITY
    1 amend 4 602 @ 500 stop 510
      > 1 AmendRejected 4 602@500 leaves 602 STOP_PRICE
    1 new 7 buy 6 stop 510
      > 1 Accepted 7 6@0 leaves 6 stop 510
    1 amend 7 6 show 6
      > 1 AmendRejected 7 6@0 leaves 6 DISPLAYED_QUANTITY`,
    { LotStep: 2, MinDisplayed: 6 },
  );
  ledger(
    'keep their place when they are amended to less, first of what they do not display; to more, or to display more, they lose it',
    `
    1 new 1 sell 30 @ 500 show 10
      > 1 Accepted 1 30@500 leaves 30
    2 new 1 sell 10 @ 500
      > 2 Accepted 1 10@500 leaves 10
    1 amend 1 20 @ 500
      > 1 Amended 1 20@500 leaves 20 kept
    1 amend 1 20 @ 500 show 6
      > 1 Amended 1 20@500 leaves 20 kept
    1 amend 1 5 @ 500
      > 1 Amended 1 5@500 leaves 5 kept
    3 new 1 buy 6 @ 500
      > 3 Accepted 1 6@500 leaves 6
      > 1 Fill 1 5@500 leaves 0 maker
      > 3 Fill 1 5@500 leaves 1 taker
      > 2 Fill 1 1@500 leaves 9 maker
      > 3 Fill 1 1@500 leaves 0 taker
    1 new 2 sell 30 @ 499 show 10
      > 1 Accepted 2 30@499 leaves 30
    2 new 2 sell 10 @ 499
      > 2 Accepted 2 10@499 leaves 10
    1 amend 2 30 @ 499 show 11
      > 1 Amended 2 30@499 leaves 30
    3 new 2 buy 11 @ 499
      > 3 Accepted 2 11@499 leaves 11
      > 2 Fill 2 10@499 leaves 0 maker
      > 3 Fill 2 10@499 leaves 1 taker
      > 1 Fill 2 1@499 leaves 29 maker
      > 3 Fill 2 1@499 leaves 0 taker
    1 amend 2 40 @ 499
      > 1 Amended 2 40@499 leaves 40
    4 new 1 buy 10 @ 490
      > 4 Accepted 1 10@490 leaves 10
    1 amend 2 40 @ 490
      > 1 Amended 2 40@490 leaves 40
      > 4 Fill 1 10@490 leaves 0 maker
      > 1 Fill 2 10@490 leaves 30 taker`,
  );
  ledger(
    'count as a whole for fill-or-kill, minimum quantity and market orders',
    `
    1 new 1 sell 30 @ 500 show 10
      > 1 Accepted 1 30@500 leaves 30
    2 new 1 buy 31 @ 500 fok
      > 2 Rejected 1 31@500 leaves 0 FOK_NOT_FILLABLE
    2 new 2 buy 5 @ 500 fok
      > 2 Accepted 2 5@500 leaves 5
      > 1 Fill 1 5@500 leaves 25 maker
      > 2 Fill 2 5@500 leaves 0 taker
    2 new 3 buy 25 @ 500 fok
      > 2 Accepted 3 25@500 leaves 25
      > 1 Fill 1 5@500 leaves 20 maker
      > 2 Fill 3 5@500 leaves 20 taker
      > 1 Fill 1 10@500 leaves 10 maker
      > 2 Fill 3 10@500 leaves 10 taker
      > 1 Fill 1 10@500 leaves 0 maker
      > 2 Fill 3 10@500 leaves 0 taker
    1 new 2 sell 4000000 @ 500 show 40000
      > 1 Rejected 2 4000000@500 leaves 0 INSUFFICIENT_FUNDS
    1 new 3 sell 900000 @ 500 show 9000
      > 1 Accepted 3 900000@500 leaves 900000
    1 new 4 sell 100000 @ 500
      > 1 Rejected 4 100000@500 leaves 0 INSUFFICIENT_FUNDS
    1 new 5 sell 99970 @ 9000
      > 1 Accepted 5 99970@9000 leaves 99970
    3 new 1 buy 999970 mkt
      > 3 Rejected 1 999970@0 leaves 0 INSUFFICIENT_FUNDS`,
  );
  ledger(
    'are taken part by part by orders with self-trade prevention, which reduces or cancels the whole',
    `
    1 new 1 sell 30 @ 500 show 10
      > 1 Accepted 1 30@500 leaves 30
    2 new 1 sell 4 @ 500
      > 2 Accepted 1 4@500 leaves 4
    2 new 2 buy 34 @ 500 fok cancel-newest
      > 2 Rejected 2 34@500 leaves 0 FOK_NOT_FILLABLE
    2 new 3 buy 10 @ 500 fok cancel-newest
      > 2 Accepted 3 10@500 leaves 10
      > 1 Fill 1 10@500 leaves 20 maker
      > 2 Fill 3 10@500 leaves 0 taker
    2 new 4 buy 18 @ 500 fok decrement
      > 2 Rejected 4 18@500 leaves 0 FOK_NOT_FILLABLE
    2 new 5 buy 18 @ 500 fok cancel-oldest
      > 2 Accepted 5 18@500 leaves 18
      > 2 Cancelled 1 4@500 leaves 0 CANCELLED_SELF_TRADE
      > 1 Fill 1 10@500 leaves 10 maker
      > 2 Fill 5 10@500 leaves 8 taker
      > 1 Fill 1 8@500 leaves 2 maker
      > 2 Fill 5 8@500 leaves 0 taker
    1 new 2 sell 30 @ 500 show 5
      > 1 Accepted 2 30@500 leaves 30
    1 new 3 buy 25 @ 500 ioc decrement
      > 1 Accepted 3 25@500 leaves 25
      > 1 Cancelled 1 2@500 leaves 0 CANCELLED_SELF_TRADE
      > 1 Amended 3 23@500 leaves 23 CANCELLED_SELF_TRADE
      > 1 Amended 2 7@500 leaves 7 CANCELLED_SELF_TRADE kept
      > 1 Cancelled 3 23@500 leaves 0 CANCELLED_SELF_TRADE
    1 new 4 buy 9 @ 500 ioc cancel-oldest
      > 1 Accepted 4 9@500 leaves 9
      > 1 Cancelled 2 7@500 leaves 0 CANCELLED_SELF_TRADE
      > 1 Cancelled 4 9@500 leaves 0 CANCELLED_REMAINDER`,
  );
  ledger(
    'take part in an auction as a whole, in the place of their arrival',
    `
    1 new 1 sell 30 @ 500 show 10
      > 1 Accepted 1 30@500 leaves 30
    2 new 1 sell 5 @ 500
      > 2 Accepted 1 5@500 leaves 5
    3 new 1 buy 10 @ 500
      > 3 Accepted 1 10@500 leaves 10
      > 1 Fill 1 10@500 leaves 20 maker
      > 3 Fill 1 10@500 leaves 0 taker
    phase auction
      > 0 Accepted
    3 new 2 buy 12 @ 505
      > 3 Accepted 2 12@505 leaves 12
    uncross
      > 3 Fill 2 12@500 leaves 0 auction
      > 1 Fill 1 12@500 leaves 8 auction
      > 0 Accepted 12@500
    4 new 1 buy 40 @ 505 show 10
      > 4 Accepted 1 40@505 leaves 40
    uncross
      > 4 Fill 1 8@505 leaves 32 auction
      > 1 Fill 1 8@505 leaves 0 auction
      > 4 Fill 1 5@505 leaves 27 auction
      > 2 Fill 1 5@505 leaves 0 auction
      > 0 Accepted 13@505
    phase continuous
      > 0 Accepted
    5 new 1 sell 11 @ 505
      > 5 Accepted 1 11@505 leaves 11
      > 4 Fill 1 10@505 leaves 17 maker
      > 5 Fill 1 10@505 leaves 1 taker
      > 4 Fill 1 1@505 leaves 16 maker
      > 5 Fill 1 1@505 leaves 0 taker`,
  );
  ledger(
    'expire, and are cancelled by the operator, as a whole; the positions of their accounts count the whole',
    `
    limit 1 1 MaxPosition 40
      > 0 Accepted
    at 100: 1 new 1 sell 30 @ 500 show 10 gtd 200
      > 1 Accepted 1 30@500 leaves 30
    at 110: 1 new 2 sell 11 @ 500
      > 1 Rejected 2 11@500 leaves 0 POSITION_LIMIT
    at 120: 3 new 1 buy 15 @ 500
      > 3 Accepted 1 15@500 leaves 15
      > 1 Fill 1 10@500 leaves 20 maker
      > 3 Fill 1 10@500 leaves 5 taker
      > 1 Fill 1 5@500 leaves 15 maker
      > 3 Fill 1 5@500 leaves 0 taker
    at 130: 1 new 3 sell 11 @ 500
      > 1 Rejected 3 11@500 leaves 0 POSITION_LIMIT
    at 200: tick
      > 1 Cancelled 1 15@500 leaves 0 EXPIRED
    at 210: 1 new 4 sell 25 @ 500 show 10
      > 1 Accepted 4 25@500 leaves 25`,
  );

  it('hold the money of the whole, with its fee, and pay the fee of the whole', () => {
    const harness = new Harness().setUp(3, { MakerFeePpm: 1000, TakerFeePpm: 2000 });
    harness.do(parseCommand('1 new 1 buy 100 @ 333 show 7'));
    assert.equal(harness.balance(1, USD).reserved, 33_300 + Math.ceil(66.6));
    harness.do(parseCommand('2 new 1 sell 40 @ 333'));
    // Forty lots at 333 cost 13,320 and 13.32 of fees, in one sum over all parts; sixty may still cost the taker's rate.
    const { available, reserved } = harness.balance(1, USD);
    assert.equal(available + reserved, 1_000_000_000 - 13_320 - 14);
    assert.equal(reserved, 60 * 333 + Math.ceil(13.32 + 39.96) - 14);
    harness.do(parseCommand('1 cancel 1'));
    assert.equal(harness.balance(1, USD).reserved, 0);
  });

  it('show one part at a time in market data, each under an id that names nothing else', () => {
    const harness = new Harness().setUp();
    const mirror = new NaiveMirror();
    const send = (line: string) => {
      const { events, reports } = harness.do(parseCommand(line));
      mirror.apply(events);
      return { events, reports };
    };
    const [accepted] = send('1 new 1 sell 30 @ 500 show 10').reports;
    send('2 new 1 sell 5 @ 500');
    assert.deepEqual(mirror.shown(Side.Sell), [
      [accepted.orderId, 500, 10],
      [2, 500, 5],
    ]);
    const { reports, events } = send('3 new 1 buy 12 @ 500');
    const [part, ...others] = mirror.shown(Side.Sell).reverse();
    assert.deepEqual([others, part.slice(1)], [[[2, 500, 3]], [500, 10]]);
    const publicId = part[0];
    assert.equal(publicId, 4, 'ids only grow');
    // The owner's reports have the order's id, those of the other side the public one.
    assert.deepEqual(
      reports.filter(({ account }) => account === 1).map(({ orderId }) => orderId),
      [accepted.orderId],
    );
    assert.deepEqual(events.map(({ kind }) => kind).filter((kind) => kind === MarketEventKind.Add).length, 1);
    const second = send('3 new 2 buy 5 @ 500');
    assert.deepEqual(
      second.reports.filter(({ account }) => account === 3).map(({ contraOrderId }) => contraOrderId),
      [0, 2, publicId],
    );
    assert.deepEqual(
      second.events.filter(({ kind }) => kind === MarketEventKind.Trade).map(({ orderId }) => orderId),
      [2, publicId],
    );
    assert.equal(send(`1 amend 1 10 @ 500`).events.length, 0, 'what is not displayed changes nothing that is');
    for (const [line, shown] of [
      ['1 amend 1 8 @ 500 show 3', 3],
      ['1 amend 1 2 @ 500', 2],
    ] as const) {
      send(line);
      assert.deepEqual(mirror.shown(Side.Sell), [[publicId, 500, shown]]);
    }
    // The public id is no order: it cannot be cancelled, also by its owner.
    assert.equal(harness.do({ ...parseCommand('1 cancel 0'), orderId: publicId }).reports[0].kind, ReportKind.CancelRejected);
    send('1 amend 1 20 @ 501');
    assert.deepEqual(
      mirror.shown(Side.Sell).map(([id, ...rest]) => [id > publicId, ...rest]),
      [[true, 501, 3]],
    );
    send('1 cancel 1');
    assert.deepEqual(mirror.shown(Side.Sell), []);
  });

  it('are the same after a snapshot', () => {
    const harness = new Harness().setUp(4);
    for (const line of ['1 new 1 sell 30 @ 500 show 10', '2 new 1 sell 5 @ 500', '3 new 1 buy 12 @ 500', '1 new 2 sell 50 @ 500 show 7'])
      harness.do(parseCommand(line));
    const copy = copyOf(harness.exchange, SMALL_LIMITS);
    assert.equal(stateHash(copy), stateHash(harness.exchange));
    const rest = harness.do(parseCommand('3 new 2 buy 40 @ 500')).reports.length;
    assert.equal(rest, 1 + 2 * 6);
  });

  it('cause at most a hundred parts of an order', () => {
    const harness = new Harness().setUp(2);
    harness.do(parseCommand('1 new 1 sell 10000 @ 500 show 100'));
    assert.equal(harness.do(parseCommand('2 new 1 buy 10000 @ 500')).reports.length, 1 + 2 * 100);
  });
});
