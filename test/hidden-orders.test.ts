/** Hidden orders: behind all that is displayed at their price, and nowhere to be seen but in trades and in their owner's reports. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stateHash } from '../engine/machine/state-rows.ts';
import { Side } from '../engine/wire/layout.ts';
import { MarketEventKind, TRADE_KEEPS_ORDER } from '../engine/wire/market-event.ts';
import { BTC, Harness, parseCommand, runLedger, SMALL_LIMITS, tidyLedger } from './support/exchange-fixture.ts';
import { NaiveMirror } from './support/naive-mirror.ts';
import { audit, copyOf } from './support/shares-fixture.ts';

function ledger(name: string, text: string): void {
  it(name, () => {
    const harness = new Harness().setUp(5);
    assert.equal(runLedger(harness, text), tidyLedger(text));
    assert.equal(harness.exchange.accounts.imbalance(BTC), 0);
    audit(harness);
  });
}

describe('hidden orders', () => {
  ledger(
    'stand behind all that is displayed at their price, among themselves by time',
    `
    1 new 1 sell 5 @ 500 hidden
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 sell 5 @ 500 hidden
      > 2 Accepted 1 5@500 leaves 5
    3 new 1 sell 5 @ 500
      > 3 Accepted 1 5@500 leaves 5
    3 new 2 sell 12 @ 500 show 4
      > 3 Accepted 2 12@500 leaves 12
    4 new 1 sell 5 @ 501
      > 4 Accepted 1 5@501 leaves 5
    5 new 1 buy 24 @ 501
      > 5 Accepted 1 24@501 leaves 24
      > 3 Fill 1 5@500 leaves 0 maker
      > 5 Fill 1 5@500 leaves 19 taker
      > 3 Fill 2 4@500 leaves 8 maker
      > 5 Fill 1 4@500 leaves 15 taker
      > 3 Fill 2 4@500 leaves 4 maker
      > 5 Fill 1 4@500 leaves 11 taker
      > 3 Fill 2 4@500 leaves 0 maker
      > 5 Fill 1 4@500 leaves 7 taker
      > 1 Fill 1 5@500 leaves 0 maker
      > 5 Fill 1 5@500 leaves 2 taker
      > 2 Fill 1 2@500 leaves 3 maker
      > 5 Fill 1 2@500 leaves 0 taker
    3 new 3 sell 1 @ 500
      > 3 Accepted 3 1@500 leaves 1
    5 new 2 buy 2 @ 500
      > 5 Accepted 2 2@500 leaves 2
      > 3 Fill 3 1@500 leaves 0 maker
      > 5 Fill 2 1@500 leaves 1 taker
      > 2 Fill 1 1@500 leaves 2 maker
      > 5 Fill 2 1@500 leaves 0 taker`,
  );
  ledger(
    'count for fill-or-kill, minimum quantity, market and post-only orders; a better price comes first, hidden or not',
    `
    1 new 1 sell 5 @ 499 hidden
      > 1 Accepted 1 5@499 leaves 5
    2 new 1 sell 5 @ 500
      > 2 Accepted 1 5@500 leaves 5
    3 new 1 buy 11 @ 500 fok
      > 3 Rejected 1 11@500 leaves 0 FOK_NOT_FILLABLE
    3 new 2 buy 1 @ 499 post
      > 3 Rejected 2 1@499 leaves 0 POST_ONLY_WOULD_TRADE
    3 new 3 buy 7 @ 500 fok
      > 3 Accepted 3 7@500 leaves 7
      > 1 Fill 1 5@499 leaves 0 maker
      > 3 Fill 3 5@499 leaves 2 taker
      > 2 Fill 1 2@500 leaves 3 maker
      > 3 Fill 3 2@500 leaves 0 taker
    1 new 2 buy 3 @ 490 post hidden
      > 1 Accepted 2 3@490 leaves 3
    1 new 3 buy 3 @ 500 post hidden
      > 1 Rejected 3 3@500 leaves 0 POST_ONLY_WOULD_TRADE
    3 new 4 sell 4 mkt
      > 3 Accepted 4 4@0 leaves 4
      > 1 Fill 2 3@490 leaves 0 maker
      > 3 Fill 4 3@490 leaves 1 taker
      > 3 Cancelled 4 1@0 leaves 0 CANCELLED_REMAINDER`,
  );
  ledger(
    'are amended as any order, and are one order by their client order id',
    `
    1 new 1 sell 5 @ 500 hidden
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 sell 5 @ 500 hidden
      > 2 Accepted 1 5@500 leaves 5
    1 new 1 sell 5 @ 500
      > 1 Rejected 1 5@500 leaves 0 CLIENT_ORDER_ID_REUSED
    1 new 1 sell 5 @ 500 hidden
      > 1 Accepted 1 5@500 leaves 5 again
    1 amend 1 4 @ 500
      > 1 Amended 1 4@500 leaves 4 kept
    1 amend 1 4 @ 500 show 2
      > 1 AmendRejected 1 4@500 leaves 4 DISPLAYED_QUANTITY
    3 new 1 buy 1 @ 500
      > 3 Accepted 1 1@500 leaves 1
      > 1 Fill 1 1@500 leaves 3 maker
      > 3 Fill 1 1@500 leaves 0 taker
    1 amend 1 6 @ 500
      > 1 Amended 1 6@500 leaves 6
    3 new 2 buy 6 @ 500
      > 3 Accepted 2 6@500 leaves 6
      > 2 Fill 1 5@500 leaves 0 maker
      > 3 Fill 2 5@500 leaves 1 taker
      > 1 Fill 1 1@500 leaves 5 maker
      > 3 Fill 2 1@500 leaves 0 taker
    1 amend 1 5 @ 510
      > 1 Amended 1 5@510 leaves 5
    1 cancel 1
      > 1 Cancelled 1 5@510 leaves 0 CANCELLED_BY_CLIENT`,
  );
  ledger(
    'are orders of their owner for self-trade prevention, behind the further parts of icebergs',
    `
    1 new 1 sell 5 @ 500 hidden
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 sell 6 @ 500 show 2
      > 2 Accepted 1 6@500 leaves 6
    1 new 2 buy 7 @ 500 fok cancel-newest
      > 1 Rejected 2 7@500 leaves 0 FOK_NOT_FILLABLE
    1 new 3 buy 6 @ 500 fok cancel-newest
      > 1 Accepted 3 6@500 leaves 6
      > 2 Fill 1 2@500 leaves 4 maker
      > 1 Fill 3 2@500 leaves 4 taker
      > 2 Fill 1 2@500 leaves 2 maker
      > 1 Fill 3 2@500 leaves 2 taker
      > 2 Fill 1 2@500 leaves 0 maker
      > 1 Fill 3 2@500 leaves 0 taker
    1 new 4 buy 2 @ 500 decrement
      > 1 Accepted 4 2@500 leaves 2
      > 1 Amended 1 3@500 leaves 3 CANCELLED_SELF_TRADE kept
      > 1 Cancelled 4 2@500 leaves 0 CANCELLED_SELF_TRADE`,
  );
  ledger(
    'take part in an auction in the place of their arrival; an amend that loses the place loses that too',
    `
    1 new 1 sell 5 @ 500 hidden
      > 1 Accepted 1 5@500 leaves 5
    2 new 1 sell 5 @ 500
      > 2 Accepted 1 5@500 leaves 5
    3 new 1 sell 5 @ 500 hidden
      > 3 Accepted 1 5@500 leaves 5
    2 new 2 sell 5 @ 500
      > 2 Accepted 2 5@500 leaves 5
    2 amend 1 6 @ 500
      > 2 Amended 1 6@500 leaves 6
    phase auction
      > 0 Accepted
    4 new 1 buy 18 @ 500
      > 4 Accepted 1 18@500 leaves 18
    uncross
      > 4 Fill 1 5@500 leaves 13 auction
      > 1 Fill 1 5@500 leaves 0 auction
      > 4 Fill 1 5@500 leaves 8 auction
      > 3 Fill 1 5@500 leaves 0 auction
      > 4 Fill 1 5@500 leaves 3 auction
      > 2 Fill 2 5@500 leaves 0 auction
      > 4 Fill 1 3@500 leaves 0 auction
      > 2 Fill 1 3@500 leaves 3 auction
      > 0 Accepted 18@500`,
  );

  it('are not in market data, but for their trades, which do not say whose they are', () => {
    const harness = new Harness().setUp();
    const mirror = new NaiveMirror();
    const send = (line: string) => {
      const { events, reports } = harness.do(parseCommand(line));
      mirror.apply(events);
      return { events, reports };
    };
    for (const line of ['1 new 1 sell 5 @ 500 hidden', '1 amend 1 4 @ 500', '1 amend 1 9 @ 501', '1 amend 1 9 @ 500'])
      assert.deepEqual(send(line).events, [], line);
    const { events, reports } = send('2 new 1 buy 3 @ 500');
    assert.deepEqual(
      events.map(({ kind, flags, orderId, quantity, price }) => [kind, flags, orderId, quantity, price]),
      [[MarketEventKind.Trade, TRADE_KEEPS_ORDER, 0, 3, 500]],
    );
    assert.deepEqual(
      reports.filter(({ tradeId }) => tradeId !== 0).map(({ account, orderId, contraOrderId }) => [account, orderId, contraOrderId]),
      [
        [1, 1, reports[0].orderId],
        [2, reports[0].orderId, 0],
      ],
    );
    assert.deepEqual(send('1 cancel 1').events, []);
    assert.deepEqual(mirror.shown(Side.Sell), []);
  });

  it('and their arrivals are the same after a snapshot', () => {
    const harness = new Harness().setUp(4);
    const lines = [
      '1 new 1 sell 5 @ 500',
      '2 new 1 sell 5 @ 500 hidden',
      '1 amend 1 6 @ 500',
      '3 new 1 sell 5 @ 500 hidden',
      '2 amend 1 6 @ 500',
    ];
    for (const line of lines) harness.do(parseCommand(line));
    const copy = copyOf(harness.exchange, SMALL_LIMITS);
    assert.equal(stateHash(copy), stateHash(harness.exchange));
    audit(harness);
    assert.deepEqual([copy.books[1]?.hiddenOrders, harness.exchange.books[1]?.hiddenOrders], [2, 2]);
  });

  it('cost the same however many there are: a displayed order finds its place before them at once', () => {
    const harness = new Harness().setUp(2);
    for (let id = 1; id <= 2000; id++) harness.do(parseCommand(`1 new ${id} sell 1 @ 500 hidden`));
    harness.do(parseCommand('2 new 1 sell 1 @ 500'));
    harness.do(parseCommand('2 new 2 sell 1 @ 500'));
    const { reports } = harness.do(parseCommand('2 new 3 buy 3 @ 500'));
    assert.deepEqual(
      reports.filter(({ flags }) => (flags & 1) !== 0).map(({ account, clientOrderId }) => [account, clientOrderId]),
      [
        [2, 1],
        [2, 2],
        [1, 1],
      ],
    );
    audit(harness);
  });
});
