/** Children with lots that are due in several symbols: from rules 7 on, symbols take turns, a list each. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Code } from '../engine/codes.ts';
import { stateHash } from '../engine/machine/state-rows.ts';
import { CommandKind, Phase } from '../engine/wire/layout.ts';
import { BTC, Harness, type LongCommandFields, parseCommand, records, SMALL_LIMITS, USD } from './support/exchange-fixture.ts';
import { copyOf } from './support/snapshot-at-any.ts';

const SYMBOLS = [1, 2, 3];
/** Parents of each symbol. */
const PARENTS = 6;

/** Parents buy 1 @ 500 in each symbol, with a child that sells 1 @ 520. Parent n of symbol s has client order id 100 s + 2 n, its child one more. */
function venue(rules: number, perCommand: number): Harness {
  const harness = new Harness({ ...SMALL_LIMITS, rememberedOrders: 4096 }, 6).setUp(5);
  for (const symbol of SYMBOLS.slice(1)) {
    const terms = { account: BTC, tag: USD, side: 2, timeInForce: 3, clientOrderId: 1, orderId: 1, name: `S${symbol}` };
    harness.must({ kind: CommandKind.DefineSymbol, symbol, ...terms });
    harness.must({ kind: CommandKind.SetPhase, symbol, parameter: Phase.Continuous });
  }
  for (const symbol of SYMBOLS) {
    for (let n = 0; n < PARENTS; n++) {
      const id = 100 * symbol + 2 * n;
      harness.do(inSymbol(symbol, `oto: 1 new ${id} buy 1 @ 500 & 1 new ${id + 1} sell 1 @ 520`));
    }
  }
  harness.exchange.setRules(rules);
  harness.exchange.children.perCommand = perCommand;
  return harness;
}

function inSymbol(symbol: number, line: string): LongCommandFields {
  const fields = parseCommand(line);
  return { ...fields, symbol, ...(fields.legs && { legs: fields.legs.map((leg) => ({ ...leg, symbol })) }) };
}

/** Client order ids of the children that become live with a command. */
function live(harness: Harness, fields: LongCommandFields): number[] {
  const { reports } = harness.do(fields);
  return reports.filter(({ code }) => code === Code.PARENT_FILLED).map(({ clientOrderId }) => clientOrderId);
}

describe('two lists have their turn with a command; 4 fills in symbol 1 make lots due, then 1 in symbol 2, then 1 in symbol 1', () => {
  const table: [rules: number, turns: number[][]][] = [
    [
      6,
      [
        [101, 103],
        [105, 107],
        [201, 109],
      ],
    ],
    [
      7,
      [
        [101, 201],
        [103, 105],
        [107, 109],
      ],
    ],
  ];
  for (const [rules, turns] of table)
    it(`rules ${rules}: ${turns.map((ids) => ids.join(' ')).join(' | ')}`, () => {
      const harness = venue(rules, 0);
      live(harness, inSymbol(1, '2 new 1 sell 4 @ 500'));
      live(harness, inSymbol(2, '2 new 2 sell 1 @ 500'));
      live(harness, inSymbol(1, '2 new 3 sell 1 @ 500'));
      harness.exchange.children.perCommand = 2;
      const tick = parseCommand('tick');
      assert.deepEqual(
        turns.map(() => live(harness, tick)),
        turns,
      );
      assert.equal(harness.exchange.links.due, 0);
    });
});

/** The turns as the rules say them. */
class NaiveTurns {
  readonly #due = new Map<number, number[]>();

  push(symbol: number, id: number): void {
    this.#due.set(symbol, [...(this.#due.get(symbol) ?? []), id]);
  }

  remove(id: number): void {
    for (const [symbol, ids] of this.#due) {
      const left = ids.filter((each) => each !== id);
      if (left.length === 0) this.#due.delete(symbol);
      else this.#due.set(symbol, left);
    }
  }

  /** The symbol that was first is last after its turn. */
  next(): number | undefined {
    for (const [symbol, [first, ...others]] of this.#due) {
      this.#due.delete(symbol);
      if (others.length > 0) this.#due.set(symbol, others);
      return first;
    }
    return undefined;
  }
}

