import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { auditBooks } from '../engine/book/book-audit.ts';
import { Code } from '../engine/codes.ts';
import { type Limits, RULES } from '../engine/limits.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { ROW_FIELDS, StateLoader, saveState, stateHash, tradingHash } from '../engine/machine/state-rows.ts';
import { SYMBOL_PARAM_DEFAULTS, SymbolParam } from '../engine/params.ts';
import { ControlBit } from '../engine/rules/control-bits.ts';
import { CommandKind, Instruction, LinkKind, OrderType, Phase, QuoteAction, Side, TimeInForce, Trigger } from '../engine/wire/layout.ts';
import { controlCommand, withLifts } from './support/control-flow.ts';
import { BTC, Harness, type LongCommandFields, listOf, type ReportFields, SMALL_LIMITS, SYMBOL, USD } from './support/exchange-fixture.ts';
import { times } from './support/long-runs.ts';
import { massCancelCommand } from './support/mass-cancel-flow.ts';
import { hashRows, NaiveExchange, type NaiveReport } from './support/naive-exchange.ts';
import { NaiveMirror } from './support/naive-mirror.ts';

const ACCOUNTS = 4;
/** Orders cross pages of 64 ticks at 64 and 128, so that both sides have two pages or three. */
const LIMITS: Limits = {
  ...SMALL_LIMITS,
  orders: 12,
  ordersPerAccount: 6,
  pages: 3,
  pagesPerAccount: 2,
  rememberedOrders: 16,
  rememberedOrdersPerAccount: 7,
};

const SHORT_TIMES = Object.values(TimeInForce).filter((timeInForce) => timeInForce <= TimeInForce.PostOnly);
/** Before the first command; each comes at least a millisecond after the one before it. */
const START_US = 1e12;
const DAY_US = 86_400_000_000;
/** From the time of the command, in microseconds. Several orders have the same end, which is the time of a command. */
const end = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -1, max: 30 }).map((n) => n * 1000) },
  { weight: 3, arbitrary: fc.constantFrom(1, 2_000_000, 20_000_000, 100_000_000) },
);

const price = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 90, max: 110 }) },
  { weight: 2, arbitrary: fc.constantFrom(20, 63, 64, 100, 127, 128, 200) },
);
const order = fc.record({
  kind: fc.constant(CommandKind.New),
  account: fc.integer({ min: 1, max: ACCOUNTS }),
  clientOrderId: fc.integer({ min: 1, max: 40 }),
  symbol: fc.constant(SYMBOL),
  side: fc.constantFrom(Side.Buy, Side.Sell),
  timeInForce: fc.oneof(
    { weight: 6, arbitrary: fc.constant(TimeInForce.GoodTillCancel) },
    { weight: 5, arbitrary: fc.constantFrom(...SHORT_TIMES) },
  ),
  price,
  quantity: fc.integer({ min: 1, max: 30 }),
  tag: fc.nat(9),
});
/** Orders that need an extension: market fill-or-kill, and a minimum quantity with or without a limit. */
const longOrder: fc.Arbitrary<LongCommandFields> = fc
  .record({ order, least: fc.integer({ min: 1, max: 30 }), how: fc.constantFrom('fok', 'limit', 'market') })
  .map(({ order: o, least, how }) => {
    const minQuantity = Math.min(least, o.quantity);
    if (how === 'fok') return { ...o, price: 0, timeInForce: TimeInForce.FillOrKill, extension: { orderType: OrderType.Market } };
    const timeInForce = TimeInForce.ImmediateOrCancel;
    if (how === 'limit') return { ...o, timeInForce, extension: { minQuantity } };
    return { ...o, price: 0, timeInForce, extension: { orderType: OrderType.Market, minQuantity } };
  });
/** Orders that expire: only from rules 4 on. */
const ending: fc.Arbitrary<LongCommandFields> = fc.record({ order, end, day: fc.boolean(), postOnly: fc.boolean() }).map((given) => {
  const instructions = given.postOnly ? Instruction.PostOnly : 0;
  if (!given.day) return { ...given.order, timeInForce: TimeInForce.GoodTillDate, extension: { expiryUs: given.end, instructions } };
  return { ...given.order, timeInForce: TimeInForce.Day, ...(given.postOnly && { extension: { instructions } }) };
});
/** Post-only orders that may be repriced: only from rules 5 on. */
const repriced: fc.Arbitrary<LongCommandFields> = fc
  .record({
    order,
    end,
    price: fc.oneof({ weight: 3, arbitrary: price }, { weight: 2, arbitrary: fc.constantFrom(1, 1, 2) }),
    timeInForce: fc.constantFrom(TimeInForce.PostOnly, TimeInForce.PostOnly, TimeInForce.Day, TimeInForce.GoodTillDate),
  })
  .map(({ order: o, end: expiry, timeInForce, ...given }) => ({
    ...o,
    ...given,
    timeInForce,
    extension: {
      instructions: Instruction.PostOnly | Instruction.Reprice,
      ...(timeInForce === TimeInForce.GoodTillDate && { expiryUs: expiry }),
    },
  }));
