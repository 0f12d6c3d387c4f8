/** The kinds of auctions: docs/TRADING-RULES.md, Phases. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { ROW_FIELDS, StateLoader, saveState, stateHash } from '../engine/machine/state-rows.ts';
import { RowKind } from '../engine/state-part.ts';
import { statusWire } from '../engine/wire/channels/status.ts';
import { JsonBytes, UNSCALED } from '../engine/wire/json-bytes.ts';
import { CommandKind, Phase, Status, SubPhase } from '../engine/wire/layout.ts';
import { MarketEventKind } from '../engine/wire/market-event.ts';
import { BookMirror } from '../gateway/market/book-mirror.ts';
import { status } from '../gateway/market/channels/status.ts';
import { MirrorOrders } from '../gateway/market/mirror-orders.ts';
import { Harness, parseCommand, runLedger, SMALL_LIMITS, SYMBOL, tidyLedger } from './support/exchange-fixture.ts';

const set = (parameter: number, side: number, quantity = 0) => ({ kind: CommandKind.SetPhase, symbol: SYMBOL, parameter, side, quantity });
const codeOf = (harness: Harness, ...command: Parameters<typeof set>): string =>
  codeName(harness.do(set(...command)).reports[0]?.code ?? -1);

function rows(exchange: Exchange, kind: number): number[][] {
  const found: number[][] = [];
  saveState(exchange, (chunk, count) => {
    for (let at = 0; at < count * ROW_FIELDS; at += ROW_FIELDS) if (chunk[at] === kind) found.push([...chunk.subarray(at + 1, at + 4)]);
  });
  return found;
}

const table: Readonly<Record<string, string>> = {
  'pre-open collects orders as an auction does, and nothing trades': `
    phase pre-open
    > 0 Accepted
    1 new 1 buy 10 @ 105
    > 1 Accepted 1 10@105 leaves 10
    2 new 1 sell 10 @ 100
    > 2 Accepted 1 10@100 leaves 10
    2 new 2 sell 10 @ 100 ioc
    > 2 Rejected 2 10@100 leaves 0 NOT_IN_AUCTION
    2 amend 1 4 @ 101
    > 2 Amended 1 4@101 leaves 4
    1 cancel 1
    > 1 Cancelled 1 10@105 leaves 0 CANCELLED_BY_CLIENT
    uncross
    > 0 Rejected WRONG_PHASE`,
  'from pre-open through both auctions': `
    phase pre-open
    > 0 Accepted
    1 new 1 buy 10 @ 105
    > 1 Accepted 1 10@105 leaves 10
    2 new 1 sell 4 @ 100
    > 2 Accepted 1 4@100 leaves 4
    phase continuous
    > 0 Rejected BOOK_CROSSED
    phase opening-auction
    > 0 Accepted
    uncross
    > 1 Fill 1 4@105 leaves 6 auction
    > 2 Fill 1 4@105 leaves 0 auction
    > 0 Accepted 4@105
    phase continuous
    > 0 Accepted
    phase closing-auction
    > 0 Accepted
    2 new 2 sell 6 @ 105
    > 2 Accepted 2 6@105 leaves 6
    uncross
    > 1 Fill 1 6@105 leaves 0 auction
    > 2 Fill 2 6@105 leaves 0 auction
    > 0 Accepted 6@105
    phase closed
    > 0 Accepted`,
};

describe('the sub-phase of an auction', () => {
  for (const [name, ledger] of Object.entries(table))
    it(name, () => assert.equal(runLedger(new Harness().setUp(), ledger), tidyLedger(ledger)));

  it('belongs to the phase auction, and a volatility auction cannot be set', () => {
    const harness = new Harness().setUp();
    const { Halted, Continuous, Auction, Closed } = Phase;
    const codes = [Halted, Continuous, Closed].map((phase) => codeOf(harness, phase, SubPhase.PreOpen));
    assert.deepEqual(new Set(codes), new Set(['BAD_PARAMETER']));
    assert.deepEqual(
      [SubPhase.VolatilityAuction, 5, 255].map((subPhase) => codeOf(harness, Auction, subPhase)),
      ['BAD_PARAMETER', 'BAD_PARAMETER', 'BAD_PARAMETER'],
    );
    assert.equal(harness.exchange.symbols.phase[SYMBOL], Continuous);
    assert.equal(codeOf(harness, Auction, SubPhase.PreOpen), codeName(Code.OK));
    assert.equal(codeOf(harness, Halted, SubPhase.None), codeName(Code.OK));
    assert.equal(harness.exchange.symbols.subPhase[SYMBOL], SubPhase.None);
  });

  it('pre-open shows no indication, and the auction after it shows one at once', () => {
    const harness = new Harness().setUp();
    const kinds = (line: string): number[] => harness.do(parseCommand(line)).events.map(({ kind }) => kind);
    const { Add, Phase: PHASE, Indicative } = MarketEventKind;
    assert.deepEqual(kinds('phase pre-open'), [PHASE]);
    assert.deepEqual(kinds('1 new 1 buy 10 @ 105'), [Add]);
    assert.deepEqual(kinds('2 new 1 sell 10 @ 100'), [Add]);
    const { events } = harness.do(parseCommand('phase opening-auction'));
    assert.deepEqual(
      events.map(({ kind, side, flags, price }) => [kind, side, flags, price]),
      [
        [PHASE, SubPhase.OpeningAuction, Phase.Auction, 0],
        [Indicative, 0, 0, 100],
      ],
    );
  });

  it('is in a snapshot where it is used, and only there', () => {
    const harness = new Harness().setUp();
    harness.do(set(Phase.Auction, SubPhase.None));
    assert.deepEqual(rows(harness.exchange, RowKind.SubPhase), []);
    const before = stateHash(harness.exchange);
    harness.do(set(Phase.Auction, SubPhase.ClosingAuction, 1_700_000_000_000_000));
    assert.notEqual(stateHash(harness.exchange), before);
    harness.do(set(Phase.Halted, SubPhase.None));
    // The operator's command leaves the time of the calendar's last boundary.
    assert.deepEqual(rows(harness.exchange, RowKind.SubPhase), [[SYMBOL, SubPhase.None, 1_700_000_000_000_000]]);
    const copy = new Exchange(SMALL_LIMITS);
    const loader = new StateLoader(copy);
    saveState(harness.exchange, (chunk, count) => loader.load(chunk, count));
    assert.equal(stateHash(copy), stateHash(harness.exchange));
  });

  it('is ignored before rules 4', () => {
    const harness = new Harness(SMALL_LIMITS, 3).setUp();
    assert.equal(codeOf(harness, Phase.Continuous, SubPhase.PreOpen, 5), codeName(Code.OK));
    assert.equal(codeOf(harness, Phase.Auction, SubPhase.VolatilityAuction, 5), codeName(Code.OK));
    assert.equal(codeName(harness.do(parseCommand('uncross')).reports.at(-1)?.code ?? -1), codeName(Code.OK));
    assert.deepEqual(rows(harness.exchange, RowKind.SubPhase), []);
  });
});

describe('the market data of a sub-phase', () => {
  const structOf = (subPhase: SubPhase): Int32Array => {
    const mirror = new BookMirror(SYMBOL, new MirrorOrders(4));
    mirror.phase = Phase.Auction;
    mirror.subPhase = subPhase;
    mirror.surplusSide = 1;
    const words = new Int32Array(Status.bytes / 4);
    status.snapshot({ mirror } as never, { words, add: () => 0 } as never, 0);
    return words;
  };
  const jsonOf = (words: Int32Array): Record<string, unknown> => {
    const out = new JsonBytes();
    out.struct(statusWire.json, words, 0, UNSCALED);
    return JSON.parse(new TextDecoder().decode(out.written));
  };

  it('has its name, in both formats', () => {
    const words = structOf(SubPhase.PreOpen);
    const { phase, subPhase, surplusSide } = statusWire.read(words, 0);
    assert.deepEqual([phase, subPhase, surplusSide], ['auction', 'pre-open', 'sell']);
    const json = jsonOf(words);
    assert.deepEqual([json.phase, json.sub_phase, json.surplus_side], ['auction', 'pre-open', 'sell']);
  });

  it('is absent where there is none', () => {
    const words = structOf(SubPhase.None);
    assert.equal('subPhase' in statusWire.read(words, 0), false);
    assert.equal('sub_phase' in jsonOf(words), false);
  });
});