const fill = fc.record({ symbol: fc.constantFrom(...SYMBOLS), many: fc.integer({ min: 1, max: 4 }) });
const cancel = fc.record({ cancel: fc.integer({ min: 0, max: PARENTS * SYMBOLS.length - 1 }) });
const flow = fc.array(fc.oneof(fill, fill, cancel, fc.constant('tick' as const)), { minLength: 4, maxLength: 24 });

it('any fills and cancels: the turns of a naive model, also from any snapshot', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), flow, (perCommand, steps) => {
      const harness = venue(7, perCommand);
      const turns = new NaiveTurns();
      const filled = new Map(SYMBOLS.map((symbol) => [symbol, 0]));
      let copies: Harness['exchange'][] = [];
      harness.onRecord = (bytes, words) => {
        copies = [...copies.slice(-1), copyOf(harness.exchange)];
        for (const copy of copies) {
          copy.children.perCommand = perCommand;
          copy.apply(bytes, words, 0);
        }
      };
      let client = 1000;
      for (const step of steps) {
        let left = perCommand;
        const expected: number[] = [];
        const run = (): void => {
          for (; left > 0; left--) {
            const id = turns.next();
            if (id === undefined) return;
            expected.push(id);
          }
        };
        run();
        let fields = parseCommand('tick');
        if (step !== 'tick' && 'many' in step) {
          const { symbol, many } = step;
          fields = inSymbol(symbol, `2 new ${client++} sell ${many} @ 500 ioc`);
          const before = filled.get(symbol) ?? 0;
          for (let n = before; n < Math.min(PARENTS, before + many); n++) turns.push(symbol, 100 * symbol + 2 * n + 1);
          filled.set(symbol, Math.min(PARENTS, before + many));
        } else if (step !== 'tick') {
          const symbol = SYMBOLS[Math.floor(step.cancel / PARENTS)];
          const n = step.cancel % PARENTS;
          // Only of a child whose parent was filled.
          if (n < (filled.get(symbol) ?? 0)) {
            const id = 100 * symbol + 2 * n + 1;
            fields = inSymbol(symbol, `1 cancel ${id}`);
            turns.remove(id);
          }
        }
        run();
        assert.deepEqual(live(harness, fields), expected);
        for (const copy of copies) assert.equal(stateHash(copy), stateHash(harness.exchange));
      }
    }),
    { numRuns: 20 },
  );
});

it('what was due at the step to rules 7 begins its turns in the order of the fills, also after a snapshot', () => {
  const harness = venue(6, 0);
  for (const [n, symbol] of [2, 1, 2, 3, 1].entries()) live(harness, inSymbol(symbol, `2 new ${n + 1} sell 1 @ 500`));
  const { exchange } = harness;
  // The oldest of the symbol 2 ends, so that the symbol 1 is first.
  harness.do(inSymbol(2, '1 cancel 201'));
  const copy = copyOf(exchange);
  for (const each of [exchange, copy]) {
    each.setRules(7);
    each.children.perCommand = 1;
  }
  const ids: number[] = [];
  while (exchange.links.due > 0) {
    const fields = parseCommand('tick');
    const [record] = records(fields, exchange.seq + 1, exchange.timeUs + 1000);
    copy.apply(...record, 0);
    ids.push(...live(harness, fields));
    assert.equal(stateHash(copy), stateHash(exchange));
  }
  assert.deepEqual(ids, [101, 203, 301, 103]);
});

it('a list that has further lots due after its turn is behind those that became due meanwhile', () => {
  const harness = venue(7, 0);
  const lines = [
    'bracket: 2 new 1 buy 3 @ 510 & 2 new 2 sell 3 @ 520 & 2 new 3 sell 3 stop 400',
    '2 amend 2 3 @ 505',
    '3 new 1 sell 2 @ 510',
    'oto: 4 new 1 buy 1 @ 511 & 4 new 4 sell 1 @ 530',
  ];
  for (const line of lines) harness.do(inSymbol(1, line));
  const { exchange } = harness;
  exchange.children.perCommand = 1;
  // The take-profit trades with the parent 1 of account 4, then with its own parent.
  const turns: number[][] = [];
  while (exchange.links.due > 0) {
    turns.push(live(harness, parseCommand('tick')));
    assert.equal(stateHash(copyOf(exchange)), stateHash(exchange));
  }
  assert.deepEqual(turns, [[2], [4], [2, 3]]);
});