/** Orders at the open and at the close: only from rules 5 on. */
const atAuction: fc.Arbitrary<LongCommandFields> = fc
  .record({
    order,
    market: fc.boolean(),
    timeInForce: fc.constantFrom(TimeInForce.AtTheOpen, TimeInForce.AtTheClose, TimeInForce.AtTheClose),
  })
  .map(({ order: o, market, timeInForce }) => ({
    ...o,
    timeInForce,
    quantity: market ? Math.min(o.quantity, 6) : o.quantity,
    price: market ? 0 : o.price,
    extension: { orderType: market ? OrderType.Market : OrderType.Limit },
  }));
/** Fee tiers that a few fills reach, and the table of the symbol: only from rules 5 on. */
const feeTier: fc.Arbitrary<LongCommandFields> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant(CommandKind.SetFeeTier),
      symbol: fc.constant(USD),
      parameter: fc.constantFrom(1, 1, 1, 2, 9),
      tag: fc.constantFrom(1, 1, 2, 3),
      quantity: fc.constantFrom(0, 100, 500, 1000, 3000, 10_000),
      price: fc.constantFrom(0, 100, 5000, 20_000),
      side: fc.constantFrom(0, 1),
      clientOrderId: fc.constantFrom(0, 1000, 5000, 30_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(0, 1, 1, 1, 2, 3)
      .map((quantity) => ({ kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: SymbolParam.FeeTierTable, quantity })),
  },
);
/** Stops near the market: only from rules 5 on. */
const stop: fc.Arbitrary<LongCommandFields> = fc
  .record({
    order,
    end,
    stopPrice: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 92, max: 108 }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 64, 2 ** 21) },
    ),
    limited: fc.boolean(),
    timeInForce: fc.constantFrom(
      ...Object.values(TimeInForce).filter((t) => t <= TimeInForce.GoodTillDate && t !== TimeInForce.Market && t !== TimeInForce.PostOnly),
    ),
    postOnly: fc.boolean(),
    now: fc.constantFrom(0, 0, 0, Instruction.TriggerNow),
    trigger: fc.constantFrom(Trigger.LastTrade, Trigger.LastTrade, Trigger.ReferencePrice),
  })
  .filter(({ stopPrice }) => stopPrice !== 0)
  .map(({ order: o, end: expiry, stopPrice, limited, timeInForce, postOnly, now, trigger }) => {
    const rests = ![TimeInForce.ImmediateOrCancel, TimeInForce.FillOrKill].some((t) => t === timeInForce);
    const instructions = now | (postOnly && limited && rests ? Instruction.PostOnly : 0);
    const ends = timeInForce === TimeInForce.GoodTillDate && { expiryUs: expiry };
    const orderType = limited ? OrderType.StopLimit : OrderType.Stop;
    return { ...o, timeInForce, price: limited ? o.price : 0, extension: { orderType, stopPrice, trigger, instructions, ...ends } };
  });
/** Trailing stops near the market: only from rules 5 on. */
const trailing: fc.Arbitrary<LongCommandFields> = fc
  .record({
    stop,
    offset: fc.integer({ min: 1, max: 6 }),
    wide: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 200),
    ppm: fc.boolean(),
    activation: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 92, max: 108 }) }),
    distance: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ stop: { extension, ...of }, offset, wide, ppm, activation, distance }) => {
    const limited = extension?.orderType === OrderType.StopLimit;
    const instructions = ((extension?.instructions ?? 0) & Instruction.PostOnly) | (ppm ? Instruction.TrailPpm : 0);
    return {
      ...of,
      price: limited ? distance : 0,
      extension: {
        ...extension,
        orderType: limited ? OrderType.TrailingStopLimit : OrderType.TrailingStop,
        instructions,
        stopPrice: activation,
        minQuantity: ppm ? offset * 9_700 : offset + wide,
      },
    };
  });
/** Quotes near the market, some crossed, some of one side or none: only from rules 5 on. */
const quoteSide = fc.record({ price, quantity: fc.constantFrom(0, 0, 1, 2, 5, 9, 30, 30) });
const quote: fc.Arbitrary<LongCommandFields> = fc
  .record({
    account: fc.integer({ min: 1, max: ACCOUNTS }),
    bid: quoteSide,
    ask: quoteSide,
    crossed: fc.nat(9),
    tag: fc.nat(9),
    postOnly: fc.boolean(),
  })
  .chain((given) => fc.constantFrom(SYMBOL, SYMBOL, SYMBOL, SYMBOL, SYMBOL + 1).map((symbol) => ({ ...given, symbol })))
  .map(({ account, bid, ask, crossed, tag, postOnly, symbol }) => {
    const [low, high] = crossed === 0 ? [ask, bid] : bid.price < ask.price ? [bid, ask] : [ask, { ...bid, price: bid.price + 1 }];
    return {
      kind: CommandKind.Quote,
      ...{ account, symbol, tag, timeInForce: postOnly ? TimeInForce.PostOnly : TimeInForce.GoodTillCancel },
      ...{ price: low.quantity && low.price, quantity: low.quantity, clientOrderId: high.quantity && high.price, orderId: high.quantity },
    };
  });
