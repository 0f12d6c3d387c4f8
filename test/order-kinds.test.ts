import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import { checkLongCommand } from '../engine/wire/check-command.ts';
import {
  CommandFlag,
  displayedOf,
  type ExtensionFields,
  encodeExtension,
  longOrderKind,
  minQuantityOf,
} from '../engine/wire/command-extension.ts';
import { CommandBatch, CommandFrameReader } from '../engine/wire/frames.ts';
import {
  Command,
  CommandExtension,
  CommandKind,
  Instruction,
  OrderType,
  Phase,
  SelfTradeMode,
  TimeInForce,
} from '../engine/wire/layout.ts';
import {
  canCombine,
  illegalPair,
  KIND_AUCTION,
  KIND_FILL_OR_KILL,
  KIND_MIN_QUANTITY,
  KIND_NEEDS_PRICE,
  KIND_PHASES,
  KIND_POST_ONLY,
  KIND_RESTS,
  KIND_TIME_IN_FORCE,
  NO_KIND,
  ORDER_KINDS,
  OrderKind,
  orderKindOf,
  TERMS,
  withoutShortForms,
} from '../engine/wire/order-kinds.ts';
import { orderTerms } from '../gateway/client/order-terms.ts';

const { Limit, Market, Stop, StopLimit, TrailingStop, TrailingStopLimit } = OrderType;
const { TriggerNow, Reprice, TrailPpm, Hidden, ReportTrail, PegPrimary, PegMarket, PegTowards } = Instruction;
const PEGS = PegPrimary | PegMarket | PegTowards;
/** Bits of later releases. */
const UNSUPPORTED = 32;
const { GoodTillCancel, ImmediateOrCancel, FillOrKill, Day, GoodTillDate, AtTheOpen, AtTheClose } = TimeInForce;
const MIN = 3;
const SHOWN = 2;
const STOP_PRICE = 120;
const END_US = 2 ** 52 + 1;

interface Terms {
  selfTradeMode?: number;
  orderType: number;
  timeInForce: number;
  instructions: number;
  minQuantity: number;
  displayedQuantity?: number;
}

/** All values of this release that an extension can have, and the next value of each. */
function* combinations(): Generator<Terms> {
  for (let orderType = 0; orderType <= 6; orderType++)
    for (let timeInForce = 0; timeInForce <= 9; timeInForce++)
      for (const instructions of [
        0,
        1,
        Reprice,
        1 | Reprice,
        UNSUPPORTED,
        TriggerNow,
        1 | TriggerNow,
        1 | Reprice | TriggerNow,
        Hidden,
        Hidden | 1,
        Hidden | 1 | Reprice,
        Hidden | TriggerNow,
        TrailPpm,
        1 | TrailPpm,
        ReportTrail,
        1 | TrailPpm | ReportTrail,
        Hidden | TrailPpm,
        Hidden | ReportTrail,
        PegPrimary,
        PegMarket | PegTowards,
        PegPrimary | PegMarket | 1,
        PegTowards,
        PegPrimary | Reprice | 1,
        PegPrimary | Hidden,
        PegMarket | TriggerNow,
        PegMarket | TrailPpm,
      ])
        for (const minQuantity of [0, MIN])
          for (const displayedQuantity of [0, SHOWN]) yield { orderType, timeInForce, instructions, minQuantity, displayedQuantity };
}

