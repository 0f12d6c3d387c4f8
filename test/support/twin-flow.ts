import fc from 'fast-check';
import { SymbolParam } from '../../engine/params.ts';
import {
  CommandKind,
  Instruction,
  LinkKind,
  OrderType,
  Phase,
  SelfTradeMode,
  Side,
  SubPhase,
  TimeInForce,
} from '../../engine/wire/layout.ts';
import { controlCommand, withLifts } from './control-flow.ts';
import { type LongCommandFields, listOf, SYMBOL } from './exchange-fixture.ts';
import { commandsOf, THEMES } from './twin-commands.ts';
import { ACCOUNTS, DAY_US, START_US } from './twin-orders.ts';

/** An iceberg that an order of its owner and amends reduce, and that displays a further part behind a later order, and an auction with both. */
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
    const amend = (account: number, id: number, quantity: number, displayedQuantity?: number): LongCommandFields => ({
      ...{ kind: CommandKind.Amend, account, clientOrderId: clientOrderId + id, price: 100, quantity },
      ...(displayedQuantity !== undefined && { extension: { displayedQuantity } }),
    });
    const [first, second, third = first] = accounts;
    return [
      phase(Phase.Continuous),
      at(first, true, 20, { displayedQuantity: display }),
      at(first, false, 1, { selfTradeMode: SelfTradeMode.Decrement }),
      amend(first, 20, 18),
      amend(first, 20, 18, display - 1),
      at(second, true, 5),
      amend(second, 5, 5, 1),
      ...(hides ? [at(second, true, 6, { instructions: Instruction.Hidden }), at(first, true, 7)] : []),
      at(third, false, display),
      phase(Phase.Auction),
      at(third, false, 30 + more),
      { kind: CommandKind.Uncross, symbol: SYMBOL },
      phase(Phase.Continuous),
    ];
  });

/** Trailing stops whose changes are reported, and trades at rising prices. */
const trailsFollow: fc.Arbitrary<LongCommandFields[]> = fc
  .record({
    accounts: fc.shuffledSubarray([1, 2, 3, 4], { minLength: 3 }),
    clientOrderId: fc.integer({ min: 41, max: 2000 }),
    prices: fc.array(fc.integer({ min: 100, max: 110 }), { minLength: 2, maxLength: 4 }),
    activation: fc.constantFrom(0, 103),
  })
  .map(({ accounts, clientOrderId, prices, activation }) => {
    const base = { kind: CommandKind.New, symbol: SYMBOL, quantity: 1 };
    const reports = { orderType: OrderType.TrailingStop, instructions: Instruction.ReportTrail };
    return [
      { kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: Phase.Continuous },
      ...accounts.map((account, i) => ({
        ...{ ...base, account, clientOrderId, side: Side.Sell, price: 0 },
        extension: { ...reports, minQuantity: 20 + i, ...(activation > 0 && { stopPrice: activation }) },
      })),
      ...prices.flatMap((price, i) => [
        { ...base, account: accounts[0], clientOrderId: clientOrderId + 1 + i, side: Side.Sell, price },
        { ...base, account: accounts[1], clientOrderId: clientOrderId + 1 + i, side: Side.Buy, price },
      ]),
    ];
  });

/** Orders at the close that wait, enter their auction and are left after it, beside a mass cancel. */
const closing: fc.Arbitrary<LongCommandFields[]> = fc
  .record({
    accounts: fc.shuffledSubarray([1, 2, 3, 4], { minLength: 3 }),
    clientOrderId: fc.integer({ min: 41, max: 2000 }),
    side: fc.constantFrom(Side.Buy, Side.Sell),
    cancels: fc.boolean(),
    next: fc.constantFrom(Phase.Continuous, Phase.Closed),
  })
  .map(({ accounts, clientOrderId, side, cancels, next }) => {
    const phase = (parameter: number, subPhase = 0) => ({ kind: CommandKind.SetPhase, symbol: SYMBOL, parameter, side: subPhase });
    const base = { kind: CommandKind.New, symbol: SYMBOL, quantity: 1, price: 100 };
    const uncross = { kind: CommandKind.Uncross, symbol: SYMBOL };
    const orders = [...accounts, ...accounts].map((account, i) => ({
      ...{ ...base, account, clientOrderId: clientOrderId + i, side, timeInForce: TimeInForce.AtTheClose, extension: {} },
    }));
    return [
      phase(Phase.Continuous),
      ...orders,
      phase(Phase.Auction, SubPhase.ClosingAuction),
      ...(cancels ? [{ kind: CommandKind.MassCancel, account: accounts[0], symbol: 0, quantity: 0 }] : []),
      uncross,
      ...(cancels ? [] : [{ kind: CommandKind.Tick }, { kind: CommandKind.Tick }, { kind: CommandKind.Tick }]),
      uncross,
      uncross,
      phase(next),
      { ...base, account: accounts[1], clientOrderId: clientOrderId + 9, side: 1 - side },
    ];
  });

