import fc from 'fast-check';
import { AccountParam, SymbolParam } from '../../engine/params.ts';
import { CommandKind, Instruction, LinkKind, OrderType, QuoteAction, Side, TimeInForce, Trigger } from '../../engine/wire/layout.ts';
import { PegKind, pegInstructions } from '../../engine/wire/peg-terms.ts';
import { type LongCommandFields, listOf, SYMBOL, USD } from './exchange-fixture.ts';

export const ACCOUNTS = 4;
const SHORT_TIMES = Object.values(TimeInForce).filter((timeInForce) => timeInForce <= TimeInForce.PostOnly);
/** Before the first command; each comes at least a millisecond after the one before it. */
export const START_US = 1e12;
export const DAY_US = 86_400_000_000;
/** From the time of the command, in microseconds. Several orders have the same end, which is the time of a command. */
export const end = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -1, max: 30 }).map((n) => n * 1000) },
  { weight: 3, arbitrary: fc.constantFrom(1, 2_000_000, 20_000_000, 100_000_000) },
);

export const price = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 90, max: 110 }) },
  { weight: 2, arbitrary: fc.constantFrom(20, 63, 64, 100, 127, 128, 200) },
);
export const order = fc.record({
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
export const longOrder: fc.Arbitrary<LongCommandFields> = fc
  .record({ order, least: fc.integer({ min: 1, max: 30 }), how: fc.constantFrom('fok', 'limit', 'market') })
  .map(({ order: o, least, how }) => {
    const minQuantity = Math.min(least, o.quantity);
    if (how === 'fok') return { ...o, price: 0, timeInForce: TimeInForce.FillOrKill, extension: { orderType: OrderType.Market } };
    const timeInForce = TimeInForce.ImmediateOrCancel;
    if (how === 'limit') return { ...o, timeInForce, extension: { minQuantity } };
    return { ...o, price: 0, timeInForce, extension: { orderType: OrderType.Market, minQuantity } };
  });
/** Orders that expire: only from rules 4 on. */
export const ending: fc.Arbitrary<LongCommandFields> = fc.record({ order, end, day: fc.boolean(), postOnly: fc.boolean() }).map((given) => {
  const instructions = given.postOnly ? Instruction.PostOnly : 0;
  if (!given.day) return { ...given.order, timeInForce: TimeInForce.GoodTillDate, extension: { expiryUs: given.end, instructions } };
  return { ...given.order, timeInForce: TimeInForce.Day, ...(given.postOnly && { extension: { instructions } }) };
});
/** Post-only orders that may be repriced: only from rules 5 on. */
export const repriced: fc.Arbitrary<LongCommandFields> = fc
  .record({
    order,
    end,
    price: fc.oneof({ weight: 3, arbitrary: price }, { weight: 2, arbitrary: fc.constantFrom(1, 1, 2) }),
    timeInForce: fc.constantFrom(TimeInForce.PostOnly, TimeInForce.PostOnly, TimeInForce.Day, TimeInForce.GoodTillDate),
    shows: fc.constantFrom(0, 0, 0, 0, 1, 2, 5),
  })
  .map(({ order: o, end: expiry, timeInForce, shows, ...given }) => ({
    ...o,
    ...given,
    timeInForce,
    extension: {
      instructions: Instruction.PostOnly | Instruction.Reprice,
      ...(shows > 0 && { displayedQuantity: Math.min(shows, o.quantity) }),
      ...(timeInForce === TimeInForce.GoodTillDate && { expiryUs: expiry }),
    },
  }));
/** Orders at the open and at the close: only from rules 5 on. */
export const atAuction: fc.Arbitrary<LongCommandFields> = fc
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
export const feeTier: fc.Arbitrary<LongCommandFields> = fc.oneof(
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
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant(CommandKind.SetAccount),
      account: fc.integer({ min: 1, max: ACCOUNTS }),
      parameter: fc.constant(AccountParam.FeeTier),
      symbol: fc.constantFrom(1, 1, 1, 2, 9),
      quantity: fc.constantFrom(0, 1, 2, 2, 3),
    }),
  },
);
/** Stops near the market: only from rules 5 on. */
export const stop: fc.Arbitrary<LongCommandFields> = fc
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
export const trailing: fc.Arbitrary<LongCommandFields> = fc
  .record({
    stop,
    offset: fc.integer({ min: 1, max: 6 }),
    wide: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 200),
    ppm: fc.boolean(),
    activation: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 92, max: 108 }) }),
    distance: fc.integer({ min: 1, max: 4 }),
    reports: fc.constantFrom(0, 0, 0, Instruction.ReportTrail, Instruction.ReportTrail),
  })
  .map(({ stop: { extension, ...of }, offset, wide, ppm, activation, distance, reports }) => {
    const limited = extension?.orderType === OrderType.StopLimit;
    const instructions = ((extension?.instructions ?? 0) & Instruction.PostOnly) | (ppm ? Instruction.TrailPpm : 0) | reports;
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
export const quote: fc.Arbitrary<LongCommandFields> = fc
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
export const protection: fc.Arbitrary<LongCommandFields> = fc
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
export const stopAmend: fc.Arbitrary<LongCommandFields> = fc.record({
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
export const iceberg: fc.Arbitrary<LongCommandFields> = fc
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
export const hidden: fc.Arbitrary<LongCommandFields> = fc
  .record({ of: fc.oneof<fc.MaybeWeightedArbitrary<LongCommandFields>[]>({ weight: 3, arbitrary: order }, ending), postOnly: fc.boolean() })
  .map(({ of, postOnly }) => ({
    ...of,
    timeInForce: (of.timeInForce ?? 0) < TimeInForce.Day ? TimeInForce.GoodTillCancel : of.timeInForce,
    extension: {
      ...of.extension,
      instructions: Instruction.Hidden | (postOnly ? Instruction.PostOnly : (of.extension?.instructions ?? 0)),
    },
  }));
/** Stops that become icebergs or hidden orders: only from rules 6 on. */
export const stopIceberg: fc.Arbitrary<LongCommandFields> = fc
  .record({
    of: fc
      .oneof<fc.MaybeWeightedArbitrary<LongCommandFields>[]>({ weight: 2, arbitrary: stop }, trailing)
      .filter(
        ({ price: limit = 0, timeInForce = 0 }) =>
          limit > 0 && [TimeInForce.GoodTillCancel, TimeInForce.Day, TimeInForce.GoodTillDate].some((t) => t === timeInForce),
      ),
    displayedQuantity: fc.integer({ min: 1, max: 12 }),
    how: fc.constantFrom('hidden', 'shown', 'shown', 'repriced', 'shown repriced'),
  })
  .map(({ of, displayedQuantity, how }) => {
    const more = how === 'hidden' ? Instruction.Hidden : how.endsWith('repriced') ? Instruction.PostOnly | Instruction.Reprice : 0;
    const shown = how.startsWith('shown') && { displayedQuantity: Math.min(displayedQuantity, of.quantity ?? 0) };
    return { ...of, extension: { ...of.extension, ...shown, instructions: (of.extension?.instructions ?? 0) | more } };
  });
export const icebergAmend: fc.Arbitrary<LongCommandFields> = fc
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
export const trailAmend = fc
  .record({ amend: stopAmend, price: fc.integer({ min: 0, max: 4 }) })
  .map(({ amend, price: distance }) => ({ ...amend, price: distance }));
/** Pegged orders: only from rules 6 on. */
export const peg: fc.Arbitrary<LongCommandFields> = fc
  .record({
    of: fc.oneof<fc.MaybeWeightedArbitrary<LongCommandFields>[]>({ weight: 4, arbitrary: order }, ending),
    kind: fc.constantFrom(PegKind.Primary, PegKind.Market, PegKind.Midpoint),
    offset: fc.constantFrom(0, 0, 0, 1, 1, 1, 2, 4, 30, 99),
    towards: fc.constantFrom(0, 0, 0, Instruction.PegTowards),
    price: fc.oneof(price, fc.constantFrom(1, 104, 200)),
  })
  .map(({ of, kind, offset, towards, price: limit }) => {
    const timeInForce = (of.timeInForce ?? 0) < TimeInForce.Day ? TimeInForce.GoodTillCancel : of.timeInForce;
    const instructions = (of.extension?.instructions ?? 0) | pegInstructions(kind) | (offset === 0 ? 0 : towards);
    return { ...of, timeInForce, price: limit, extension: { ...of.extension, instructions, minQuantity: offset } };
  });
/** Orders that prevent self-trades, or allow them where the account prevents them: only from rules 4 on. */
export const guarded: fc.Arbitrary<LongCommandFields> = fc
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
      stopIceberg,
      peg,
    ),
    selfTradeMode: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ of, selfTradeMode }) => ({
    ...of,
    ...(of.timeInForce === TimeInForce.Market && { price: 0 }),
    extension: { ...of.extension, selfTradeMode, ...(of.timeInForce === TimeInForce.Market && { orderType: OrderType.Market }) },
  }));