/** Protections that few fills trigger, and resets. */
const protection: fc.Arbitrary<LongCommandFields> = fc
  .record({
    account: fc.integer({ min: 1, max: ACCOUNTS }),
    what: fc.constantFrom('fills', 'lots', 'net', 'net', 'all', 'off', 'reset', 'reset', 'reset'),
    most: fc.constantFrom(1, 2, 4, 15, 40),
    quantity: fc.constantFrom(1000, 5000, 100_000, 3_000_001, 60_000_000),
  })
  .map(({ account, what, most, quantity }) => {
    const base = { kind: CommandKind.Quote, account };
    if (what === 'reset' || what === 'off') return { ...base, side: what === 'off' ? QuoteAction.Protection : QuoteAction.Reset };
    const limit = (name: string): number => (what === name || what === 'all' ? most : 0);
    const limits = { clientOrderId: limit('fills'), orderId: limit('lots'), price: limit('net') };
    return { ...base, side: QuoteAction.Protection, ...limits, quantity };
  });
const stopAmend: fc.Arbitrary<LongCommandFields> = fc.record({
  kind: fc.constant(CommandKind.Amend),
  account: fc.integer({ min: 1, max: ACCOUNTS }),
  clientOrderId: fc.integer({ min: 1, max: 40 }),
  price: fc.oneof(fc.constant(0), price),
  quantity: fc.integer({ min: 1, max: 30 }),
  extension: fc.oneof(
    fc.record({ stopPrice: fc.integer({ min: 92, max: 108 }) }),
    fc.record({ minQuantity: fc.integer({ min: 1, max: 6 }), stopPrice: fc.constantFrom(0, 0, 97, 103) }),
    fc.record({ minQuantity: fc.constantFrom(9_700, 29_100), instructions: fc.constant(Instruction.TrailPpm) }),
  ),
});
/** Orders that display a part at a time: only from rules 5 on. */
const iceberg: fc.Arbitrary<LongCommandFields> = fc
  .record({
    of: fc.oneof<fc.MaybeWeightedArbitrary<LongCommandFields>[]>({ weight: 3, arbitrary: order }, ending),
    quantity: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(99, 150, 400)),
    displayedQuantity: fc.integer({ min: 1, max: 12 }),
  })
  .map(({ of, quantity, displayedQuantity }) => ({
    ...of,
    quantity,
    timeInForce: (of.timeInForce ?? 0) < TimeInForce.Day ? TimeInForce.GoodTillCancel : of.timeInForce,
    extension: { ...of.extension, displayedQuantity: Math.min(displayedQuantity, quantity) },
  }));
/** Orders that display nothing. */
const hidden: fc.Arbitrary<LongCommandFields> = fc
  .record({ of: fc.oneof<fc.MaybeWeightedArbitrary<LongCommandFields>[]>({ weight: 3, arbitrary: order }, ending), postOnly: fc.boolean() })
  .map(({ of, postOnly }) => ({
    ...of,
    timeInForce: (of.timeInForce ?? 0) < TimeInForce.Day ? TimeInForce.GoodTillCancel : of.timeInForce,
    extension: {
      ...of.extension,
      instructions: Instruction.Hidden | (postOnly ? Instruction.PostOnly : (of.extension?.instructions ?? 0)),
    },
  }));
const icebergAmend: fc.Arbitrary<LongCommandFields> = fc
  .record({ price, quantity: fc.integer({ min: 1, max: 60 }), displayedQuantity: fc.integer({ min: 1, max: 15 }), client: fc.nat(39) })
  .map(({ displayedQuantity, quantity, client, ...rest }) => ({
    kind: CommandKind.Amend,
    account: 1 + (client % ACCOUNTS),
    clientOrderId: client + 1,
    quantity,
    ...rest,
    extension: { displayedQuantity: Math.min(displayedQuantity, quantity) },
  }));
/** Of trailing stops: their price is a distance. */
const trailAmend = fc
  .record({ amend: stopAmend, price: fc.integer({ min: 0, max: 4 }) })
  .map(({ amend, price: distance }) => ({ ...amend, price: distance }));
/** Orders that prevent self-trades, or allow them where the account prevents them: only from rules 4 on. */
const guarded: fc.Arbitrary<LongCommandFields> = fc
  .record({
    of: fc.oneof<fc.MaybeWeightedArbitrary<LongCommandFields>[]>(
      { weight: 3, arbitrary: order },
      longOrder,
      ending,
      stop,
      repriced,
      atAuction,
      iceberg,
      hidden,
      trailing,
    ),
    selfTradeMode: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ of, selfTradeMode }) => ({
    ...of,
    ...(of.timeInForce === TimeInForce.Market && { price: 0 }),
    extension: { ...of.extension, selfTradeMode, ...(of.timeInForce === TimeInForce.Market && { orderType: OrderType.Market }) },
  }));