/** An iceberg and a trailing stop that update each other: a fill of one, an amend of the other, and a fall to its trigger. */
const listTrades: fc.Arbitrary<LongCommandFields[]> = fc
  .record({
    accounts: fc.shuffledSubarray([1, 2, 3, 4], { minLength: 3 }),
    clientOrderId: fc.integer({ min: 41, max: 2000 }),
    display: fc.integer({ min: 1, max: 5 }),
    offset: fc.integer({ min: 2, max: 6 }),
    buys: fc.integer({ min: 1, max: 9 }),
    left: fc.integer({ min: 1, max: 12 }),
    hidden: fc.constantFrom(0, 0, 0, Instruction.Hidden),
  })
  .map(({ accounts, clientOrderId, display, offset, buys, left, hidden }) => {
    const [first, second, third = first] = accounts;
    const at = (account: number, side: number, price: number, quantity: number, id: number): LongCommandFields => ({
      ...{ kind: CommandKind.New, symbol: SYMBOL, account, clientOrderId: clientOrderId + id, side, price, quantity },
      ...{ timeInForce: TimeInForce.GoodTillCancel, tag: 0 },
    });
    const parts = hidden === 0 ? { displayedQuantity: display } : { instructions: hidden };
    const trail = { orderType: OrderType.TrailingStop, stopPrice: 0, minQuantity: offset };
    const quantity = 12;
    return [
      { kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: Phase.Continuous },
      listOf(LinkKind.OneUpdatesOther, [
        { ...at(first, Side.Sell, 100, quantity, 0), extension: parts },
        { ...at(first, Side.Sell, 0, quantity, 1), extension: trail },
      ]),
      at(second, Side.Buy, 100, buys, 2),
      {
        kind: CommandKind.Amend,
        account: first,
        clientOrderId: clientOrderId + 1,
        price: 0,
        quantity: left,
        extension: { minQuantity: offset },
      },
      at(third, Side.Buy, 101 - offset - display, 3, 3),
      at(second, Side.Sell, 101 - offset - display, 2, 4),
    ];
  });