/** Two orders that fit together: only from rules 5 on. */
const waitsInList = (o: LongCommandFields): boolean => {
  const { ImmediateOrCancel, FillOrKill } = TimeInForce;
  return o.timeInForce !== ImmediateOrCancel && o.timeInForce !== FillOrKill;
};
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
      .filter(waitsInList)
      .map((s) => ({ ...s, extension: { ...s.extension, instructions: (s.extension?.instructions ?? 0) & Instruction.PostOnly } })),
  },
  { weight: 2, arbitrary: trailing.filter(waitsInList) },
  {
    weight: 1,
    arbitrary: stopIceberg.map((s) => ({
      ...s,
      extension: { ...s.extension, instructions: (s.extension?.instructions ?? 0) & ~(Instruction.TriggerNow | Instruction.Reprice) },
    })),
  },
  { weight: 2, arbitrary: iceberg },
  { weight: 1, arbitrary: hidden },
);
export const list: fc.Arbitrary<LongCommandFields> = fc
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
    if (kind === LinkKind.OneUpdatesOther && !limits) return listOf(kind, [one, ofSize(joined, one)]);
    if (!limits) return listOf(LinkKind.OneCancelsOther, [one, joined]);
    const [side, price] = one.side === Side.Buy ? [Side.Sell, (one.price as number) + apart] : [Side.Buy, (one.price as number) - apart];
    return listOf(LinkKind.OneCancelsOther, [one, { ...joined, side, price }]);
  });
