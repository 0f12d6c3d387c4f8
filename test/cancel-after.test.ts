/** Dead man's switches: docs/TRADING-RULES.md, "Dead man's switch". */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from '../engine/codes.ts';
import { resolveLimits } from '../engine/limits.ts';
import { encodeCommand } from '../engine/machine/command.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { checkCommand } from '../engine/wire/check-command.ts';
import { CommandKind, ReportKind, Side } from '../engine/wire/layout.ts';
import { ENGINE_LIMITS, RunningEngine, temporaryDirectory, venue } from './support/engine-fixture.ts';
import { Harness, parseCommand, runLedger, SMALL_LIMITS, tidyLedger } from './support/exchange-fixture.ts';
import { until } from './support/until.ts';

/** @param perCommand orders that one command cancels */
function ledger(name: string, perCommand: number, text: string): void {
  it(name, () => {
    const harness = new Harness().setUp(3);
    harness.exchange.massCancels.perCommand = perCommand;
    assert.equal(runLedger(harness, text), tidyLedger(text));
  });
}

describe("a dead man's switch", () => {
  ledger(
    'cancels the orders of the account before the first command at or after its time, once',
    100,
    `
    at 100: 1 new 1 buy 1 @ 500
      > 1 Accepted 1 1@500 leaves 1
    at 100: 2 new 1 buy 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
    at 100: 1 cancel-after 50
      > 1 CancelAfterSet 150
    at 149.999: 1 new 2 sell 3 @ 700
      > 1 Accepted 2 3@700 leaves 3
    at 150: 3 new 1 sell 3 @ 500
      > 1 MassCancelled 2 later 0 CANCELLED_AFTER
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_AFTER
      > 1 Cancelled 2 3@700 leaves 0 CANCELLED_AFTER
      > 3 Accepted 1 3@500 leaves 3
      > 2 Fill 1 2@500 leaves 0 maker
      > 3 Fill 1 2@500 leaves 1 taker
    at 151: 1 new 3 sell 3 @ 700
      > 1 Accepted 3 3@700 leaves 3
    at 900: tick`,
  );
  ledger(
    'is moved on by the client, and switched off',
    100,
    `
    at 100: 1 new 1 buy 1 @ 500
      > 1 Accepted 1 1@500 leaves 1
    at 100: 1 cancel-after 50
      > 1 CancelAfterSet 150
    at 140: 1 cancel-after 20
      > 1 CancelAfterSet 160
    at 155: tick
    at 159: 1 cancel-after 0
      > 1 CancelAfterSet 0
    at 159: 1 cancel-after 0
      > 1 CancelAfterSet 0
    at 500: tick`,
  );
  ledger(
    'fires before the command of its own account, which comes too late to renew it; and is reported without orders, too',
    100,
    `
    at 100: 1 new 1 buy 1 @ 500
      > 1 Accepted 1 1@500 leaves 1
    at 100: 1 cancel-after 50
      > 1 CancelAfterSet 150
    at 150: 1 cancel-after 50
      > 1 MassCancelled 1 later 0 CANCELLED_AFTER
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_AFTER
      > 1 CancelAfterSet 200
    at 200: tick
      > 1 MassCancelled 0 later 0 CANCELLED_AFTER`,
  );
  ledger(
    'of many accounts fire one per command, by time, then by account; an order of the others that is reached ends first',
    100,
    `
    at 100: 1 new 1 buy 1 @ 500
      > 1 Accepted 1 1@500 leaves 1
    at 100: 2 new 1 buy 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
    at 100: 2 new 2 buy 2 @ 400
      > 2 Accepted 2 2@400 leaves 2
    at 100: 2 cancel-after 50
      > 2 CancelAfterSet 150
    at 100: 1 cancel-after 50
      > 1 CancelAfterSet 150
    at 150: 3 new 1 sell 3 @ 500
      > 1 MassCancelled 1 later 0 CANCELLED_AFTER
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_AFTER
      > 2 Cancelled 1 2@500 leaves 0 CANCELLED_AFTER
      > 3 Accepted 1 3@500 leaves 3
    at 150: tick
      > 2 MassCancelled 1 later 0 CANCELLED_AFTER
      > 2 Cancelled 2 2@400 leaves 0 CANCELLED_AFTER`,
  );
  ledger(
    'cancels pending stops, too, and none of them triggers from its time on',
    1,
    `
    at 100: 3 new 1 sell 9 @ 600
      > 3 Accepted 1 9@600 leaves 9
    at 100: 1 new 1 buy 1 @ 500
      > 1 Accepted 1 1@500 leaves 1
    at 100: 1 new 2 buy 2 stop 600
      > 1 Accepted 2 2@0 leaves 2 stop 600
    at 100: 2 new 1 buy 3 @ 610 stop 600
      > 2 Accepted 1 3@610 leaves 3 stop 600
    at 100: 1 cancel-after 50
      > 1 CancelAfterSet 150
    at 100: 2 cancel-after 51
      > 2 CancelAfterSet 151
    at 160: 3 new 2 buy 1 @ 600
      > 1 MassCancelled 2 later 1 CANCELLED_AFTER
      > 1 Cancelled 1 1@500 leaves 0 CANCELLED_AFTER
      > 3 Accepted 2 1@600 leaves 1
      > 3 Fill 1 1@600 leaves 8 maker
      > 3 Fill 2 1@600 leaves 0 taker
      > 1 Cancelled 2 2@0 leaves 0 stop 600 CANCELLED_AFTER
      > 2 Cancelled 1 3@610 leaves 0 stop 600 CANCELLED_AFTER
    at 160: tick
      > 2 MassCancelled 0 later 0 CANCELLED_AFTER`,
  );
  ledger(
    'of the account whose command it is fires, too',
    100,
    `
    at 100: 1 cancel-after 50
      > 1 CancelAfterSet 150
    at 100: 2 new 1 buy 2 @ 500
      > 2 Accepted 1 2@500 leaves 2
    at 100: 2 cancel-after 50
      > 2 CancelAfterSet 150
    at 150: 2 cancel-after 50
      > 1 MassCancelled 0 later 0 CANCELLED_AFTER
      > 2 MassCancelled 1 later 0 CANCELLED_AFTER
      > 2 Cancelled 1 2@500 leaves 0 CANCELLED_AFTER
      > 2 CancelAfterSet 200`,
  );
  it('is in the state', () => {
    const hash = (after: number): string => {
      const harness = new Harness().setUp(1);
      harness.do({ ...parseCommand(`1 cancel-after ${after}`), timeUs: 100_000 });
      return stateHash(harness.exchange);
    };
    assert.equal(hash(2000), hash(2000));
    assert.notEqual(hash(2000), hash(3000));
  });
  it('needs rules 5, and an account that exists', () => {
    assert.deepEqual(new Harness(SMALL_LIMITS, 4).setUp(1).do(parseCommand('1 cancel-after 2000')).reports, []);
    const [stranger] = new Harness().setUp(1).do(parseCommand('9 cancel-after 2000')).reports;
    assert.deepEqual([stranger.kind, stranger.code, stranger.account], [ReportKind.CancelAfterSet, Code.UNKNOWN_ACCOUNT, 0]);
  });
  it('has one second to one day, or 0', () => {
    const bytes = new Uint8Array(64);
    const words = new Int32Array(bytes.buffer);
    const check = (fields: object): number => {
      encodeCommand(bytes, words, 0, { kind: CommandKind.CancelAfter, ...fields });
      return checkCommand(bytes, words, 0, 7);
    };
    for (const quantity of [0, 1_000_000, 86_400_000_000]) assert.equal(check({ quantity }), Code.OK);
    for (const quantity of [1, 999_999, 86_400_000_001, 2 ** 52]) assert.equal(check({ quantity }), Code.BAD_RANGE);
    assert.equal(check({ quantity: 1_000_000, symbol: 1 }), Code.BAD_RANGE);
    assert.equal(check({ quantity: 1_000_000, account: 8 }), Code.FOREIGN_ACCOUNT);
  });
});