/** Two orders that fit together: only from rules 5 on. */
const linkable = fc.oneof<fc.MaybeWeightedArbitrary<LongCommandFields>[]>(
  {
    weight: 3,
    arbitrary: order.map((o) => ({
      ...o,
      timeInForce: o.timeInForce === TimeInForce.PostOnly ? o.timeInForce : TimeInForce.GoodTillCancel,
    })),
  },
  { weight: 1, arbitrary: ending },
  {
    weight: 3,
    arbitrary: stop
      .filter(({ timeInForce }) => timeInForce !== TimeInForce.ImmediateOrCancel && timeInForce !== TimeInForce.FillOrKill)
      .map((s) => ({ ...s, extension: { ...s.extension, instructions: (s.extension?.instructions ?? 0) & Instruction.PostOnly } })),
  },
);
const list: fc.Arbitrary<LongCommandFields> = fc
  .record({
    one: linkable,
    other: linkable,
    kind: fc.constantFrom(LinkKind.OneCancelsOther, LinkKind.OneUpdatesOther),
    selfTradeMode: fc.constantFrom(0, 0, 1, 2, 3, 4, 5),
    apart: fc.integer({ min: 1, max: 8 }),
  })
  .map(({ one, other, kind, selfTradeMode, apart }) => {
    const isLimit = (o: LongCommandFields): boolean => o.extension?.stopPrice === undefined;
    const limits = isLimit(one) && isLimit(other);
    const clientOrderId = (other.clientOrderId as number) + Number(other.clientOrderId === one.clientOrderId);
    const joined = { ...other, clientOrderId, account: one.account as number, extension: { ...other.extension, selfTradeMode } };
    if (kind === LinkKind.OneUpdatesOther && !limits)
      return listOf(kind, [one, { ...joined, side: one.side as number, quantity: one.quantity as number }]);
    if (!limits) return listOf(LinkKind.OneCancelsOther, [one, joined]);
    const [side, price] = one.side === Side.Buy ? [Side.Sell, (one.price as number) + apart] : [Side.Buy, (one.price as number) - apart];
    return listOf(LinkKind.OneCancelsOther, [one, { ...joined, side, price }]);
  });
