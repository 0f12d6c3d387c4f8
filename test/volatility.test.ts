/** Volatility interruption: bands around the last auction price and the last trade, the auction that they begin, and its end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeName } from '../engine/codes.ts';
import type { Exchange } from '../engine/machine/exchange.ts';
import { EXPIRIES_PER_COMMAND } from '../engine/machine/expiry.ts';
import { ROW_FIELDS, saveState, stateHash } from '../engine/machine/state-rows.ts';
import { AuctionPriceId, SymbolParam } from '../engine/params.ts';
import { RowKind } from '../engine/state-part.ts';
import { CommandKind, Phase, Side, SubPhase } from '../engine/wire/layout.ts';
import { MarketEventKind } from '../engine/wire/market-event.ts';
import { BTC, describeEvent, Harness, parseCommand, runLedger, SMALL_LIMITS, SYMBOL, tidyLedger, USD } from './support/exchange-fixture.ts';
import { copyOf } from './support/shares-fixture.ts';

type Params = Partial<Record<keyof typeof SymbolParam, number>>;

/** Bands of 5 % around the last trade and of 10 % around the last auction price, both 1000 at first; auctions of 10 s. */
const BANDS: Params = { ReferencePrice: 1000, StaticBandPpm: 100_000, DynamicBandPpm: 50_000, VolatilityUs: 10_000_000 };

function ledger(name: string, text: string, params: Params = BANDS): void {
  it(name, () => {
    const harness = new Harness().setUp(5, params);
    assert.equal(runLedger(harness, text), tidyLedger(text));
    for (const asset of [USD, BTC]) assert.equal(harness.exchange.accounts.imbalance(asset), 0);
    // The same state goes on in a copy.
    const copy = copyOf(harness.exchange, SMALL_LIMITS);
    assert.equal(stateHash(copy), stateHash(harness.exchange));
    assert.equal(copy.deadlineUs, harness.exchange.deadlineUs);
  });
}

