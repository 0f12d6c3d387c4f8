/** Lists of orders: how many become live with one command, what is done before the rest, and which orders fit together. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import { type CommandFields, encodeCommand } from '../engine/machine/command.ts';
import { CHILDREN_PER_COMMAND } from '../engine/machine/order-children.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { checkList } from '../engine/wire/check-list.ts';
import { encodeExtension } from '../engine/wire/command-extension.ts';
import { CommandKind, Phase, ReportKind } from '../engine/wire/layout.ts';
import { audit } from './support/children-ledger.ts';
import { BTC, describe as describeReport, Harness, parseCommand, SMALL_LIMITS, USD } from './support/exchange-fixture.ts';
import { copyOf } from './support/snapshot-at-any.ts';

/** Commands that define a second symbol, in continuous trading. */
function secondSymbol(): CommandFields[] {
  const terms = { symbol: 2, account: BTC, tag: USD, side: 2, timeInForce: 3, clientOrderId: 1, orderId: 1, name: 'B' };
  return [
    { kind: CommandKind.DefineSymbol, ...terms },
    { kind: CommandKind.SetPhase, symbol: 2, parameter: Phase.Continuous },
  ];
}

describe('the bound of a command', () => {
  const entries = CHILDREN_PER_COMMAND + 12;
  const pending = (): Harness => {
    const harness = new Harness({ ...SMALL_LIMITS, rememberedOrders: 4096 }).setUp(5);
    for (let n = 1; n <= entries; n++) {
      const line = `bracket: 1 new ${3 * n} buy 1 @ 500 & 1 new ${3 * n + 1} sell 1 @ 520 & 1 new ${3 * n + 2} sell 1 stop 480`;
      harness.do(parseCommand(line));
    }
    harness.do(parseCommand(`2 new 1 sell ${entries} @ 500`));
    return harness;
  };
  const live = (reports: readonly { code: number }[]): number => reports.filter(({ code }) => code === Code.PARENT_FILLED).length;

  it('so many lists become live with one command, the rest before the next one, in the order of the fills', () => {
    const harness = pending();
    const { exchange } = harness;
    assert.equal(exchange.links.due, 2 * (entries - CHILDREN_PER_COMMAND));
    assert.equal(exchange.deadlineUs, exchange.timeUs, 'a tick comes at once');
    const copy = copyOf(exchange);
    assert.equal(stateHash(copy), stateHash(exchange));
    assert.equal(copy.deadlineUs, copy.timeUs);
    const { reports } = harness.do(parseCommand('tick'));
    assert.equal(live(reports), 2 * (entries - CHILDREN_PER_COMMAND));
    assert.deepEqual(
      reports.slice(0, 2).map(({ clientOrderId }) => clientOrderId),
      [1, 2].map((n) => 3 * (CHILDREN_PER_COMMAND + 1) + n),
    );
    assert.equal(exchange.links.due, 0);
    audit(harness);
  });

  it('a close waits until all is live', () => {
    const harness = pending();
    const { exchange } = harness;
    exchange.children.perCommand = 2;
    const answers: string[] = [];
    do
      answers.push(
        ...harness
          .do(parseCommand('phase closed'))
          .reports.filter(({ account }) => account === 0)
          .map(describeReport),
      );
    while (answers.at(-1) !== '0 Accepted' && answers.length < 9);
    assert.equal(answers[0], '0 Rejected UNCROSS_WAITS');
    assert.equal(answers.at(-1), '0 Accepted');
    assert.equal(exchange.links.due, 0);
    assert.equal(exchange.accounts.openOrders[1], 2 * entries, 'none was cancelled');
    audit(harness);
  });

  it('a stop of another symbol triggers meanwhile', () => {
    const harness = pending();
    harness.exchange.children.perCommand = 1;
    for (const fields of secondSymbol()) harness.do(fields);
    const other = (line: string) => ({ ...parseCommand(line), symbol: 2 });
    for (const line of ['2 new 11 sell 1 @ 50', '2 new 12 sell 9 @ 52', '4 new 1 buy 1 stop 50']) harness.do(other(line));
    const { reports } = harness.do(other('3 new 2 buy 1 @ 50'));
    assert.ok(harness.exchange.links.due > 0);
    assert.ok(reports.some(({ kind, account }) => kind === ReportKind.Triggered && account === 4));
  });

  it('what is due ends with a cancel of its account, or of all orders of the symbol', () => {
    for (const line of ['1 mass-cancel', 'kill account 1 on', 'kill symbol 1 on']) {
      const harness = pending();
      const bound = harness.exchange.children;
      bound.perCommand = 0;
      harness.do(parseCommand(line));
      for (let n = 0; n < 4; n++) harness.do(parseCommand('tick'));
      assert.equal(harness.exchange.links.due, 0, line);
      assert.equal(harness.exchange.accounts.openOrders[1], 0, line);
      audit(harness);
    }
  });

  it('the parent is cancelled while lots are due: they become live', () => {
    const harness = new Harness().setUp(5);
    const said = (line: string): string[] => harness.do(parseCommand(line)).reports.map(describeReport);
    said('bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 480');
    harness.exchange.children.perCommand = 0;
    said('2 new 1 sell 2 @ 500');
    assert.deepEqual(said('1 cancel 1'), [
      '1 Cancelled 1 3@500 leaves 0 CANCELLED_BY_CLIENT',
      '1 Amended 2 2@520 leaves 2 CANCELLED_PARENT kept',
      '1 Amended 3 2@0 leaves 2 stop 480 CANCELLED_PARENT kept',
    ]);
    harness.exchange.children.perCommand = 256;
    assert.deepEqual(said('tick'), ['1 Amended 2 2@520 leaves 2 PARENT_FILLED', '1 Amended 3 2@0 leaves 2 stop 480 PARENT_FILLED']);
    audit(harness);
  });

  it('no stop triggers while lots are due', () => {
    const harness = new Harness().setUp(5);
    harness.exchange.children.perCommand = 1;
    const lines = [
      '4 new 1 buy 9 @ 470',
      '3 new 1 sell 2 stop 500',
      'oto: 1 new 1 buy 1 @ 500 & 1 new 2 sell 1 @ 500',
      'oto: 1 new 3 buy 1 @ 500 & 1 new 4 sell 1 @ 520',
    ];
    for (const line of lines) harness.do(parseCommand(line));
    const said = (line: string): string[] => harness.do(parseCommand(line)).reports.map(describeReport);
    assert.deepEqual(said('2 new 1 sell 2 @ 500').slice(-1), ['1 Amended 2 1@500 leaves 1 PARENT_FILLED']);
    assert.deepEqual(said('tick'), [
      '1 Amended 4 1@520 leaves 1 PARENT_FILLED',
      '3 Triggered 1 2@0 leaves 2 stop 500',
      '4 Fill 1 2@470 leaves 7 maker',
      '3 Fill 1 2@470 leaves 0 taker',
    ]);
  });
});