/** The rules, independent of the table: the kind, or the code. */
function expected({ orderType, timeInForce, instructions, minQuantity, displayedQuantity = 0 }: Terms): OrderKind | keyof typeof Code {
  if (timeInForce > AtTheClose || orderType > OrderType.TrailingStopLimit) return 'BAD_ENUM';
  if (instructions === UNSUPPORTED) return 'UNSUPPORTED_TERM';
  if (timeInForce === TimeInForce.Market && orderType !== Market) return 'ILLEGAL_COMBINATION';
  const postOnly = (instructions & 1) !== 0 || timeInForce === TimeInForce.PostOnly;
  const isStop = orderType >= Stop;
  if ((instructions & PEGS) !== 0) {
    const isLegal = orderType === Limit && [GoodTillCancel, TimeInForce.PostOnly, Day, GoodTillDate].includes(timeInForce as 0);
    // The minimum quantity is its offset.
    return isLegal && (instructions & ~PEGS) <= 1 && instructions !== PegTowards && displayedQuantity === 0
      ? OrderKind.Pegged
      : 'ILLEGAL_COMBINATION';
  }
  const untilEnd = [GoodTillCancel, TimeInForce.PostOnly, Day, GoodTillDate].includes(timeInForce as 0);
  const trails = orderType >= TrailingStop;
  // A stop-limit hides when it rests.
  const canHide = untilEnd && [Limit, StopLimit, TrailingStopLimit].includes(orderType as typeof Limit) && (minQuantity === 0 || trails);
  if (displayedQuantity !== 0 && !canHide) return 'ILLEGAL_COMBINATION';
  if ((instructions & Hidden) !== 0 && (!canHide || displayedQuantity !== 0 || (instructions & Reprice) !== 0))
    return 'ILLEGAL_COMBINATION';
  if ((instructions & ReportTrail) !== 0 && !trails) return 'ILLEGAL_COMBINATION';
  if (trails ? (instructions & TriggerNow) !== 0 : (instructions & TrailPpm) !== 0) return 'ILLEGAL_COMBINATION';
  if (timeInForce >= AtTheOpen) {
    if (isStop || instructions !== 0 || minQuantity !== 0) return 'ILLEGAL_COMBINATION';
    return orderType === Market ? OrderKind.AuctionMarket : OrderKind.AuctionLimit;
  }
  if ((instructions & TriggerNow) !== 0 && !isStop) return 'ILLEGAL_COMBINATION';
  const rests = [GoodTillCancel, TimeInForce.PostOnly, Day, GoodTillDate].includes(timeInForce as 0);
  if (postOnly && (!rests || [Market, Stop, TrailingStop].includes(orderType as typeof Stop))) return 'ILLEGAL_COMBINATION';
  const reprices = (instructions & Reprice) !== 0;
  if (reprices && !postOnly) return 'ILLEGAL_COMBINATION';
  if (isStop && !trails && minQuantity !== 0) return 'ILLEGAL_COMBINATION';
  if (orderType === Market && rests) return 'ILLEGAL_COMBINATION';
  if (minQuantity !== 0 && !trails && (rests || timeInForce === FillOrKill)) return 'ILLEGAL_COMBINATION';
  // The field has the offset of a trailing stop.
  if (minQuantity === 0 && trails) return 'BAD_RANGE';
  if (postOnly) return reprices ? OrderKind.PostOnlyReprice : OrderKind.PostOnly;
  if (minQuantity !== 0 && !trails) return orderType === Market ? OrderKind.MarketMinimum : OrderKind.ImmediateOrCancelMinimum;
  if ([Limit, StopLimit, TrailingStopLimit].includes(orderType as typeof Limit)) return (rests ? GoodTillCancel : timeInForce) as OrderKind;
  return timeInForce === FillOrKill ? OrderKind.MarketFillOrKill : OrderKind.Market;
}

const words = new Int32Array(32);
const u8 = new Uint8Array(words.buffer);

/** A long New in slot 1, its extension in slot 0, checked for account 42. */
function check(terms: Terms, price: number, change?: (view: DataView) => void): string {
  const batch = new CommandBatch(1);
  batch.place(1, 0, 0, price, 5, 7);
  const reader = new CommandFrameReader();
  assert.equal(reader.open(batch.bytes()), Code.OK);
  reader.copy(0, words, 1);
  const stopPrice = terms.orderType >= Stop ? STOP_PRICE : 0;
  encodeExtension(u8, words, 0, { ...terms, stopPrice, expiryUs: terms.timeInForce === GoodTillDate ? END_US : 0 });
  u8[64 + Command.timeInForce] = terms.timeInForce;
  u8[64 + Command.parameter] = CommandFlag.Extended;
  change?.(new DataView(words.buffer));
  return codeName(checkLongCommand(u8, words, 0, 1, 42));
}

