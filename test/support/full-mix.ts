import fc from 'fast-check';
import { AccountParam, LimitParam, SymbolParam } from '../../engine/params.ts';
import { CommandKind, KillScope, Phase } from '../../engine/wire/layout.ts';
import { BTC, type LongCommandFields, SYMBOL, USD } from './exchange-fixture.ts';
import { flow } from './twin-flow.ts';
import { ACCOUNTS, START_US } from './twin-orders.ts';

/** Client order ids of one flow are below it. */
const IDS = 64;
const BY_CLIENT_ORDER_ID: ReadonlySet<number | undefined> = new Set([
  CommandKind.New,
  CommandKind.Cancel,
  CommandKind.Amend,
  CommandKind.CancelOrders,
]);

/**
 * Commands of all kinds for one long log: flows of the twin one after the other, each with client order ids and times of its own, and each
 * after the operator has lifted what stops the accounts. Order ids that a flow names are those of the first orders: most are unknown.
 * @param startUs time of the first command; @param count commands at least
 */
export function fullMix(startUs: number, count: number, seed: number): LongCommandFields[] {
  const all: LongCommandFields[] = [];
  let fromUs = startUs;
  for (let part = 0; all.length < count; part++) {
    const [commands] = fc.sample(flow(250, 250, 6), { seed: seed + part, numRuns: 1 });
    const lifts = lifted().map((fields) => ({ ...fields, timeUs: fromUs }));
    const shifted = commands.map((fields) => shift(fields, part * IDS, fromUs - START_US));
    all.push(...lifts, ...shifted);
    fromUs = (shifted.at(-1)?.timeUs ?? fromUs) + 1000;
  }
  return all;
}

/** The accounts trade on, with money. */
function lifted(): LongCommandFields[] {
  const accounts = Array.from({ length: ACCOUNTS }, (_, i) => i + 1);
  return [
    { kind: CommandKind.KillSwitch, parameter: KillScope.Venue, quantity: 0 },
    { kind: CommandKind.KillSwitch, parameter: KillScope.Symbol, symbol: SYMBOL, quantity: 0 },
    ...[1, 2].map((tag) => ({ kind: CommandKind.KillSwitch, parameter: KillScope.Group, tag, quantity: 0 })),
    ...accounts.flatMap((account) => [
      { kind: CommandKind.KillSwitch, parameter: KillScope.Account, account, quantity: 0 },
      ...[AccountParam.Suspended, AccountParam.CommandsPerSecond, AccountParam.OrderToTrade].map((parameter) => ({
        ...{ kind: CommandKind.SetAccount, account, parameter, quantity: 0 },
      })),
      ...[LimitParam.MaxPosition, LimitParam.MaxExposure].map((parameter) => ({
        ...{ kind: CommandKind.SetLimit, account, symbol: SYMBOL, parameter, quantity: 0 },
      })),
      { kind: CommandKind.Deposit, account, symbol: USD, quantity: 100_000 },
      { kind: CommandKind.Deposit, account, symbol: BTC, quantity: 1000 },
    ]),
    { kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: SymbolParam.ReferencePrice, quantity: 100 },
    { kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: Phase.Continuous },
  ];
}

function shift(fields: LongCommandFields, ids: number, byUs: number): LongCommandFields {
  const { kind, parameter, timeUs = START_US, clientOrderId, quantity = 0, extension, legs } = fields;
  return {
    ...fields,
    timeUs: timeUs + byUs,
    ...(clientOrderId && BY_CLIENT_ORDER_ID.has(kind) && { clientOrderId: clientOrderId + ids }),
    ...(kind === CommandKind.SetSymbol && parameter === SymbolParam.SessionEnd && { quantity: quantity + byUs }),
    ...(extension?.expiryUs && { extension: { ...extension, expiryUs: extension.expiryUs + byUs } }),
    ...(legs && { legs: legs.map((leg) => shift({ ...leg, timeUs }, ids, byUs)) }),
  };
}