/** The symbol that a cancel or an amend names: mostly the order's or none. */
const named = fc.constantFrom(0, 0, SYMBOL, SYMBOL, SYMBOL + 1);
const command: fc.Arbitrary<LongCommandFields> = fc.oneof(
  { weight: 2, arbitrary: longOrder },
  { weight: 3, arbitrary: ending },
  { weight: 5, arbitrary: guarded },
  { weight: 5, arbitrary: stop },
  { weight: 3, arbitrary: repriced },
  { weight: 2, arbitrary: feeTier },
  { weight: 5, arbitrary: atAuction },
  { weight: 6, arbitrary: list },
  { weight: 3, arbitrary: trailing },
  { weight: 2, arbitrary: stopAmend },
  { weight: 1, arbitrary: trailAmend },
  { weight: 8, arbitrary: quote },
  { weight: 2, arbitrary: protection },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant(CommandKind.Amend),
      account: fc.integer({ min: 1, max: ACCOUNTS }),
      orderId: fc.integer({ min: 1, max: 60 }),
      price,
      quantity: fc.integer({ min: 1, max: 30 }),
    }),
  },
  { weight: 6, arbitrary: iceberg },
  { weight: 6, arbitrary: hidden },
  { weight: 3, arbitrary: icebergAmend },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 95, max: 105 })
      .map((quantity) => ({ kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: SymbolParam.ReferencePrice, quantity })),
  },
  { weight: 1, arbitrary: fc.nat(2 ** 32 - 1).map((quantity) => ({ kind: CommandKind.Tick, quantity })) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant(CommandKind.SetSymbol),
      symbol: fc.constant(SYMBOL),
      parameter: fc.constantFrom(SymbolParam.StaticBandPpm, SymbolParam.DynamicBandPpm),
      quantity: fc.constantFrom(0, 30_000, 60_000),
    }),
  },
  { weight: 1, arbitrary: massCancelCommand(ACCOUNTS) },
  {
    weight: 1,
    arbitrary: end.map((quantity) => ({ kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: SymbolParam.SessionEnd, quantity })),
  },
  { weight: 12, arbitrary: order.map((o) => (o.timeInForce === TimeInForce.Market ? { ...o, price: 0 } : o)) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant(CommandKind.Cancel),
      symbol: named,
      account: fc.integer({ min: 1, max: ACCOUNTS }),
      clientOrderId: fc.integer({ min: 1, max: 40 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant(CommandKind.Cancel),
      symbol: named,
      account: fc.integer({ min: 1, max: ACCOUNTS }),
      orderId: fc.integer({ min: 1, max: 60 }),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant(CommandKind.Amend),
      symbol: named,
      account: fc.integer({ min: 1, max: ACCOUNTS }),
      clientOrderId: fc.integer({ min: 1, max: 40 }),
      price,
      quantity: fc.integer({ min: 1, max: 30 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(Phase.Auction, Phase.Continuous, Phase.Halted, Phase.Closed)
      .map((parameter) => ({ kind: CommandKind.SetPhase, symbol: SYMBOL, parameter })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant(CommandKind.SetPhase),
      symbol: fc.constant(SYMBOL),
      parameter: fc.constantFrom(Phase.Auction, Phase.Auction, Phase.Auction, Phase.Continuous, Phase.Halted),
      side: fc.integer({ min: 0, max: 5 }),
      quantity: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: CommandKind.Uncross, symbol: SYMBOL }) },
  {
    weight: 1,
    arbitrary: fc
      .record({
        parameter: fc.constantFrom(SymbolParam.MakerFeePpm, SymbolParam.TakerFeePpm),
        fee: fc.integer({ min: -30_000, max: 30_000 }),
      })
      .map(({ parameter, fee }) => ({
        kind: CommandKind.SetSymbol,
        symbol: SYMBOL,
        parameter,
        quantity: Math.abs(fee),
        side: Number(fee < 0),
      })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({
        account: fc.integer({ min: 1, max: ACCOUNTS }),
        symbol: named,
        orderId: fc.integer({ min: 1, max: 60 }),
        clientOrderId: fc.integer({ min: 1, max: 40 }),
        by: fc.constantFrom('account', 'symbol', 'order', 'client order'),
      })
      .map(({ account, symbol, orderId, clientOrderId, by }) => ({
        kind: CommandKind.CancelOrders,
        ...(by === 'symbol' ? { symbol: SYMBOL } : { symbol }),
        ...((by === 'account' || by === 'client order') && { account }),
        ...(by === 'order' && { orderId }),
        ...(by === 'client order' && { clientOrderId }),
      })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant(CommandKind.Deposit),
      account: fc.integer({ min: 1, max: ACCOUNTS }),
      symbol: fc.constantFrom(USD, BTC),
      quantity: fc.integer({ min: 1, max: 500 }),
    }),
  },
);

/** An iceberg that displays a further part behind a later order, and an auction with both. */
const icebergAuction: fc.Arbitrary<LongCommandFields[]> = fc
  .record({
    side: fc.constantFrom(Side.Buy, Side.Sell),
    accounts: fc.shuffledSubarray([1, 2, 3, 4], { minLength: 3 }),
    clientOrderId: fc.integer({ min: 41, max: 2000 }),
    display: fc.integer({ min: 2, max: 4 }),
    hides: fc.boolean(),
    more: fc.integer({ min: 1, max: 30 }),
  })
  .map(({ side, accounts, clientOrderId, display, more, hides }) => {
    const phase = (parameter: number) => ({ kind: CommandKind.SetPhase, symbol: SYMBOL, parameter });
    const at = (account: number, own: boolean, quantity: number, extension?: LongCommandFields['extension']): LongCommandFields => ({
      ...{ kind: CommandKind.New, symbol: SYMBOL, account, clientOrderId: clientOrderId + quantity, side: own ? side : 1 - side },
      ...{ price: 100, quantity, ...(extension && { extension }) },
    });
    const [first, second, third = first] = accounts;
    return [
      phase(Phase.Continuous),
      at(first, true, 20, { displayedQuantity: display }),
      at(second, true, 5),
      ...(hides ? [at(second, true, 6, { instructions: Instruction.Hidden }), at(first, true, 7)] : []),
      at(third, false, display),
      phase(Phase.Auction),
      at(third, false, 30 + more),
      { kind: CommandKind.Uncross, symbol: SYMBOL },
      phase(Phase.Continuous),
    ];
  });

/** Commands of traders and of the operator, the latter with controls of accounts. */
function commandsWith(weight: number): fc.Arbitrary<LongCommandFields> {
  return fc.oneof({ weight: 40, arbitrary: command }, { weight, arbitrary: controlCommand(ACCOUNTS) });
}

/** @param controls weight of commands that control accounts; the others together have 40. Commands of which some repeat an earlier one. Half of the amends are of one of the last new orders, which often rest. */
function flow(minLength: number, maxLength: number, controls: number): fc.Arbitrary<LongCommandFields[]> {
  const repeats = fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(30) });
  const aims = fc.option(fc.nat(11));
  const waits = fc.oneof(
    { weight: 60, arbitrary: fc.constantFrom(0, 0, 0, 0, 0, 700, 1_999, 40_000, 3_000_000, 16_000_000) },
    { weight: 1, arbitrary: fc.constantFrom(DAY_US, DAY_US, 3 * DAY_US, 31 * DAY_US) },
  );
  const episodes = fc.oneof({ weight: 60, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: icebergAuction });
  return fc.array(fc.tuple(commandsWith(controls), repeats, aims, waits, episodes), { minLength, maxLength, size: 'max' }).map((steps) => {
    const commands: LongCommandFields[] = [];
    const news: LongCommandFields[] = [];
    for (const [fresh, back, aim, waitUs, episode] of steps) {
      const named =
        fresh.extension === undefined
          ? news
          : news.filter(({ extension }) => extension !== undefined && Object.keys(fresh.extension ?? {}).some((term) => term in extension));
      const target = fresh.kind === CommandKind.Amend && aim !== null ? named.at(-1 - aim) : undefined;
      const aimed = target ? { ...fresh, account: target.account, clientOrderId: target.clientOrderId } : fresh;
      const next = (back !== undefined && commands[commands.length - 1 - back]) || aimed;
      if (next.kind === CommandKind.New) news.push(next);
      commands.push({ ...next, waitUs });
      commands.push(...episode);
    }
    return stamped(withLifts(commands));
  });
}

