/** Kill switches of a symbol and of the venue, with parents and with children that wait, are due or are live. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CommandKind, Phase } from '../engine/wire/layout.ts';
import { audit, ledgerOf } from './support/children-ledger.ts';
import { BTC, describe as describeReport, Harness, parseCommand, runLedger, tidyLedger, USD } from './support/exchange-fixture.ts';

const ledger = ledgerOf(it);

describe('kill switches and orders that wait for another', () => {
  ledger(
    'symbol: the book in order, each parent with its children; those that are live in their place',
    `
    bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 480
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 480
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@520 leaves 5 PARENT_FILLED
      > 1 Amended 3 2@0 leaves 5 stop 480 PARENT_FILLED
    bracket: 1 new 4 buy 3 @ 490 & 1 new 5 sell 3 @ 530 & 1 new 6 sell 3 stop 470
      > 1 Accepted 4 3@490 leaves 3
      > 1 Accepted 5 3@530 leaves 3
      > 1 Accepted 6 3@0 leaves 3 stop 470
    oto: 3 new 1 buy 4 @ 495 & 3 new 2 sell 4 @ 525
      > 3 Accepted 1 4@495 leaves 4
      > 3 Accepted 2 4@525 leaves 4
    2 new 2 sell 1 @ 540
      > 2 Accepted 2 1@540 leaves 1
    kill symbol 1 on
      > 1 Cancelled 1 3@500 leaves 0 CANCELLED_KILL_SWITCH
      > 1 Amended 2 2@520 leaves 2 CANCELLED_PARENT kept
      > 1 Amended 3 2@0 leaves 2 stop 480 CANCELLED_PARENT kept
      > 3 Cancelled 1 4@495 leaves 0 CANCELLED_KILL_SWITCH
      > 3 Cancelled 2 4@525 leaves 0 CANCELLED_PARENT
      > 1 Cancelled 4 3@490 leaves 0 CANCELLED_KILL_SWITCH
      > 1 Cancelled 5 3@530 leaves 0 CANCELLED_PARENT
      > 1 Cancelled 6 3@0 leaves 0 stop 470 CANCELLED_PARENT
      > 1 Cancelled 2 2@520 leaves 0 CANCELLED_KILL_SWITCH
      > 1 Cancelled 3 2@0 leaves 0 stop 480 CANCELLED_LINKED
      > 2 Cancelled 2 1@540 leaves 0 CANCELLED_KILL_SWITCH
      > 0 Accepted 5@0
    4 new 1 sell 1 @ 500
      > 4 Rejected 1 1@500 leaves 0 KILL_SWITCH
    kill symbol 1 off
      > 0 Accepted
    4 new 2 sell 1 @ 500
      > 4 Accepted 2 1@500 leaves 1`,
  );
  ledger(
    'venue: the same, and nothing more becomes live afterwards',
    `
    bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 480
      > 1 Accepted 1 5@500 leaves 5
      > 1 Accepted 2 5@520 leaves 5
      > 1 Accepted 3 5@0 leaves 5 stop 480
    2 new 1 sell 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
      > 1 Fill 1 2@500 leaves 3 maker
      > 2 Fill 1 2@500 leaves 0 taker
      > 1 Amended 2 2@520 leaves 5 PARENT_FILLED
      > 1 Amended 3 2@0 leaves 5 stop 480 PARENT_FILLED
    bracket: 1 new 4 buy 3 @ 490 & 1 new 5 sell 3 @ 530 & 1 new 6 sell 3 stop 470
      > 1 Accepted 4 3@490 leaves 3
      > 1 Accepted 5 3@530 leaves 3
      > 1 Accepted 6 3@0 leaves 3 stop 470
    oto: 3 new 1 buy 4 @ 495 & 3 new 2 sell 4 @ 525
      > 3 Accepted 1 4@495 leaves 4
      > 3 Accepted 2 4@525 leaves 4
    2 new 2 sell 1 @ 540
      > 2 Accepted 2 1@540 leaves 1
    kill venue on
      > 1 Cancelled 1 3@500 leaves 0 CANCELLED_KILL_SWITCH
      > 1 Amended 2 2@520 leaves 2 CANCELLED_PARENT kept
      > 1 Amended 3 2@0 leaves 2 stop 480 CANCELLED_PARENT kept
      > 3 Cancelled 1 4@495 leaves 0 CANCELLED_KILL_SWITCH
      > 3 Cancelled 2 4@525 leaves 0 CANCELLED_PARENT
      > 1 Cancelled 4 3@490 leaves 0 CANCELLED_KILL_SWITCH
      > 1 Cancelled 5 3@530 leaves 0 CANCELLED_PARENT
      > 1 Cancelled 6 3@0 leaves 0 stop 470 CANCELLED_PARENT
      > 1 Cancelled 2 2@520 leaves 0 CANCELLED_KILL_SWITCH
      > 1 Cancelled 3 2@0 leaves 0 stop 480 CANCELLED_LINKED
      > 2 Cancelled 2 1@540 leaves 0 CANCELLED_KILL_SWITCH
      > 0 Accepted 5@0
    4 new 1 sell 1 @ 500
      > 4 Rejected 1 1@500 leaves 0 KILL_SWITCH
    kill venue off
      > 0 Accepted
    4 new 2 sell 1 @ 500
      > 4 Accepted 2 1@500 leaves 1`,
  );

  // One list has its turn with a command, so that of account 4 is due when the switch comes.
  it('symbol: what is due goes with its parent', () => {
    const harness = new Harness().setUp(5);
    harness.exchange.children.perCommand = 1;
    const text = `
    oto: 1 new 1 buy 2 @ 500 & 1 new 2 sell 2 @ 520
      > 1 Accepted 1 2@500 leaves 2
      > 1 Accepted 2 2@520 leaves 2
    bracket: 3 new 1 buy 2 @ 500 & 3 new 2 sell 2 @ 520 & 3 new 3 sell 2 stop 480
      > 3 Accepted 1 2@500 leaves 2
      > 3 Accepted 2 2@520 leaves 2
      > 3 Accepted 3 2@0 leaves 2 stop 480
    bracket: 4 new 1 buy 2 @ 499 & 4 new 2 sell 2 @ 520 & 4 new 3 sell 2 stop 480
      > 4 Accepted 1 2@499 leaves 2
      > 4 Accepted 2 2@520 leaves 2
      > 4 Accepted 3 2@0 leaves 2 stop 480
    2 new 1 sell 5 @ 499
      > 2 Accepted 1 5@499 leaves 5
      > 1 Fill 1 2@500 leaves 0 maker
      > 2 Fill 1 2@500 leaves 3 taker
      > 3 Fill 1 2@500 leaves 0 maker
      > 2 Fill 1 2@500 leaves 1 taker
      > 4 Fill 1 1@499 leaves 1 maker
      > 2 Fill 1 1@499 leaves 0 taker
      > 1 Amended 2 2@520 leaves 2 PARENT_FILLED
    kill symbol 1 on
      > 3 Amended 2 2@520 leaves 2 PARENT_FILLED
      > 3 Amended 3 2@0 leaves 2 stop 480 PARENT_FILLED
      > 4 Cancelled 1 1@499 leaves 0 CANCELLED_KILL_SWITCH
      > 4 Amended 2 1@520 leaves 1 CANCELLED_PARENT kept
      > 4 Amended 3 1@0 leaves 1 stop 480 CANCELLED_PARENT kept
      > 1 Cancelled 2 2@520 leaves 0 CANCELLED_KILL_SWITCH
      > 3 Cancelled 2 2@520 leaves 0 CANCELLED_KILL_SWITCH
      > 3 Cancelled 3 2@0 leaves 0 stop 480 CANCELLED_LINKED
      > 4 Cancelled 2 1@520 leaves 0 CANCELLED_KILL_SWITCH
      > 4 Cancelled 3 1@0 leaves 0 stop 480 CANCELLED_LINKED
      > 0 Accepted 4@0
    tick
    kill symbol 1 off
      > 0 Accepted
    2 new 2 sell 1 @ 499
      > 2 Accepted 2 1@499 leaves 1`;
    assert.equal(runLedger(harness, text), tidyLedger(text));
    audit(harness);
  });

  it('venue: symbol by symbol', () => {
    const harness = new Harness().setUp(5);
    const terms = { symbol: 2, account: BTC, tag: USD, side: 2, timeInForce: 3, clientOrderId: 1, orderId: 1, name: 'B' };
    harness.must({ kind: CommandKind.DefineSymbol, ...terms });
    harness.must({ kind: CommandKind.SetPhase, symbol: 2, parameter: Phase.Continuous });
    const lists = [
      'oto: 1 new 1 buy 4 @ 495 & 1 new 2 sell 4 @ 525',
      'bracket: 2 new 1 buy 5 @ 500 & 2 new 2 sell 5 @ 520 & 2 new 3 sell 5 stop 480',
    ];
    const in2 = (line: string) => {
      const { legs, ...fields } = parseCommand(line);
      return { ...fields, symbol: 2, ...(legs && { legs: legs.map((leg) => ({ ...leg, symbol: 2 })) }) };
    };
    harness.do(in2(lists[0]));
    harness.do(in2('3 new 1 sell 1 @ 495'));
    harness.do(parseCommand(lists[1]));
    harness.do(parseCommand('3 new 2 sell 1 @ 500'));
    const { reports } = harness.do(parseCommand('kill venue on'));
    assert.deepEqual(
      reports.map((report) => `${report.symbol}: ${describeReport(report)}`),
      [
        '1: 2 Cancelled 1 4@500 leaves 0 CANCELLED_KILL_SWITCH',
        '1: 2 Amended 2 1@520 leaves 1 CANCELLED_PARENT kept',
        '1: 2 Amended 3 1@0 leaves 1 stop 480 CANCELLED_PARENT kept',
        '1: 2 Cancelled 2 1@520 leaves 0 CANCELLED_KILL_SWITCH',
        '1: 2 Cancelled 3 1@0 leaves 0 stop 480 CANCELLED_LINKED',
        '2: 1 Cancelled 1 3@495 leaves 0 CANCELLED_KILL_SWITCH',
        '2: 1 Amended 2 1@525 leaves 1 CANCELLED_PARENT kept',
        '2: 1 Cancelled 2 1@525 leaves 0 CANCELLED_KILL_SWITCH',
        '0: 0 Accepted 4@0',
      ],
    );
    assert.equal(harness.exchange.slab.count, 0);
  });
});