test('every combination has the kind or the code of the rules; equal orders are stored alike', () => {
  const seen = new Set<number>();
  for (const terms of combinations()) {
    const what = JSON.stringify(terms);
    const kind = expected(terms);
    if (typeof kind === 'string') {
      for (const price of [0, 100]) assert.equal(check(terms, price), kind, what);
      continue;
    }
    seen.add(kind);
    const row = ORDER_KINDS[kind];
    assert.equal(check(terms, row.needsPrice ? 0 : 100), 'BAD_RANGE', what);
    assert.equal(check(terms, row.needsPrice ? 100 : 0), 'OK', what);
    const timeInForce = u8[64 + Command.timeInForce];
    assert.equal(words[16 + Command.account / 4], 42);
    if (terms.orderType >= Stop || kind === OrderKind.Pegged) {
      // Its time in force and instructions are in their long form, whatever they become.
      const plain = withoutShortForms(terms.timeInForce, terms.instructions);
      assert.deepEqual([u8[64 + Command.parameter], timeInForce], [CommandFlag.Extended, plain.timeInForce], what);
      const unused = terms.minQuantity === 0 ? PegTowards : 0;
      const stored = [terms.orderType, plain.instructions & ~unused];
      assert.deepEqual([u8[CommandExtension.orderType], words[CommandExtension.instructions / 4]], stored);
      assert.equal(longOrderKind(u8, words, 0, 1), kind, 'the log gives the kind again');
      continue;
    }
    if (terms.timeInForce >= Day) {
      const postOnly = kind === OrderKind.PostOnly || kind === OrderKind.PostOnlyReprice;
      const long = terms.timeInForce >= GoodTillDate || postOnly || terms.displayedQuantity !== 0 || (terms.instructions & Hidden) !== 0;
      assert.deepEqual([u8[64 + Command.parameter], timeInForce], [long ? CommandFlag.Extended : 0, terms.timeInForce], what);
      if (long) assert.equal(longOrderKind(u8, words, 0, 1), kind, 'the log gives the kind again');
      continue;
    }
    if (terms.displayedQuantity !== 0 || (terms.instructions & Hidden) !== 0) {
      assert.deepEqual([u8[64 + Command.parameter], timeInForce], [CommandFlag.Extended, KIND_TIME_IN_FORCE[kind]], what);
      assert.equal(displayedOf(words, 0), terms.displayedQuantity);
      assert.equal(words[CommandExtension.instructions / 4] & Hidden, terms.instructions & Hidden);
      assert.equal(longOrderKind(u8, words, 0, 1), kind, 'the log gives the kind again');
      continue;
    }
    if (kind <= OrderKind.PostOnly) {
      assert.deepEqual([u8[64 + Command.parameter], timeInForce], [0, kind], `${what} is stored short`);
      continue;
    }
    assert.deepEqual([u8[64 + Command.parameter], timeInForce], [CommandFlag.Extended, KIND_TIME_IN_FORCE[kind]], what);
    assert.equal(u8[CommandExtension.orderType], row.orderType);
    assert.equal(words[CommandExtension.instructions / 4], row.instructions);
    assert.equal(minQuantityOf(words, 0), terms.minQuantity);
    assert.equal(longOrderKind(u8, words, 0, 1), kind, 'the log gives the kind again');
  }
  assert.deepEqual([...seen].sort(), ORDER_KINDS.map(({ kind }) => kind).sort());
});

test('the columns agree with the rows', () => {
  for (const row of ORDER_KINDS) {
    const { kind } = row;
    assert.equal(KIND_NEEDS_PRICE[kind] === 1, row.orderType === Limit, row.name);
    assert.equal(
      KIND_RESTS[kind] === 1,
      [GoodTillCancel, AtTheOpen].some((time) => time === row.timeInForce),
      row.name,
    );
    const inAuctions: number[] = [OrderKind.GoodTillCancel, OrderKind.AuctionLimit, OrderKind.AuctionMarket, OrderKind.Pegged];
    assert.equal(KIND_AUCTION[kind] === 1, inAuctions.includes(kind), row.name);
    assert.equal(KIND_PHASES[kind], (1 << Phase.Continuous) | (KIND_AUCTION[kind] << Phase.Auction), row.name);
    assert.equal(KIND_FILL_OR_KILL[kind] === 1, row.timeInForce === FillOrKill, row.name);
    assert.equal(KIND_POST_ONLY[kind] === 1, (row.instructions & Instruction.PostOnly) !== 0, row.name);
    assert.equal(KIND_MIN_QUANTITY[kind] === 1, row.minQuantity, row.name);
    assert.equal(orderKindOf(row.orderType, row.timeInForce, row.instructions, row.minQuantity), kind, row.name);
  }
});