/** With their times; ends from the time of the first command that has one. A command that is sent again has the same end. */
function stamped(commands: readonly LongCommandFields[]): LongCommandFields[] {
  const ends = new Map<object, object>();
  const endsFrom = (fields: LongCommandFields, fromUs: number): LongCommandFields => {
    const { extension } = fields;
    if (!extension?.expiryUs) return fields;
    if (!ends.has(extension)) ends.set(extension, { ...extension, expiryUs: fromUs + extension.expiryUs });
    return { ...fields, extension: ends.get(extension) as typeof extension };
  };
  let timeUs = START_US;
  return commands.map((fields) => {
    timeUs += 1000 + (fields.waitUs ?? 0);
    if (fields.legs !== undefined) return { ...fields, timeUs, legs: fields.legs.map((leg) => endsFrom(leg, timeUs)) };
    const { kind, parameter, quantity = 0 } = fields;
    if (kind === CommandKind.SetSymbol && parameter === SymbolParam.SessionEnd) return { ...fields, timeUs, quantity: timeUs + quantity };
    return { ...endsFrom(fields, timeUs), timeUs };
  });
}

const setup = fc.record({
  taker: fc.constantFrom(0, 2500, 10_007),
  maker: fc.constantFrom(-2500, 0, 1000, 20_000),
  band: fc.constantFrom(0, 80_000),
  /** Volatility bands. */
  fixed: fc.constantFrom(0, 0, 0, 60_000),
  moving: fc.constantFrom(0, 0, 0, 20_000, 40_000),
  wide: fc.constantFrom(0, 30_000, 60_000),
  random: fc.constantFrom(0, 0, 4_000_000),
  profile: fc.constantFrom(0, 1),
  usd: fc.constantFrom(3000, 1_000_000),
  /** Level pages in all, and of one account. */
  pages: fc.constantFrom(3, 5),
  pagesPerAccount: fc.constantFrom(1, 2),
  btc: fc.constantFrom(20, 100_000),
  /** Orders that mass cancels cancel with one command at most. */
  perCommand: fc.constantFrom(1, 1, 2, 100),
  /** Orders that they sort with one command at most. */
  sortedPerCommand: fc.constantFrom(1, 2, 100, 100),
});

interface Setup {
  taker: number;
  maker: number;
  band: number;
  fixed: number;
  moving: number;
  wide: number;
  random: number;
  profile: number;
  usd: number;
  pages: number;
  pagesPerAccount: number;
  btc: number;
  perCommand: number;
  sortedPerCommand: number;
}

function pair(
  { taker, maker, band, fixed, moving, wide, random, profile, usd, btc, perCommand, sortedPerCommand, ...pages }: Setup,
  rules = RULES,
): { real: Harness; naive: NaiveExchange } {
  const limits = { ...LIMITS, ...pages };
  const makerFee = Math.max(maker, 0 - taker);
  const volatility = {
    StaticBandPpm: fixed,
    DynamicBandPpm: moving,
    VolatilityUs: 5_000_000,
    WideBandPpm: wide,
    VolatilityRandomUs: random,
    VolatilityProfile: profile,
  };
  const bands = rules < 5 ? {} : volatility;
  const real = new Harness(limits, rules).setUp(
    ACCOUNTS,
    { TakerFeePpm: taker, MakerFeePpm: makerFee, PriceBandPpm: band, ReferencePrice: 100, ...bands },
    { usd, btc },
  );
  const params = [...SYMBOL_PARAM_DEFAULTS];
  params[SymbolParam.TakerFeePpm] = taker;
  params[SymbolParam.MakerFeePpm] = makerFee;
  params[SymbolParam.PriceBandPpm] = band;
  params[SymbolParam.ReferencePrice] = 100;
  if (rules >= 5) for (const [name, value] of Object.entries(volatility)) params[SymbolParam[name as keyof typeof volatility]] = value;
  const naive = new NaiveExchange(params, limits, rules);
  for (const { massCancels } of [real.exchange, naive]) Object.assign(massCancels, { perCommand, sortedPerCommand });
  naive.phase = Phase.Continuous;
  naive.controls.nowUs = real.exchange.timeUs;
  naive.reportNo.set(0, real.exchange.accounts.reportNo[0]);
  for (let account = 1; account <= ACCOUNTS; account++) {
    naive.accounts.push(account);
    naive.pay(account, USD, usd);
    naive.pay(account, BTC, btc);
  }
  return { real, naive };
}

function comparable(r: ReportFields): NaiveReport {
  const {
    kind,
    flags,
    code,
    account,
    clientOrderId,
    orderId,
    price,
    quantity,
    leaves,
    filled,
    fee,
    tradeId,
    contraOrderId,
    retryUs,
    stopPrice,
    trigger,
    reportNo,
  } = r;
  const contra = account === 0 ? 0 : contraOrderId;
  return {
    kind,
    flags,
    code,
    account,
    clientOrderId,
    orderId,
    price,
    quantity,
    leaves,
    filled,
    fee,
    tradeId,
    contraOrderId: contra,
    retryUs,
    stopPrice,
    trigger,
    reportNo,
  };
}