/** Parents that are filled in parts, in an empty book: children that grow, or cannot be paid; several that are due at a time; a bracket that trades and triggers. */
const familyFills: fc.Arbitrary<LongCommandFields[]> = fc
  .record({
    accounts: fc.shuffledSubarray([1, 2, 3, 4], { minLength: 3 }),
    clientOrderId: fc.integer({ min: 41, max: 2000 }),
    quantity: fc.integer({ min: 16, max: 22 }),
    fills: fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 2, maxLength: 3 }),
    how: fc.constantFrom('funds', 'funds', 'several', 'bracket', 'entry', 'cascade'),
    reports: fc.constantFrom(0, Instruction.ReportTrail),
    taken: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ accounts, clientOrderId, quantity, fills, how, taken, reports }) => {
    const [own, other, third = own] = accounts;
    let client = clientOrderId;
    const order = (account: number, side: number, lots: number, price: number): LongCommandFields => ({
      ...{ kind: CommandKind.New, symbol: SYMBOL, account, clientOrderId: client++, side, price, quantity: lots, timeInForce: 0, tag: 0 },
    });
    const start = [
      { kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: Phase.Continuous },
      { kind: CommandKind.CancelOrders, symbol: SYMBOL },
    ];
    const sells = fills.map((lots) => order(other, Side.Sell, lots, 100));
    const oto = (account: number, lots: number, price: number): LongCommandFields =>
      listOf(LinkKind.OneTriggersOther, [
        order(account, Side.Buy, lots, 100),
        order(account, how === 'funds' ? Side.Buy : Side.Sell, lots, price),
      ]);
    if (how === 'funds') return [...start, oto(own, quantity, 99), ...sells];
    if (how === 'several')
      return [...start, oto(own, taken, 101), oto(third, taken, 102), oto(third, 2, 100), order(other, Side.Sell, 20, 100)];
    if (how === 'cascade') {
      const stop = (stopPrice: number): LongCommandFields => ({
        ...order(third, Side.Sell, 1, 0),
        extension: { orderType: OrderType.Stop, stopPrice },
      });
      const trail = { ...order(own, Side.Sell, 1, 0), extension: { orderType: OrderType.TrailingStop, minQuantity: taken } };
      return [
        ...start,
        order(other, Side.Sell, 1, 100),
        order(third, Side.Buy, 1, 100),
        listOf(LinkKind.OneTriggersOther, [order(own, Side.Buy, 1, 98), trail]),
        ...[stop(99), stop(98), stop(98)],
        order(other, Side.Buy, 1, 99),
        order(other, Side.Sell, 1, 99),
      ];
    }
    if (how === 'entry') {
      const entry = { ...order(own, Side.Buy, quantity, 102), extension: { orderType: OrderType.StopLimit, stopPrice: 101 } };
      const trail = { orderType: OrderType.TrailingStop, minQuantity: taken, instructions: reports };
      const children = [order(own, Side.Sell, quantity, 106), { ...order(own, Side.Sell, quantity, 0), extension: trail }];
      return [
        ...start,
        order(other, Side.Sell, 1, 99),
        order(third, Side.Buy, 1, 99),
        listOf(LinkKind.Bracket, [entry, ...children]),
        order(other, Side.Sell, 3, 101),
        order(third, Side.Buy, 1, 101),
        ...sells,
        order(other, Side.Sell, 2, 104),
        order(third, Side.Buy, taken, 104),
        order(third, Side.Buy, 5, 97),
        order(other, Side.Sell, 30, 97),
      ];
    }
    const loss = { ...order(own, Side.Sell, quantity, 0), extension: { orderType: OrderType.Stop, stopPrice: 98 } };
    const bracket = listOf(LinkKind.Bracket, [order(own, Side.Buy, quantity, 100), order(own, Side.Sell, quantity, 101), loss]);
    return [
      ...start,
      bracket,
      sells[0],
      order(other, Side.Buy, taken, 101),
      sells[1],
      order(third, Side.Buy, 3, 97),
      order(other, Side.Sell, 30, 97),
    ];
  });

const limit = (account: number, clientOrderId: number, side: number, price: number, more: Partial<LongCommandFields> = {}) => ({
  ...{ kind: CommandKind.New, symbol: SYMBOL, account, clientOrderId, side, price, quantity: 1, ...more },
});

/** Stops of which each reaches the next one, and a halt before all have had their turn. */
const haltedCascade: fc.Arbitrary<LongCommandFields[]> = fc
  .record({
    first: fc.integer({ min: 41, max: 2000 }),
    stops: fc.integer({ min: 3, max: 5 }),
    rests: fc.constantFrom(Phase.Halted, Phase.Auction),
  })
  .map(({ first, stops, rests }) => {
    const phase = (parameter: number) => ({ kind: CommandKind.SetPhase, symbol: SYMBOL, parameter });
    const each = Array.from({ length: stops }, (_, i) => i);
    const stop = (i: number) => ({ price: 0, extension: { orderType: OrderType.Stop, stopPrice: 100 - i } });
    return [
      { kind: CommandKind.MassCancel, account: 1 },
      { kind: CommandKind.MassCancel, account: 2 },
      phase(Phase.Continuous),
      limit(3, first, Side.Buy, 101),
      limit(4, first, Side.Sell, 101),
      ...each.map((i) => limit(1, first + i, Side.Buy, 100 - i)),
      ...each.map((i) => limit(2, first + i, Side.Sell, 0, stop(i))),
      limit(3, first + 1, Side.Sell, 100, { timeInForce: TimeInForce.ImmediateOrCancel }),
      phase(rests),
      { kind: CommandKind.Cancel, account: 2, clientOrderId: first + stops - 1, symbol: 0 },
      phase(Phase.Continuous),
    ];
  });

/** An order whose end is the time of the order that would meet it, and one behind it. */
const expiryAtFill: fc.Arbitrary<LongCommandFields[]> = fc
  .record({ side: fc.constantFrom(Side.Buy, Side.Sell), first: fc.integer({ min: 41, max: 2000 }), late: fc.constantFrom(0, 0, 1) })
  .map(({ side, first, late }) => [
    { kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: Phase.Continuous },
    limit(1, first, side, 100, { timeInForce: TimeInForce.GoodTillDate, extension: { expiryUs: 2000 + late } }),
    limit(2, first, side, 100),
    limit(3, first, 1 - side, 100, { quantity: 2 }),
  ]);