test('a term that this release does not support is rejected, and so is a number out of range', () => {
  const legal = { orderType: Market, timeInForce: ImmediateOrCancel, instructions: 0, minQuantity: MIN };
  assert.equal(check(legal, 0), 'OK');
  const fields: [keyof typeof CommandExtension, string][] = [
    ['selfTradeMode', 'BAD_ENUM'],
    ['trigger', 'BAD_ENUM'],
    ['reserved', 'UNSUPPORTED_TERM'],
    ['link', 'UNSUPPORTED_TERM'],
    ['stopPrice', 'BAD_RANGE'],
    ['displayedQuantity', 'ILLEGAL_COMBINATION'],
    ['expiryUs', 'BAD_RANGE'],
    ['kind', 'UNKNOWN_KIND'],
  ];
  for (const [field, code] of fields)
    assert.equal(
      check(legal, 0, (view) => view.setUint8(CommandExtension[field], 9)),
      code,
      field,
    );
  // The highest byte of a wide field counts too.
  for (const [field, code] of [
    ['stopPrice', 'BAD_RANGE'],
    ['displayedQuantity', 'BAD_RANGE'],
  ] as const)
    assert.equal(
      check(legal, 0, (view) => view.setUint8(CommandExtension[field] + 7, 128)),
      code,
      field,
    );
  // A trigger is for stops, and a stop has a stop price.
  assert.equal(
    check(legal, 0, (view) => view.setUint8(CommandExtension.trigger, 1)),
    'BAD_RANGE',
  );
  const stop = { orderType: Stop, timeInForce: GoodTillCancel, instructions: 0, minQuantity: 0 };
  assert.equal(
    check(stop, 0, (view) => view.setUint8(CommandExtension.trigger, 1)),
    'OK',
  );
  assert.equal(
    check(stop, 0, (view) => view.setUint8(CommandExtension.stopPrice, 0)),
    'BAD_RANGE',
  );
  const untilTime = { orderType: Limit, timeInForce: GoodTillDate, instructions: 0, minQuantity: 0 };
  for (const value of [0n, 2n ** 53n, 2n ** 64n - 1n])
    assert.equal(
      check(untilTime, 100, (view) => view.setBigUint64(CommandExtension.expiryUs, value, true)),
      'BAD_RANGE',
      `expiry ${value}`,
    );
  for (const value of [2n ** 53n, 2n ** 64n - 1n, 6n])
    assert.equal(
      check(legal, 0, (view) => view.setBigUint64(CommandExtension.minQuantity, value, true)),
      'BAD_RANGE',
      `minimum ${value}`,
    );
  for (const flags of [0, 2, 3, 129])
    assert.equal(
      check(legal, 0, (view) => view.setUint8(64 + Command.parameter, flags)),
      'UNSUPPORTED_TERM',
    );
  const kinds: [number, string][] = [
    [CommandKind.Cancel, 'UNSUPPORTED_TERM'],
    [CommandKind.Amend, 'UNSUPPORTED_TERM'], // its extension has other terms than a stop price
    [CommandKind.Extension, 'UNKNOWN_KIND'],
    [CommandKind.Deposit, 'ADMIN_ONLY'],
  ];
  for (const [kind, code] of kinds)
    assert.equal(
      check(legal, 0, (view) => view.setUint8(64 + Command.kind, kind)),
      code,
    );
  assert.equal(
    check(legal, 0, (view) => view.setUint32(64 + Command.account, 41, true)),
    'FOREIGN_ACCOUNT',
  );
  assert.equal(
    check(legal, 0, (view) => view.setUint8(64 + Command.side, 2)),
    'BAD_ENUM',
  );
  assert.equal(
    check(legal, 0, (view) => view.setUint8(64 + Command.clientOrderId, 0)),
    'BAD_CLIENT_ORDER_ID',
  );
});