describe('a volatility interruption', () => {
  ledger(
    'the dynamic band: trades up to its edge, the rest waits, the auction ends by itself at its price, and is the new reference',
    `
    4 new 1 sell 5 @ 1010
      > 4 Accepted 1 5@1010 leaves 5
    4 new 2 sell 5 @ 1050
      > 4 Accepted 2 5@1050 leaves 5
    4 new 3 sell 5 @ 1051
      > 4 Accepted 3 5@1051 leaves 5
    1 new 1 buy 12 @ 1060
      > 1 Accepted 1 12@1060 leaves 12
      > 4 Fill 1 5@1010 leaves 0 maker
      > 1 Fill 1 5@1010 leaves 7 taker
      > 4 Fill 2 5@1050 leaves 0 maker
      > 1 Fill 1 5@1050 leaves 2 taker
    2 new 1 buy 1 @ 1060 ioc
      > 2 Rejected 1 1@1060 leaves 0 NOT_IN_AUCTION
    +9997000 2 new 2 sell 1 @ 1060
      > 2 Accepted 2 1@1060 leaves 1
    tick
      > 1 Fill 1 2@1051 leaves 0 auction
      > 4 Fill 3 2@1051 leaves 3 auction
    2 new 3 buy 1 @ 1051
      > 2 Accepted 3 1@1051 leaves 1
      > 4 Fill 3 1@1051 leaves 2 maker
      > 2 Fill 3 1@1051 leaves 0 taker`,
  );
  ledger(
    'the static band: an immediate order trades up to the edge, its rest is cancelled; without a cross, the auction ends without a trade',
    `
    4 new 1 sell 5 @ 1100
      > 4 Accepted 1 5@1100 leaves 5
    4 new 2 sell 5 @ 1101
      > 4 Accepted 2 5@1101 leaves 5
    1 new 1 buy 10 @ 1200 ioc
      > 1 Accepted 1 10@1200 leaves 10
      > 4 Fill 1 5@1100 leaves 0 maker
      > 1 Fill 1 5@1100 leaves 5 taker
      > 1 Cancelled 1 5@1200 leaves 0 CANCELLED_VOLATILITY
    +10000000 tick
    reference 1010
      > 0 Accepted
    1 new 2 buy 5 @ 1200 ioc
      > 1 Accepted 2 5@1200 leaves 5
      > 4 Fill 2 5@1101 leaves 0 maker
      > 1 Fill 2 5@1101 leaves 0 taker`,
    { ...BANDS, DynamicBandPpm: 0 },
  );
  ledger(
    'fill-or-kill and minimum quantity count only what is inside the bands; what they reject interrupts nothing; a market order does not pass the edge',
    `
    4 new 1 sell 5 @ 1050
      > 4 Accepted 1 5@1050 leaves 5
    4 new 2 sell 5 @ 1110
      > 4 Accepted 2 5@1110 leaves 5
    1 new 1 buy 10 @ 1110 fok
      > 1 Rejected 1 10@1110 leaves 0 FOK_NOT_FILLABLE
    1 new 2 buy 5 @ 1110 fok
      > 1 Accepted 2 5@1110 leaves 5
      > 4 Fill 1 5@1050 leaves 0 maker
      > 1 Fill 2 5@1050 leaves 0 taker
    1 new 3 buy 6 mkt
      > 1 Accepted 3 6@0 leaves 6
      > 1 Cancelled 3 6@0 leaves 0 CANCELLED_VOLATILITY`,
  );
  ledger(
    'a trade below the band of a buy leaves it, too; a post-only order is rejected and interrupts nothing',
    `
    4 new 1 sell 5 @ 900
      > 4 Accepted 1 5@900 leaves 5
    1 new 1 buy 3 @ 1000 post
      > 1 Rejected 1 3@1000 leaves 0 POST_ONLY_WOULD_TRADE
    1 new 2 buy 3 @ 1000
      > 1 Accepted 2 3@1000 leaves 3
    +10000000 1 new 3 buy 1 @ 900
      > 1 Fill 2 3@900 leaves 0 auction
      > 4 Fill 1 3@900 leaves 2 auction
      > 1 Accepted 3 1@900 leaves 1
      > 4 Fill 1 1@900 leaves 1 maker
      > 1 Fill 3 1@900 leaves 0 taker
    1 new 4 buy 1 @ 900
      > 1 Accepted 4 1@900 leaves 1
      > 4 Fill 1 1@900 leaves 0 maker
      > 1 Fill 4 1@900 leaves 0 taker`,
  );
  ledger(
    'a cascade of stops ends at the edge, in the middle, and goes on after the auction',
    `
    4 new 1 sell 1 @ 1000
      > 4 Accepted 1 1@1000 leaves 1
    4 new 2 buy 1 @ 1000 ioc
      > 4 Accepted 2 1@1000 leaves 1
      > 4 Fill 1 1@1000 leaves 0 maker
      > 4 Fill 2 1@1000 leaves 0 taker
    3 new 1 buy 2 stop 1010
      > 3 Accepted 1 2@0 leaves 2 stop 1010
    3 new 2 buy 2 stop 1020 @ 1200
      > 3 Accepted 2 2@1200 leaves 2 stop 1020
    3 new 3 buy 2 stop 1030
      > 3 Accepted 3 2@0 leaves 2 stop 1030
    4 new 3 sell 2 @ 1010
      > 4 Accepted 3 2@1010 leaves 2
    4 new 4 sell 2 @ 1020
      > 4 Accepted 4 2@1020 leaves 2
    4 new 5 sell 2 @ 1100
      > 4 Accepted 5 2@1100 leaves 2
    4 new 6 sell 9 @ 1130
      > 4 Accepted 6 9@1130 leaves 9
    1 new 1 buy 2 @ 1010
      > 1 Accepted 1 2@1010 leaves 2
      > 4 Fill 3 2@1010 leaves 0 maker
      > 1 Fill 1 2@1010 leaves 0 taker
      > 3 Triggered 1 2@0 leaves 2 stop 1010
      > 4 Fill 4 2@1020 leaves 0 maker
      > 3 Fill 1 2@1020 leaves 0 taker
      > 3 Triggered 2 2@1200 leaves 2 stop 1020
    1 new 2 buy 1 @ 1130
      > 1 Accepted 2 1@1130 leaves 1
    +10000000 tick
      > 3 Fill 2 2@1130 leaves 0 auction
      > 4 Fill 5 2@1130 leaves 0 auction
      > 1 Fill 2 1@1130 leaves 0 auction
      > 4 Fill 6 1@1130 leaves 8 auction
      > 3 Triggered 3 2@0 leaves 2 stop 1030
      > 4 Fill 6 2@1130 leaves 6 maker
      > 3 Fill 3 2@1130 leaves 0 taker`,
  );
  ledger(
    'an own order beyond the edge is prevented first: what it would not trade with interrupts nothing',
    `
    1 new 1 sell 2 @ 1060
      > 1 Accepted 1 2@1060 leaves 2
    4 new 1 sell 2 @ 1070
      > 4 Accepted 1 2@1070 leaves 2
    1 new 2 buy 3 @ 1060 gtc cancel-oldest
      > 1 Accepted 2 3@1060 leaves 3
      > 1 Cancelled 1 2@1060 leaves 0 CANCELLED_SELF_TRADE
    4 new 2 buy 1 @ 1050 fok
      > 4 Rejected 2 1@1050 leaves 0 FOK_NOT_FILLABLE`,
  );
  ledger(
    'and the incoming order is cancelled as its mode says',
    `
    1 new 1 sell 2 @ 1060
      > 1 Accepted 1 2@1060 leaves 2
    4 new 1 sell 2 @ 1070
      > 4 Accepted 1 2@1070 leaves 2
    1 new 2 buy 3 @ 1070 gtc cancel-newest
      > 1 Accepted 2 3@1070 leaves 3
      > 1 Cancelled 2 3@1070 leaves 0 CANCELLED_SELF_TRADE`,
  );
  ledger(
    'an amend that trades begins one, is possible in it, and an end without a cross changes nothing',
    `
    4 new 1 sell 2 @ 1040
      > 4 Accepted 1 2@1040 leaves 2
    4 new 2 sell 2 @ 1100
      > 4 Accepted 2 2@1100 leaves 2
    1 new 1 buy 5 @ 900
      > 1 Accepted 1 5@900 leaves 5
    1 amend 1 5 @ 1100
      > 1 Amended 1 5@1100 leaves 5
      > 4 Fill 1 2@1040 leaves 0 maker
      > 1 Fill 1 2@1040 leaves 3 taker
    1 amend 1 5 @ 1000
      > 1 Amended 1 5@1000 leaves 5
    +9997000 tick
    1 amend 1 5 @ 1050
      > 1 Amended 1 5@1050 leaves 5`,
  );
  ledger(
    "an operator's uncross leaves it, and a phase that is set ends it",
    `
    4 new 2 sell 2 @ 1060
      > 4 Accepted 2 2@1060 leaves 2
    1 new 1 buy 5 @ 1060
      > 1 Accepted 1 5@1060 leaves 5
    phase continuous
      > 0 Rejected BOOK_CROSSED
    uncross
      > 1 Fill 1 2@1060 leaves 3 auction
      > 4 Fill 2 2@1060 leaves 0 auction
      > 0 Accepted 2@1060
    phase continuous
      > 0 Accepted
    +10000000 tick
    phase halted
      > 0 Accepted
    1 new 3 buy 1 @ 700
      > 1 Rejected 3 1@700 leaves 0 SYMBOL_HALTED`,
  );
  ledger(
    'the wide band: an auction that would trade outside of it is extended once, and trades then',
    `
    4 new 1 sell 5 @ 1200
      > 4 Accepted 1 5@1200 leaves 5
    1 new 1 buy 2 @ 1200
      > 1 Accepted 1 2@1200 leaves 2
    at 20000: tick
    at 24999.999: tick
    at 25000: tick
      > 1 Fill 1 2@1200 leaves 0 auction
      > 4 Fill 1 2@1200 leaves 3 auction`,
    { ...BANDS, WideBandPpm: 199_999, VolatilityExtensionUs: 5_000_000 },
  );
  ledger(
    'the wide band: the price counts that the rule of the symbol selects, here the middle of the limits',
    `
    4 new 1 sell 2 @ 1200
      > 4 Accepted 1 2@1200 leaves 2
    1 new 1 buy 2 @ 1300
      > 1 Accepted 1 2@1300 leaves 2
    at 20000: tick
    at 25000: tick
      > 1 Fill 1 2@1250 leaves 0 auction
      > 4 Fill 1 2@1250 leaves 0 auction`,
    { ...BANDS, WideBandPpm: 240_000, VolatilityExtensionUs: 5_000_000, AuctionPrice: AuctionPriceId.Middle },
  );
  ledger(
    'the wide band: an auction at its edge is not extended',
    `
    4 new 1 sell 5 @ 1200
      > 4 Accepted 1 5@1200 leaves 5
    1 new 1 buy 2 @ 1200
      > 1 Accepted 1 2@1200 leaves 2
    at 20000: tick
      > 1 Fill 1 2@1200 leaves 0 auction
      > 4 Fill 1 2@1200 leaves 3 auction`,
    { ...BANDS, WideBandPpm: 200_000 },
  );
  ledger(
    'a random end: only a tick draws it, and no command before it ends the auction',
    `
    4 new 1 sell 5 @ 1200
      > 4 Accepted 1 5@1200 leaves 5
    at 1000: 1 new 1 buy 2 @ 1200
      > 1 Accepted 1 2@1200 leaves 2
    at 10999.999: tick 0.9
    at 12000: 1 new 2 buy 1 @ 900
      > 1 Accepted 2 1@900 leaves 1
    at 12000: tick 0.5
    at 12000: tick 0.9
    at 12999.999: tick 0
    at 13000: 1 cancel 2
      > 1 Fill 1 2@1200 leaves 0 auction
      > 4 Fill 1 2@1200 leaves 3 auction
      > 1 Cancelled 2 1@900 leaves 0 CANCELLED_BY_CLIENT`,
    { ...BANDS, VolatilityRandomUs: 4_000_000 },
  );
  ledger(
    'limit up / limit down: a limit state of 15 s, then a pause with an auction',
    `
    4 new 1 sell 5 @ 1060
      > 4 Accepted 1 5@1060 leaves 5
    at 1000: 1 new 1 buy 2 @ 1060
      > 1 Accepted 1 2@1060 leaves 2
    at 15999.999: tick
    at 16000: tick 0.5
    at 25999.999: tick
    at 26000: tick
      > 1 Fill 1 2@1060 leaves 0 auction
      > 4 Fill 1 2@1060 leaves 3 auction`,
    { ...BANDS, VolatilityProfile: 1 },
  );
  ledger(
    'limit up / limit down: a limit state whose book would trade inside the bands, or not at all, ends without a pause',
    `
    4 new 1 sell 5 @ 1060
      > 4 Accepted 1 5@1060 leaves 5
    at 1000: 1 new 1 buy 2 @ 1060
      > 1 Accepted 1 2@1060 leaves 2
    at 2000: 3 new 1 sell 2 @ 1050
      > 3 Accepted 1 2@1050 leaves 2
    at 16000: 2 new 1 buy 1 @ 900 ioc
      > 1 Fill 1 2@1050 leaves 0 auction
      > 3 Fill 1 2@1050 leaves 0 auction
      > 2 Accepted 1 1@900 leaves 1
      > 2 Cancelled 1 1@900 leaves 0 CANCELLED_REMAINDER
    at 17000: 1 new 2 buy 1 @ 1110 ioc
      > 1 Accepted 2 1@1110 leaves 1
      > 4 Fill 1 1@1060 leaves 4 maker
      > 1 Fill 2 1@1060 leaves 0 taker`,
    { ...BANDS, VolatilityProfile: 1 },
  );
});