/** The same rows as NaiveExchange.hash, read from the real one's canonical state; without the hashes of terms. */
function realHash({ exchange }: Harness): string {
  const { accounts, symbols, slab, clientOrderIds: ids, books } = exchange;
  const rows: number[][] = [];
  for (let account = 1; account <= ACCOUNTS; account++) {
    rows.push([6, account, accounts.reportNo[account], accounts.forgottenId[account], accounts.controls[account] & ControlBit.Suspended]);
    for (const asset of [USD, BTC]) {
      const at = account * accounts.assets + asset;
      rows.push([7, account, asset, accounts.available[at], accounts.reserved[at]]);
    }
  }
  rows.push([3, symbols.phase[SYMBOL], symbols.lastPrice[SYMBOL], symbols.tradeId[SYMBOL], accounts.fees[USD], exchange.lastOrderId]);
  saveState(exchange, (chunk, count) => {
    for (let i = 0; i < count; i++) {
      const row = [...chunk.subarray(i * ROW_FIELDS, (i + 1) * ROW_FIELDS)];
      if (row[0] === 8 || row[0] === 9) {
        assert.equal(row[11] !== 0, exchange.rules >= 3 && row[2] !== 0, 'the hash of the terms');
        row[11] = 0;
      } else if (row[0] === 23) row[10] = 0;
      else if (row[0] === 39) row[10] = 0;
      else if (row[0] < 15 || row[0] === 24) continue;
      rows.push(row);
    }
  });
  assert.equal(slab.count, rows.filter((row) => row[0] === 8 || row[0] === 23 || row[0] === 39).length);
  assert.equal([...ids.remembered()].length, rows.filter((row) => row[0] === 9).length);
  assert.ok(books[SYMBOL]);
  return hashRows(rows);
}

function copyOf(exchange: Exchange, factor = 1): Exchange {
  const { limits } = exchange;
  const copy = new Exchange({ ...limits, accounts: limits.accounts * factor, symbols: limits.symbols * factor });
  const loader = new StateLoader(copy);
  saveState(exchange, (rows, count) => loader.load(rows, count));
  const { perCommand, sortedPerCommand } = exchange.massCancels;
  Object.assign(copy.massCancels, { perCommand, sortedPerCommand });
  return copy;
}

/** kind/code/flags of reports that a generator may miss; `/stop` after those of a pending stop that ended. */
const RARE = [
  '3/0/8',
  '5/0/4',
  '5/0/0',
  '1/0/2',
  '2/402/0',
  '2/403/0',
  '2/404/0',
  '2/405/0',
  '2/407/0',
  '2/204/0',
  '4/205/0',
  '4/406/0',
  '7/205/0',
  '7/406/0',
  '2/409/0',
  '2/408/0',
  '2/203/0',
  '2/311/0',
  '2/303/0',
  '7/203/0',
  '2/506/0',
  '4/452/0',
  '4/453/0',
  '4/454/0',
  '4/466/0',
  'interrupted',
  'extended',
  'random end',
  'pause after a limit state',
  'cascade interrupted',
  '5/454/0',
  '5/454/4',
  '3/0/24',
  '4/459/0',
  '4/459/0/stop',
  '9/0/0',
  '9/300/0',
  '10/0/0',
  '9/457/0',
  '9/456/0',
  '4/456/0',
  '4/456/0/stop',
  '4/457/0',
  '4/457/0/stop',
  '2/312/0',
  '2/410/0',
  '2/401/0',
  '2/505/0',
  '8/0/0',
  '2/416/0',
  '2/417/0',
  '7/416/0',
  'trail activated',
  'trail in one group',
  'trail stands',
  '2/411/0',
  '4/463/0',
  '5/463/4',
  '2/424/0',
  '7/426/0',
  '7/411/0',
  '7/413/0',
  '2/500/0',
  '2/418/0',
  '2/420/0',
  '2/421/0',
  'quote 2/203/0',
  'quote 2/311/0',
  'quote 2/402/0',
  'quote 3/0/0',
  'quote 3/0/1',
  'quote 3/0/8',
  'quote 4/450/0',
  'quote 4/452/0',
  'quote 5/0/0',
  'quote 5/0/4',
  '7/423/0',
  '2/313/0',
  '4/460/0',
  '7/303/0',
  '2/422/0',
  '4/461/0',
  '2/419/0',
  '7/419/0',
  'iceberg refreshed',
  'iceberg decremented',
  'iceberg total amended, place kept',
  'iceberg display amended, place kept',
  'iceberg display amended, place lost',
  'refreshed iceberg first in an auction',
  'hidden order before a displayed one in an auction',
  'hidden order traded',
  'hidden order behind an iceberg',
  'own hidden order prevented',
];

const OF_RULES_5: ReadonlySet<number | undefined> = new Set([
  CommandKind.MassCancel,
  CommandKind.SetFeeTier,
  CommandKind.Quote,
  CommandKind.CancelAfter,
  CommandKind.CancelOnDisconnect,
  CommandKind.CancelGroup,
]);

/** The rules from which on builds have such a command. */
function rulesOf({ kind, timeInForce = 0, extension, legs, parameter }: LongCommandFields): number {
  if (OF_RULES_5.has(kind) || legs !== undefined || extension?.displayedQuantity !== undefined) return 5;
  if (((extension?.instructions ?? 0) & (Instruction.Reprice | Instruction.Hidden)) !== 0) return 5;
  if (kind === CommandKind.SetSymbol && parameter === SymbolParam.FeeTierTable) return 5;
  if (timeInForce >= TimeInForce.AtTheOpen) return 5;
  if (kind === CommandKind.Tick || extension?.selfTradeMode !== undefined || extension?.stopPrice !== undefined) return 4;
  return kind === CommandKind.New && timeInForce > TimeInForce.PostOnly ? 4 : 1;
}