test('self-trade prevention goes with every kind, and is stored long', () => {
  for (const { kind, orderType, timeInForce, instructions, minQuantity, needsPrice } of ORDER_KINDS) {
    const terms = { orderType, timeInForce, instructions, minQuantity: minQuantity ? MIN : 0, selfTradeMode: SelfTradeMode.Decrement };
    assert.equal(check(terms, needsPrice ? 100 : 0), 'OK');
    assert.equal(u8[64 + Command.parameter], CommandFlag.Extended);
    assert.equal(u8[CommandExtension.selfTradeMode], SelfTradeMode.Decrement);
    assert.equal(longOrderKind(u8, words, 0, 1), kind, 'the log gives the kind again');
  }
});

test('the two terms that cannot be combined are named', () => {
  const pairs: [string, number, number, number, boolean, boolean?][] = [
    ['iceberg and hidden', Limit, GoodTillCancel, Hidden, false, true],
    ['reprice and hidden', Limit, GoodTillCancel, Hidden | Reprice | 1, false],
    ['ioc and hidden', Limit, ImmediateOrCancel, Hidden, false],
    ['ioc and iceberg', Limit, ImmediateOrCancel, 0, false, true],
    ['fok and iceberg', Limit, FillOrKill, 0, false, true],
    ['stop and iceberg', Stop, GoodTillCancel, 0, false, true],
    ['market and iceberg', Market, TimeInForce.Market, 0, false, true],
    ['market and gtc', Market, GoodTillCancel, 0, false],
    ['limit and market', Limit, TimeInForce.Market, 0, true],
    ['market and post-only', Market, TimeInForce.PostOnly, 0, false],
    ['market and post-only', Market, TimeInForce.Market, Instruction.PostOnly, false],
    ['ioc and post-only', Limit, ImmediateOrCancel, Instruction.PostOnly, false],
    ['gtc and min-quantity', Limit, GoodTillCancel, 0, true],
    ['post-only and min-quantity', Limit, TimeInForce.PostOnly, 0, true],
    ['post-only and min-quantity', Limit, GoodTillCancel, Instruction.PostOnly, true],
    ['fok and min-quantity', Market, FillOrKill, 0, true],
    ['market and day', Market, Day, 0, false],
    ['market and gtd', Market, GoodTillDate, 0, false],
    ['day and min-quantity', Limit, Day, 0, true],
    ['stop and post-only', Stop, GoodTillCancel, Instruction.PostOnly, false],
    ['stop and post-only', Stop, TimeInForce.PostOnly, 0, false],
    ['stop and market', Stop, TimeInForce.Market, 0, false],
    ['stop-limit and min-quantity', StopLimit, ImmediateOrCancel, 0, true],
    ['ioc and post-only', StopLimit, ImmediateOrCancel, Instruction.PostOnly, false],
    ['limit and reprice', Limit, GoodTillCancel, Reprice, false],
    ['ioc and reprice', Limit, ImmediateOrCancel, 1 | Reprice, false],
    ['fok and reprice', Limit, FillOrKill, Reprice, false],
    ['market and reprice', Market, TimeInForce.Market, Reprice, false],
    ['stop and reprice', Stop, GoodTillCancel, 1 | Reprice, false],
    ['stop-limit and at-the-close', StopLimit, AtTheClose, 0, false],
    ['at-the-open and post-only', Limit, AtTheOpen, Instruction.PostOnly, false],
    ['at-the-close and min-quantity', Market, AtTheClose, 0, true],
    ['limit and trigger-now', Limit, GoodTillCancel, TriggerNow, false],
    ['market and trigger-now', Market, TimeInForce.Market, TriggerNow, false],
    ['stop and trail-ppm', Stop, GoodTillCancel, TrailPpm, false],
    ['limit and trail-ppm', Limit, GoodTillCancel, TrailPpm, false],
    ['trailing-stop and post-only', TrailingStop, GoodTillCancel, 1, false],
    ['iceberg and pegged', Limit, GoodTillCancel, PegPrimary, false, true],
    ['hidden and pegged', Limit, GoodTillCancel, PegMarket | Hidden, false],
    ['ioc and pegged', Limit, ImmediateOrCancel, PegPrimary, false],
    ['stop-limit and pegged', StopLimit, GoodTillCancel, PegPrimary, false],
    ['limit and peg-towards', Limit, GoodTillCancel, PegTowards, false],
    ['trailing-stop-limit and trigger-now', TrailingStopLimit, GoodTillCancel, TriggerNow, false],
  ];
  for (const [pair, ...terms] of pairs) assert.equal(illegalPair(...terms), pair);
  // Every illegal combination is a pair.
  for (const { orderType, timeInForce, instructions, minQuantity, displayedQuantity } of combinations()) {
    if (orderType > TrailingStopLimit || timeInForce > AtTheClose || instructions === UNSUPPORTED) continue;
    const hasMinimum = minQuantity !== 0 && (instructions & PEGS) === 0;
    const terms = [orderType, timeInForce, instructions, hasMinimum, displayedQuantity !== 0] as const;
    if (orderKindOf(...terms) !== NO_KIND) continue;
    assert.match(illegalPair(...terms), /^[a-z-]+ and [a-z-]+$/);
  }
});