describe('the auction of a volatility interruption', () => {
  const crossing = (): Harness => {
    const harness = new Harness().setUp(5, BANDS);
    harness.do(parseCommand('4 new 1 sell 5 @ 1060'));
    return harness;
  };

  it('is in market data: the phase with its sub-phase, before the order that waits, and an indication', () => {
    const harness = crossing();
    const { events } = harness.do(parseCommand('1 new 1 buy 2 @ 1070'));
    assert.deepEqual(
      events.map(({ kind, side, flags, price, quantity }) => [kind, side, flags, price, quantity]),
      [
        [MarketEventKind.Phase, SubPhase.VolatilityAuction, Phase.Auction, 1000, harness.exchange.timeUs + 10_000_000],
        [MarketEventKind.Add, Side.Buy, 0, 1070, 2],
        [MarketEventKind.Indicative, Side.Sell, 0, 1060, 2],
      ],
    );
    const end = harness.do(parseCommand('+10000000 tick')).events;
    assert.deepEqual(end.map(describeEvent), ['Trade buy 2@1060', 'Indicative buy 0@0', 'Phase buy 0@1060']);
    assert.equal(harness.exchange.symbols.phase[SYMBOL], Phase.Continuous);
    assert.equal(harness.exchange.symbols.subPhase[SYMBOL], SubPhase.None);
  });

  it('the limit state and the pause after it are sub-phases of their own', () => {
    const harness = new Harness().setUp(5, { ...BANDS, VolatilityProfile: 1 });
    const subPhase = (line: string): number => {
      harness.do(parseCommand(line));
      return harness.exchange.symbols.subPhase[SYMBOL];
    };
    assert.equal(subPhase('4 new 1 sell 5 @ 1060'), SubPhase.None);
    assert.equal(subPhase('at 1000: 1 new 1 buy 2 @ 1070'), SubPhase.LimitState);
    assert.equal(subPhase('at 16000: tick'), SubPhase.VolatilityAuction);
    assert.equal(subPhase('at 26000: tick'), SubPhase.None);
  });

  it('ends at a deadline of the engine, and no microsecond before', () => {
    const harness = crossing();
    harness.do(parseCommand('at 50000: 1 new 1 buy 2 @ 1070'));
    assert.equal(harness.exchange.deadlineUs, 60_000_000);
    assert.deepEqual(harness.do(parseCommand('at 59999.999: tick')).reports, []);
    assert.equal(harness.exchange.deadlineUs, 60_000_000);
    assert.equal(harness.do(parseCommand('at 60000: tick')).reports.length, 2);
    assert.equal(harness.exchange.deadlineUs, Number.POSITIVE_INFINITY);
  });

  it('waits with its uncross until all that is due has expired', () => {
    const harness = crossing();
    const { exchange } = harness;
    for (let id = 1; id <= EXPIRIES_PER_COMMAND + 2; id++) harness.do(parseCommand(`at 50000: 1 new ${id} buy 2 @ 1070 gtd 60000`));
    const expired = [EXPIRIES_PER_COMMAND, 2].map((count) => {
      assert.equal(exchange.symbols.phase[SYMBOL], Phase.Auction);
      assert.ok(exchange.deadlineUs <= 60_000_000, 'a tick is due');
      const { reports } = harness.do(parseCommand('at 60000: tick'));
      assert.deepEqual(new Set(reports.map(({ code }) => codeName(code))), new Set(['EXPIRED']));
      assert.equal(reports.length, count);
      return count;
    });
    assert.equal(exchange.symbols.phase[SYMBOL], Phase.Continuous, `after ${expired.length} commands`);
  });

  it('of several symbols with one end: the lowest symbol first, one with each command', () => {
    const harness = new Harness().setUp(5, BANDS);
    const other = {
      kind: CommandKind.DefineSymbol,
      symbol: 2,
      account: BTC,
      tag: USD,
      side: 2,
      timeInForce: 3,
      clientOrderId: 1,
      orderId: 1,
    };
    harness.must({ ...other, name: 'BTC-USD-2' });
    for (const [name, value] of Object.entries(BANDS))
      harness.must({ kind: CommandKind.SetSymbol, symbol: 2, parameter: SymbolParam[name as keyof typeof BANDS], quantity: value });
    harness.must({ kind: CommandKind.SetPhase, symbol: 2, parameter: Phase.Continuous });
    for (const symbol of [2, 1]) {
      harness.do({ ...parseCommand(`4 new ${symbol} sell 5 @ 1060`), symbol, timeUs: 50_000_000 });
      harness.do({ ...parseCommand(`1 new ${symbol} buy 2 @ 1070`), symbol, timeUs: 50_000_000 });
    }
    const { phase } = harness.exchange.symbols;
    const phases = (): number[] => [phase[1], phase[2]];
    assert.deepEqual(phases(), [Phase.Auction, Phase.Auction]);
    harness.do(parseCommand('at 60000: tick'));
    assert.deepEqual(phases(), [Phase.Continuous, Phase.Auction]);
    assert.equal(harness.exchange.deadlineUs, 60_000_000);
    harness.do(parseCommand('at 60000: 1 cancel 9'));
    assert.deepEqual(phases(), [Phase.Continuous, Phase.Continuous]);
  });

  it('is in the state only where bands are used', () => {
    const harness = new Harness().setUp(2, { ReferencePrice: 1000, DynamicBandPpm: 50_000 });
    const rows = (): number => rowsOf(harness.exchange, RowKind.Volatility).length;
    assert.equal(rows(), 0);
    harness.setParam('StaticBandPpm', 50_000);
    assert.equal(rows(), 1);
    harness.setParam('StaticBandPpm', 0);
    assert.equal(rows(), 0);
  });

  it('its parameters are refused before rules 5, and outside of their ranges', () => {
    const codeOf = (rules: number, name: keyof typeof SymbolParam, quantity: number): string => {
      const harness = new Harness(SMALL_LIMITS, rules).setUp(1);
      const parameter = SymbolParam[name];
      return codeName(harness.do({ kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter, quantity }).reports[0].code);
    };
    assert.equal(codeOf(4, 'StaticBandPpm', 1), 'BAD_PARAMETER');
    assert.equal(codeOf(5, 'StaticBandPpm', 1), 'OK');
    assert.equal(codeOf(5, 'DynamicBandPpm', 1_000_001), 'BAD_PARAMETER');
    assert.equal(codeOf(5, 'VolatilityUs', 999_999), 'BAD_PARAMETER');
  });
});

function rowsOf(exchange: Exchange, kind: number): number[][] {
  const found: number[][] = [];
  saveState(exchange, (chunk, count) => {
    for (let i = 0; i < count; i++)
      if (chunk[i * ROW_FIELDS] === kind) found.push([...chunk.subarray(i * ROW_FIELDS, (i + 1) * ROW_FIELDS)]);
  });
  return found;
}
