import fc from 'fast-check';
import { AccountParam, LimitParam } from '../../engine/params.ts';
import { CommandKind, KillScope } from '../../engine/wire/layout.ts';
import { type LongCommandFields, SYMBOL } from './exchange-fixture.ts';

/** Commands between one that stops an account and the one that lets it go on. */
const STOPPED = 5;
/** Few groups, so that accounts share one. */
const group = fc.integer({ min: 0, max: 2 });

/** A command of the operator that controls accounts. Those that stop some are the beginning: {@link withLifts}. */
export function controlCommand(accounts: number): fc.Arbitrary<LongCommandFields> {
  const account = fc.integer({ min: 1, max: accounts });
  const setAccount = { kind: CommandKind.SetAccount } as const;
  const kill = { kind: CommandKind.KillSwitch } as const;
  const on = fc.constantFrom(1, 1, 0);
  const rate = fc.record({
    account,
    parameter: fc.constantFrom(AccountParam.CommandsPerSecond, AccountParam.CommandBurst, AccountParam.OrderToTrade),
    quantity: fc.constantFrom(0, 0, 2, 3, 30, 150, 1_000_001),
  });
  const limit = fc.record({
    kind: fc.constant(CommandKind.SetLimit),
    account,
    symbol: fc.constantFrom(SYMBOL, SYMBOL, SYMBOL, SYMBOL, SYMBOL + 1),
    parameter: fc.constantFrom(LimitParam.MaxPosition, LimitParam.MaxExposure, LimitParam.MaxPosition, LimitParam.MaxExposure, 2),
    quantity: fc.constantFrom(0, 0, 10, 20, 40, 80),
  });
  return fc.oneof(
    fc.record({ account, value: fc.constantFrom(0, 1, 2, 3) }).map(({ account: id, value }) => ({
      ...setAccount,
      account: id,
      parameter: AccountParam.Suspended,
      quantity: value,
    })),
    fc.record({ account, mode: fc.integer({ min: 0, max: 6 }) }).map((f) => ({
      ...setAccount,
      account: f.account,
      parameter: AccountParam.SelfTradeMode,
      quantity: f.mode,
    })),
    fc.record({ account, group }).map((f) => ({ ...setAccount, account: f.account, parameter: AccountParam.Group, quantity: f.group })),
    limit,
    limit,
    rate.map((f) => ({ ...setAccount, ...f })),
    rate.map((f) => ({ ...setAccount, ...f })),
    fc.record({ account, on }).map((f) => ({ ...kill, parameter: KillScope.Account, account: f.account, quantity: f.on })),
    fc.record({ group, on }).map((f) => ({ ...kill, parameter: KillScope.Group, tag: f.group, quantity: f.on })),
    fc.record({
      kind: fc.constant(CommandKind.CancelGroup),
      tag: group,
      symbol: fc.constantFrom(0, 0, SYMBOL, SYMBOL + 1),
      quantity: fc.constantFrom(0, 0, 1, 2, 3),
    }),
    on.map((quantity) => ({ ...kill, parameter: KillScope.Symbol, symbol: SYMBOL, quantity })),
    on.map((quantity) => ({ ...kill, parameter: KillScope.Venue, quantity })),
  );
}

function stops({ kind, parameter, quantity }: LongCommandFields): boolean {
  if (quantity === 0) return false;
  return kind === CommandKind.KillSwitch || (kind === CommandKind.SetAccount && parameter === AccountParam.Suspended);
}

/** The commands, each that stops an account lifted again a few commands later: else a flow soon has only rejects. */
export function withLifts(commands: readonly LongCommandFields[]): LongCommandFields[] {
  const all: LongCommandFields[] = [];
  const lifts = new Map<number, LongCommandFields[]>();
  for (const [i, command] of commands.entries()) {
    all.push(command, ...(lifts.get(i) ?? []));
    const at = i + 1 + (((command.account ?? 0) + i) % STOPPED);
    if (stops(command)) lifts.set(at, [...(lifts.get(at) ?? []), { ...command, quantity: 0 }]);
  }
  return all;
}