test('the client uses the same table', () => {
  const base = { symbol: 1, side: 'buy', quantity: 1 } as const;
  const legal: [Parameters<typeof orderTerms>[0], [number, number, number, boolean]][] = [
    [{ ...base }, [Market, TimeInForce.Market, 0, false]],
    [{ ...base, timeInForce: 'market' }, [Market, TimeInForce.Market, 0, false]],
    [{ ...base, type: 'market', timeInForce: 'ioc' }, [Market, ImmediateOrCancel, 0, false]],
    [{ ...base, type: 'market', timeInForce: 'fok' }, [Market, FillOrKill, 0, true]],
    [{ ...base, minQuantity: 1 }, [Market, TimeInForce.Market, 0, true]],
    [{ ...base, price: 1 }, [Limit, GoodTillCancel, 0, false]],
    [{ ...base, price: 1, timeInForce: 'post-only' }, [Limit, TimeInForce.PostOnly, 0, false]],
    [{ ...base, price: 1, postOnly: true }, [Limit, GoodTillCancel, Instruction.PostOnly, false]],
    [{ ...base, price: 1, timeInForce: 'ioc', minQuantity: 1 }, [Limit, ImmediateOrCancel, 0, true]],
    [{ ...base, price: 1, timeInForce: 'day' }, [Limit, Day, 0, false]],
    [{ ...base, price: 1, timeInForce: 'at-the-open' }, [Limit, AtTheOpen, 0, true]],
    [{ ...base, type: 'market', timeInForce: 'at-the-close' }, [Market, AtTheClose, 0, true]],
    [{ ...base, price: 1, timeInForce: 'post-only', reprice: true }, [Limit, TimeInForce.PostOnly, Reprice, true]],
    [{ ...base, price: 1, timeInForce: 'day', postOnly: true, reprice: true }, [Limit, Day, 1 | Reprice, true]],
    [{ ...base, stopPrice: 5 }, [Stop, GoodTillCancel, 0, true]],
    [
      { ...base, stopPrice: 5, price: 4, postOnly: true, triggerNow: true },
      [StopLimit, GoodTillCancel, Instruction.PostOnly | TriggerNow, true],
    ],
    [{ ...base, type: 'stop', stopPrice: 5, timeInForce: 'fok' }, [Stop, FillOrKill, 0, true]],
    [{ ...base, price: 1, timeInForce: 'day', postOnly: true }, [Limit, Day, Instruction.PostOnly, true]],
  ];
  for (const [order, [orderType, timeInForce, instructions, long]] of legal)
    assert.deepEqual(orderTerms(order), { orderType, timeInForce, instructions, trigger: 0, expiryUs: 0, selfTradeMode: 0, long });
  const expires = new Date('2026-12-24T12:00:00Z');
  const until = {
    orderType: Limit,
    timeInForce: GoodTillDate,
    instructions: 0,
    trigger: 0,
    expiryUs: expires.getTime() * 1000,
    selfTradeMode: 0,
    long: true,
  };
  assert.deepEqual(orderTerms({ ...base, price: 1, expires }), until);
  assert.deepEqual(orderTerms({ ...base, price: 1, timeInForce: 'gtd', expires: until.expiryUs }), until);
  assert.deepEqual(orderTerms({ ...base, price: 1, selfTrade: 'cancel-oldest' }).selfTradeMode, SelfTradeMode.CancelOldest);
  assert.equal(orderTerms({ ...base, price: 1, selfTrade: 'none' }).long, true);
  assert.equal(orderTerms({ ...base, price: 1, selfTrade: 'default' }).long, false);
  assert.equal(orderTerms({ ...base, stopPrice: 5, trigger: 'reference' }).trigger, 1);
  const wrong: [Parameters<typeof orderTerms>[0], string, RegExp][] = [
    [{ ...base, type: 'stop' }, 'BAD_RANGE', /^a stop order needs a stopPrice$/],
    [{ ...base, type: 'stop-limit', stopPrice: 5 }, 'BAD_RANGE', /^a stop-limit order needs a price$/],
    [{ ...base, type: 'stop', stopPrice: 5, price: 5 }, 'BAD_RANGE', /^a stop order has no price$/],
    [{ ...base, type: 'limit', stopPrice: 5, price: 5 }, 'BAD_RANGE', /^a stopPrice is for stop and stop-limit orders, not limit$/],
    [{ ...base, price: 5, trigger: 'reference' }, 'BAD_RANGE', /^a trigger is for stop/],
    [{ ...base, stopPrice: 5, trigger: 'mark' as 'last' }, 'BAD_ENUM', /there is no trigger mark/],
    [{ ...base, price: 5, triggerNow: true }, 'ILLEGAL_COMBINATION', /^limit and trigger-now /],
    [{ ...base, timeInForce: 'at-the-open' }, 'BAD_RANGE', /needs a price/],
    [{ ...base, price: 5, reprice: true }, 'ILLEGAL_COMBINATION', /^limit and reprice /],
    [{ ...base, price: 5, timeInForce: 'all-or-none' as 'gtc' }, 'BAD_ENUM', /with time in force all-or-none/],
    [{ ...base, stopPrice: 5, postOnly: true }, 'ILLEGAL_COMBINATION', /^stop and post-only /],
    [{ ...base, timeInForce: 'fok' }, 'BAD_RANGE', /^a limit fok order needs a price$/],
    [{ ...base, timeInForce: 'market', price: 1 }, 'BAD_RANGE', /^a market ioc order has no price$/],
    [{ ...base, postOnly: true }, 'BAD_RANGE', /needs a price/],
    [{ ...base, type: 'market', timeInForce: 'gtc' }, 'ILLEGAL_COMBINATION', /^market and gtc cannot be combined/],
    [{ ...base, price: 1, minQuantity: 1 }, 'ILLEGAL_COMBINATION', /^gtc and min-quantity /],
    [{ ...base, price: 1, timeInForce: 'ioc', postOnly: true }, 'ILLEGAL_COMBINATION', /^ioc and post-only /],
    [{ ...base, type: 'trailing' as 'limit', price: 1 }, 'BAD_ENUM', /order type trailing/],
    [{ ...base, timeInForce: 'fortnight' as 'gtc', price: 1 }, 'BAD_ENUM', /time in force fortnight/],
    [{ ...base, price: 1, selfTrade: 'oldest' as 'none' }, 'BAD_ENUM', /no self-trade mode oldest/],
    [{ ...base, timeInForce: 'gtd', price: 1 }, 'BAD_RANGE', /gtd needs expires/],
    [{ ...base, timeInForce: 'day', price: 1, expires }, 'BAD_RANGE', /for time in force gtd, not day/],
    [{ ...base, price: 1, expires: 1.5 }, 'BAD_RANGE', /microseconds since 1970, not 1.5/],
    [{ ...base, timeInForce: 'day', type: 'market' }, 'ILLEGAL_COMBINATION', /^market and day /],
  ];
  for (const [order, code, message] of wrong) assert.throws(() => orderTerms(order), { code, message }, JSON.stringify(order));
});