/** A mass cancel of a group that later commands continue. */
const GROUP_GOES_ON = 'a group is cancelled by several commands';
/** The same with controls of accounts. */
const RARE_CONTROLLED = [
  ...['quote 2/201/0', 'quote 2/206/0'],
  '2/201/0',
  '2/206/0',
  '7/206/0',
  '2/208/0',
  '7/208/0',
  '2/209/0',
  '7/209/0',
  '2/210/0',
  '4/455/0',
  '4/458/0',
  GROUP_GOES_ON,
];

/** Both exchanges give the same reports and state hash, conserve money and never stay crossed. @param seen receives kind/code/flags of the reports */
function compare(given: Setup, commands: readonly LongCommandFields[], rules: number, seen: Set<string>): void {
  const { real, naive } = pair(given, rules);
  const market = new NaiveMirror();
  for (const fields of commands) {
    if (rules < rulesOf(fields)) continue;
    const { reports, events } = real.do(fields);
    const got = reports.map(comparable);
    market.apply(events);
    const want = naive.do(fields);
    assert.deepEqual(got, want);
    for (const r of got) {
      seen.add(`${r.kind}/${r.code}/${r.flags}${r.code === Code.OK || r.stopPrice === 0 ? '' : '/stop'}`);
      if (r.clientOrderId === 0 && r.account !== 0) seen.add(`quote ${r.kind}/${r.code}/${r.flags}`);
    }
    if (fields.kind === CommandKind.CancelGroup && got.some((r) => r.account === 0 && r.leaves > 0)) seen.add(GROUP_GOES_ON);
    for (const state of naive.stops.states()) seen.add(state);
    for (const asset of [USD, BTC]) assert.equal(real.exchange.accounts.imbalance(asset), 0);
    const book = real.exchange.books[SYMBOL];
    assert.ok(book);
    if (naive.phase === Phase.Continuous && book.bestAsk() !== 0) assert.ok(book.bestBid() < book.bestAsk(), 'crossed book');
  }
  for (const state of naive.volatility.reached) seen.add(state);
  assert.equal(realHash(real), naive.hash());
  // Market data has market orders of an auction in order of arrival at the price that they have there.
  const asSets = naive.resting.some((o) => o.market);
  for (const side of [Side.Buy, Side.Sell]) {
    const [got, want] = [market.shown(side), naive.shown(side)];
    for (const orders of asSets ? [got, want] : []) orders.sort(([a], [b]) => a - b);
    assert.deepEqual(got, want, 'what market data shows');
  }
  for (const state of naive.seen) seen.add(state);
  const book = real.exchange.books[SYMBOL];
  const { slab, pages, stops, waiting } = real.exchange;
  if (book) auditBooks(slab, pages, [book], () => naive.phase !== Phase.Continuous, stops.books, waiting.slots());
}

describe('the exchange against its naive twin', () => {
  for (const [name, controls, rare] of [
    ['', 0, RARE],
    [', with controls of accounts', 6, RARE_CONTROLLED],
  ] as const) {
    it(`gives the same reports and state hash, conserves money and never stays crossed${name}`, () => {
      const seen = new Set<string>();
      const same = fc.property(setup, flow(1, 250, controls), (given, commands) => compare(given, commands, RULES, seen));
      const numRuns = times(100, 250);
      fc.assert(same, { numRuns });
      // The flow reaches the rare cases; if a seed does not, further seeds do.
      const missing = (): string[] => rare.filter((each) => !seen.has(each));
      for (let round = 0; missing().length > 0 && round < times(20, 8); round++) fc.assert(same, { numRuns });
      assert.deepEqual(missing(), [], `never happened; what did: ${[...seen].sort().join(' ')}`);
    });
  }

  for (const rules of [2, 3, 4]) {
    it(`under rules ${rules}, too`, () => {
      fc.assert(
        fc.property(setup, flow(1, 250, 1), (given, commands) => compare(given, commands, rules, new Set())),
        { numRuns: times(30, 60) },
      );
    });
  }

  it('saved and loaded state is identical, also with other capacities, and continues identically', () => {
    fc.assert(
      fc.property(setup, flow(70, 200, 3), (given, commands) => {
        const half = Math.floor(commands.length * 0.7);
        const [first, second] = [commands.slice(0, half), commands.slice(half)];
        const { real } = pair(given);
        for (const fields of first) real.do(fields);
        let copy = copyOf(real.exchange, 2);
        assert.equal(stateHash(copy), stateHash(real.exchange));
        copy.timeUs++;
        assert.notEqual(stateHash(copy), stateHash(real.exchange));
        assert.equal(tradingHash(copy), tradingHash(real.exchange));
        copy.timeUs--;
        real.onRecord = (bytes, words) => {
          copy.apply(bytes, words, 0);
          // The state is also saved and loaded between the records of a command.
          if (bytes[0] === CommandKind.Extension || copy.seq % 3 === 0) copy = copyOf(copy);
        };
        for (const fields of second) real.do(fields);
        assert.equal(stateHash(copy), stateHash(real.exchange));
      }),
      { numRuns: times(20, 40) },
    );
  });
});