for (const topology of ['compact', 'pinned'] as const) {
  it(`a real engine fires it without other commands, also after a restart (${topology})`, async (t) => {
    const dir = temporaryDirectory((cleanUp) => t.after(cleanUp));
    let running = await RunningEngine.start({ dir, topology });
    t.after(() => running.stop(false).catch(() => undefined));
    for (const fields of venue(1)) running.send(fields);
    const order = { kind: CommandKind.New, account: 1, symbol: 1, side: Side.Buy, quantity: 1, price: 100 };
    const ended = (id: number): boolean => running.reports.some((r) => r.clientOrderId === id && r.code === Code.CANCELLED_AFTER);
    running.send({ ...order, clientOrderId: 1 });
    running.send({ kind: CommandKind.CancelAfter, account: 1, quantity: 100_000 });
    await until(() => ended(1), 'it fires');
    running.send({ ...order, clientOrderId: 2 });
    running.send({ kind: CommandKind.CancelAfter, account: 1, quantity: 1_000_000 });
    await until(() => running.reports.some(({ clientOrderId }) => clientOrderId === 2), 'the order rests');
    await running.stop();
    running = await RunningEngine.start({ dir, topology });
    await until(() => ended(2), 'it fires after the restart');
    await running.stop(false);
    const limits = resolveLimits(ENGINE_LIMITS);
    const [all, late] = [false, true].map((fromSnapshot) => verifyDataDirectory(dir, { limits, fromSnapshot }));
    assert.deepEqual([all.stateHash, all.restingOrders, all.imbalances], [late.stateHash, 0, []]);
  });
}