test('docs/ORDER-ENTRY.md contains the table', () => {
  const text = readFileSync(new URL('../docs/ORDER-ENTRY.md', import.meta.url), 'utf8');
  const types = ['Limit', 'Market'];
  const times = {
    [GoodTillCancel]: 'GoodTillCancel',
    [ImmediateOrCancel]: 'ImmediateOrCancel',
    [FillOrKill]: 'FillOrKill',
    [AtTheOpen]: 'AtTheOpen',
  };
  const shorts = ['GoodTillCancel', 'ImmediateOrCancel', 'FillOrKill', 'Market', 'PostOnly'];
  for (const row of ORDER_KINDS) {
    const { instructions } = row;
    const terms = [
      (instructions & PEGS) === 0 ? '' : 'pegged',
      (instructions & Instruction.PostOnly) === 0 ? '' : 'PostOnly',
      (instructions & Reprice) === 0 ? '' : 'Reprice',
      row.minQuantity ? 'minimum quantity' : '',
    ].filter((term) => term !== '');
    const cells = [
      types[row.orderType],
      times[row.timeInForce as keyof typeof times],
      terms.join(', ') || '–',
      shorts[row.kind] === undefined ? '– (long)' : `\`${shorts[row.kind]}\``,
      row.needsPrice ? 'yes' : 'no',
      row.rests ? 'rests' : 'is cancelled',
      row.phases.includes(Phase.Auction) ? 'continuous, auction' : 'continuous',
    ];
    assert.ok(text.includes(`| ${cells.join(' | ')} |\n`), `| ${cells.join(' | ')} |`);
  }
});