/** Commands of traders and of the operator, the latter with controls of accounts. */
function commandsWith(weight: number, theme?: (typeof THEMES)[number]): fc.Arbitrary<LongCommandFields> {
  const commands = fc.oneof({ weight: 40, arbitrary: commandsOf(theme) }, { weight, arbitrary: controlCommand(ACCOUNTS) });
  return fc.tuple(commands, fc.constantFrom(0, 0, 1, 2)).map(([command, session]) => ofSession(command, session));
}

/** @param controls weight of commands that control accounts; the others together have 40. Of half of the flows each has all kinds of orders, the others one theme. */
export function flow(minLength: number, maxLength: number, controls: number): fc.Arbitrary<LongCommandFields[]> {
  return fc.oneof(
    { weight: THEMES.length, arbitrary: flowOf(minLength, maxLength, commandsWith(controls)) },
    ...THEMES.map((theme) => ({ weight: 1, arbitrary: flowOf(minLength, maxLength, commandsWith(controls, theme)) })),
  );
}

/** Commands of which some repeat an earlier one. Half of the amends are of one of the last new orders, which often rest. */
function flowOf(minLength: number, maxLength: number, commands: fc.Arbitrary<LongCommandFields>): fc.Arbitrary<LongCommandFields[]> {
  const repeats = fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(30) });
  const aims = fc.option(fc.nat(11));
  const waits = fc.oneof(
    { weight: 60, arbitrary: fc.constantFrom(0, 0, 0, 0, 0, 700, 1_999, 40_000, 3_000_000, 16_000_000) },
    { weight: 1, arbitrary: fc.constantFrom(DAY_US, DAY_US, 3 * DAY_US, 31 * DAY_US) },
  );
  const episodes = fc.oneof(
    { weight: 120, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: icebergAuction },
    { weight: 1, arbitrary: haltedCascade },
    { weight: 1, arbitrary: expiryAtFill },
    { weight: 3, arbitrary: familyFills },
    { weight: 1, arbitrary: trailsFollow },
    { weight: 1, arbitrary: closing },
    { weight: 2, arbitrary: listTrades },
  );
  return fc.array(fc.tuple(commands, repeats, aims, waits, episodes), { minLength, maxLength, size: 'max' }).map((steps) => {
    const all: LongCommandFields[] = [];
    const news: LongCommandFields[] = [];
    for (const [fresh, back, aim, waitUs, episode] of steps) {
      const named =
        fresh.extension === undefined
          ? news
          : news.filter(({ extension }) => extension !== undefined && Object.keys(fresh.extension ?? {}).some((term) => term in extension));
      const target = fresh.kind === CommandKind.Amend && aim !== null ? named.at(-1 - aim) : undefined;
      const aimed = target ? { ...fresh, account: target.account, clientOrderId: target.clientOrderId } : fresh;
      const next = (back !== undefined && all[all.length - 1 - back]) || aimed;
      if (next.kind === CommandKind.New) news.push(next);
      all.push({ ...next, waitUs });
      all.push(...episode);
    }
    return stamped(withLifts(all));
  });
}

/** Sent by a session with a number, if it enters orders. */
function ofSession(command: LongCommandFields, session: number): LongCommandFields {
  if (session === 0 || (command.kind !== CommandKind.New && command.kind !== CommandKind.Quote)) return command;
  return { ...command, session, ...(command.legs && { legs: command.legs.map((leg) => ({ ...leg, session })) }) };
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
  return commands.map((fields, i) => {
    // Some come within a pause of triggers.
    timeUs += (i % 4 === 2 ? 100 : 1000) + (fields.waitUs ?? 0);
    if (fields.legs !== undefined) return { ...fields, timeUs, legs: fields.legs.map((leg) => endsFrom(leg, timeUs)) };
    const { kind, parameter, quantity = 0 } = fields;
    if (kind === CommandKind.SetSymbol && parameter === SymbolParam.SessionEnd) return { ...fields, timeUs, quantity: timeUs + quantity };
    return { ...endsFrom(fields, timeUs), timeUs };
  });
}
