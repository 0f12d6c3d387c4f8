import fc from 'fast-check';
import { SymbolParam } from '../../engine/params.ts';
import { CommandKind, Phase, TimeInForce } from '../../engine/wire/layout.ts';
import { BTC, type LongCommandFields, SYMBOL, USD } from './exchange-fixture.ts';
import { massCancelCommand } from './mass-cancel-flow.ts';
import {
  ACCOUNTS,
  atAuction,
  end,
  ending,
  family,
  feeTier,
  guarded,
  hidden,
  iceberg,
  icebergAmend,
  list,
  longOrder,
  named,
  order,
  peg,
  price,
  protection,
  quote,
  repriced,
  stop,
  stopAmend,
  stopIceberg,
  trailAmend,
  trailing,
} from './twin-orders.ts';

/** Kinds of orders that are often rare beside all others. */
export const THEMES = ['stops', 'quotes', 'icebergs', 'lists', 'children', 'times', 'pegs'] as const;

interface Weighted {
  readonly weight: number;
  readonly arbitrary: fc.Arbitrary<LongCommandFields>;
  /** None: in all flows. */
  readonly theme?: (typeof THEMES)[number];
}

const COMMANDS: readonly Weighted[] = [
  { weight: 2, arbitrary: longOrder },
  { weight: 3, arbitrary: ending, theme: 'times' },
  { weight: 5, arbitrary: guarded },
  { weight: 5, arbitrary: stop, theme: 'stops' },
  { weight: 3, arbitrary: repriced, theme: 'times' },
  { weight: 2, arbitrary: feeTier, theme: 'times' },
  { weight: 5, arbitrary: atAuction, theme: 'times' },
  { weight: 6, arbitrary: list, theme: 'lists' },
  { weight: 6, arbitrary: family, theme: 'children' },
  { weight: 3, arbitrary: trailing, theme: 'stops' },
  { weight: 2, arbitrary: stopIceberg, theme: 'stops' },
  { weight: 2, arbitrary: stopIceberg, theme: 'icebergs' },
  { weight: 2, arbitrary: stopAmend, theme: 'stops' },
  { weight: 1, arbitrary: trailAmend, theme: 'stops' },
  { weight: 8, arbitrary: quote, theme: 'quotes' },
  { weight: 2, arbitrary: protection, theme: 'quotes' },
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
  { weight: 6, arbitrary: peg, theme: 'pegs' },
  { weight: 6, arbitrary: iceberg, theme: 'icebergs' },
  { weight: 6, arbitrary: hidden, theme: 'icebergs' },
  { weight: 3, arbitrary: icebergAmend, theme: 'icebergs' },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 95, max: 105 })
      .map((quantity) => ({ kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: SymbolParam.ReferencePrice, quantity })),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      {
        weight: 4,
        arbitrary: fc.integer({ min: 95, max: 105 }).map((quantity) => ({ kind: CommandKind.SetReference, symbol: SYMBOL, quantity })),
      },
      {
        weight: 1,
        arbitrary: fc
          .nat(1)
          .map((quantity) => ({ kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: SymbolParam.ReferenceSource, quantity })),
      },
    ),
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
];

/** Commands of all themes; or of one, with those that have none: in a flow of few kinds their rare states are less rare. */
export function commandsOf(theme?: (typeof THEMES)[number]): fc.Arbitrary<LongCommandFields> {
  return fc.oneof(
    ...COMMANDS.filter((each) => theme === undefined || each.theme === undefined || each.theme === theme).map((each) => ({
      weight: theme !== undefined && each.theme === theme ? 3 * each.weight : each.weight,
      arbitrary: each.arbitrary,
    })),
  );
}
