import fc from 'fast-check';
import { CommandKind } from '../../engine/wire/layout.ts';
import { type LongCommandFields, SYMBOL } from './exchange-fixture.ts';

/** A mass cancel of an account, or what begins one later. Each empties much of a small book, so a flow should have few. */
export function massCancelCommand(accounts: number): fc.Arbitrary<LongCommandFields> {
  const account = fc.integer({ min: 1, max: accounts });
  return fc.oneof<fc.MaybeWeightedArbitrary<LongCommandFields>[]>(
    fc.record({
      kind: fc.constant(CommandKind.MassCancel),
      account,
      symbol: fc.constantFrom(0, 0, SYMBOL, SYMBOL, SYMBOL + 1),
      quantity: fc.nat(2),
    }),
    fc.record({
      kind: fc.constant(CommandKind.CancelAfter),
      account,
      quantity: fc.constantFrom(0, 500, 2_500, 5_000, 20_000, 4_000_000),
    }),
    fc.record({ kind: fc.constant(CommandKind.CancelOnDisconnect), account }),
    fc.record({ kind: fc.constant(CommandKind.CancelSession), account, quantity: fc.constantFrom(0, 1, 1, 2, 2, 128) }),
  );
}