test('docs/ORDER-ENTRY.md contains which terms exclude which', () => {
  const text = readFileSync(new URL('../docs/ORDER-ENTRY.md', import.meta.url), 'utf8');
  assert.ok(text.includes(`| | ${TERMS.join(' | ')} |\n`), `| | ${TERMS.join(' | ')} |`);
  for (const term of TERMS) {
    const cells = TERMS.map((other) => (term === other ? '' : canCombine(term, other) ? 'yes' : '–'));
    // Of one order type and one time in force, an order has one.
    const groups = [TERMS.slice(0, 6), TERMS.slice(6, 13)];
    for (const group of groups) for (const other of group) if (group.includes(term)) cells[TERMS.indexOf(other)] = '';
    assert.ok(text.includes(`| ${term} | ${cells.join(' | ')} |\n`), `| ${term} | ${cells.join(' | ')} |`);
  }
});

test('the extension of an amend has a stop price or an offset, and nothing else', () => {
  const amend = (fields: ExtensionFields, price = 100, change?: (view: DataView) => void): string => {
    const batch = new CommandBatch(1);
    batch.amend(1, 7, 0, price, 5);
    const reader = new CommandFrameReader();
    assert.equal(reader.open(batch.bytes()), Code.OK);
    reader.copy(0, words, 1);
    encodeExtension(u8, words, 0, fields);
    u8[64 + Command.parameter] = CommandFlag.Extended;
    change?.(new DataView(words.buffer));
    return codeName(checkLongCommand(u8, words, 0, 1, 42));
  };
  assert.equal(amend({ stopPrice: 120 }), 'OK');
  assert.deepEqual([u8[64 + Command.parameter], words[16 + Command.account / 4]], [CommandFlag.Extended, 42]);
  assert.equal(amend({ stopPrice: 120 }, 0), 'OK');
  assert.equal(amend({}), 'BAD_RANGE');
  // The offset of a trailing stop.
  for (const legal of [{ minQuantity: 1 }, { stopPrice: 120, minQuantity: 1 }, { minQuantity: 999_999, instructions: TrailPpm }])
    assert.equal(amend(legal), 'OK', JSON.stringify(legal));
  for (const wrong of [
    { minQuantity: 2 ** 26 + 1 },
    { minQuantity: 1_000_000, instructions: TrailPpm },
    { stopPrice: 1, instructions: TrailPpm },
  ])
    assert.equal(amend(wrong), 'BAD_RANGE', JSON.stringify(wrong));
  for (const other of [
    { orderType: Stop },
    { instructions: 1 },
    { minQuantity: 1, instructions: 1 },
    { expiryUs: 2 ** 40 },
    { trigger: 1 },
  ])
    assert.equal(amend({ stopPrice: 120, ...other }), 'UNSUPPORTED_TERM', JSON.stringify(other));
  const tooHigh = (view: DataView): void => view.setBigUint64(CommandExtension.stopPrice, 2n ** 53n, true);
  assert.equal(amend({ stopPrice: 120 }, 100, tooHigh), 'BAD_RANGE');
});