it('an exchange of rules 5 takes no such list', () => {
  const harness = new Harness(SMALL_LIMITS, 5).setUp(2);
  const line = 'bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 480';
  const { reports } = harness.do(parseCommand(line));
  assert.deepEqual(
    reports.map(({ code }) => codeName(code)),
    ['UNSUPPORTED_TERM', 'LIST_REJECTED', 'LIST_REJECTED'],
  );
});

describe('which orders fit together', () => {
  const listCode = (line: string): string => {
    const { legs = [] } = parseCommand(line);
    const words = new Int32Array(legs.length * 32);
    const bytes = new Uint8Array(words.buffer);
    for (const [i, leg] of legs.entries()) {
      encodeExtension(bytes, words, 2 * i, leg.extension ?? {});
      encodeCommand(bytes, words, 2 * i + 1, leg);
    }
    return codeName(checkList(bytes, words));
  };
  const fits: readonly [line: string, code: string][] = [
    ['oto: 1 new 1 buy 5 @ 500 & 1 new 2 buy 5 @ 510', 'OK'],
    ['oto: 1 new 1 buy 5 @ 500 & 1 new 2 sell 4 @ 510', 'BAD_LIST'],
    ['oto: 1 new 1 buy 5 @ 500 & 1 new 1 sell 5 @ 510', 'BAD_LIST'],
    ['bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 480 @ 470', 'OK'],
    ['bracket: 1 new 1 buy 5 mkt & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 480', 'OK'],
    ['bracket: 1 new 1 sell 5 @ 500 & 1 new 2 buy 5 @ 480 & 1 new 3 buy 5 stop 520', 'OK'],
    ['bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 4 stop 480', 'BAD_LIST'],
    ['bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 buy 5 stop 480', 'BAD_LIST'],
    ['bracket: 1 new 1 buy 5 @ 500 & 1 new 2 buy 5 @ 520 & 1 new 3 sell 5 stop 480', 'BAD_LIST'],
    ['bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 stop 480 & 1 new 3 sell 5 @ 520', 'BAD_LIST'],
    ['bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 @ 530', 'BAD_LIST'],
    ['bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 500 & 1 new 3 sell 5 stop 480', 'BAD_LIST'],
    ['bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 500', 'BAD_LIST'],
    ['bracket: 1 new 1 sell 5 @ 500 & 1 new 2 buy 5 @ 520 & 1 new 3 buy 5 stop 480', 'BAD_LIST'],
    ['bracket: 1 new 1 buy 5 mkt & 1 new 2 sell 5 @ 480 & 1 new 3 sell 5 stop 480', 'BAD_LIST'],
    ['bracket: 1 new 1 buy 5 @ 500 & 1 new 2 sell 5 @ 520 & 1 new 2 sell 5 stop 480', 'BAD_LIST'],
    ['bracket: 1 new 1 buy 5 stop 510 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 509', 'OK'],
    ['bracket: 1 new 1 buy 5 stop 510 & 1 new 2 sell 5 @ 510 & 1 new 3 sell 5 stop 480', 'BAD_LIST'],
    ['bracket: 1 new 1 buy 5 stop 510 & 1 new 2 sell 5 @ 520 & 1 new 3 sell 5 stop 510', 'BAD_LIST'],
    ['bracket: 1 new 1 sell 5 stop 490 @ 480 & 1 new 2 buy 5 @ 479 & 1 new 3 buy 5 stop 481', 'OK'],
    ['bracket: 1 new 1 sell 5 stop 490 @ 480 & 1 new 2 buy 5 @ 480 & 1 new 3 buy 5 stop 500', 'BAD_LIST'],
  ];
  for (const [line, code] of fits) it(`${line}: ${code}`, () => assert.equal(listCode(line), code));
});