/** A parent, and one or two children: only from rules 6 on. */
export const family: fc.Arbitrary<LongCommandFields> = fc
  .record({
    parent: fc.oneof<fc.MaybeWeightedArbitrary<LongCommandFields>[]>({ weight: 6, arbitrary: order }, ending, longOrder, {
      weight: 3,
      arbitrary: stop,
    }),
    limit: linkable.filter(({ extension }) => extension?.stopPrice === undefined),
    stop: linkable.filter(({ extension }) => extension?.stopPrice !== undefined),
    how: fc.constantFrom('limit', 'limit', 'stop', 'bracket', 'bracket', 'bracket'),
    side: fc.constantFrom(0, 1, 1, 1),
    modes: fc.array(fc.constantFrom(0, 0, 1, 2, 3, 4, 5), { minLength: 2, maxLength: 2 }),
    apart: fc.integer({ min: 1, max: 8 }),
    below: fc.integer({ min: 1, max: 8 }),
  })
  .map(({ parent, limit, stop: stopOrder, how, side, modes, apart, below }) => {
    const { account, quantity, side: own = 0, clientOrderId = 0 } = parent;
    const isMarket = parent.timeInForce === TimeInForce.Market;
    const [parentMode, mode] = modes;
    const first = {
      ...parent,
      ...(isMarket && { price: 0 }),
      extension: { ...parent.extension, selfTradeMode: parentMode, ...(isMarket && { orderType: OrderType.Market }) },
    };
    const join = (o: LongCommandFields, n: number): LongCommandFields => {
      const sized = ofSize(o, { ...parent, side: how === 'bracket' || side === 1 ? 1 - own : own, quantity });
      const clientId = ((clientOrderId + n - 1) % 40) + 1;
      return { ...sized, account, clientOrderId: clientId, extension: { ...sized.extension, selfTradeMode: mode } };
    };
    if (how === 'limit') return listOf(LinkKind.OneTriggersOther, [first, join(limit, 1)]);
    if (how === 'stop') return listOf(LinkKind.OneTriggersOther, [first, join(stopOrder, 1)]);
    const sign = own === Side.Buy ? 1 : -1;
    const trails = (first.extension.orderType ?? 0) >= OrderType.TrailingStop;
    const middle = trails ? 100 : first.price || first.extension.stopPrice || 100;
    const profit = { ...join(limit, 1), price: middle + sign * apart };
    const loss = join(stopOrder, 2);
    if ((loss.extension?.orderType ?? 0) >= OrderType.TrailingStop) return listOf(LinkKind.Bracket, [first, profit, loss]);
    return listOf(LinkKind.Bracket, [first, profit, { ...loss, extension: { ...loss.extension, stopPrice: middle - sign * below } }]);
  });
/** With side and quantity of another order. */
function ofSize(o: LongCommandFields, { side = 0, quantity = 0 }: LongCommandFields): LongCommandFields {
  const displayed = o.extension?.displayedQuantity;
  const extension = { ...o.extension, ...(displayed !== undefined && { displayedQuantity: Math.min(displayed, quantity) }) };
  return { ...o, side, quantity, extension };
}
/** The symbol that a cancel or an amend names: mostly the order's or none. */
export const named = fc.constantFrom(0, 0, SYMBOL, SYMBOL, SYMBOL + 1);
