/** Orders of the measurements of this folder: symbol 1, around one price. */
import type { ExtensionFields } from '../../engine/wire/command-extension.ts';
import { CommandKind, OrderType, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { ACCOUNTS, type LongCommand } from './state-machine.ts';

export const MIDDLE = 100_000;
/** Resting orders have as many prices on each side. */
export const PRICES = 400;
/** Distance from the middle that no trade of a measurement reaches, ticks. */
export const FAR = 1000;
/** An end that no measurement reaches, unless it sets the time to it. */
export const FAR_US = 2 ** 50;

export function order(id: number, account: number, side: Side, price: number, quantity: number, extension?: ExtensionFields): LongCommand {
  const command: LongCommand = { kind: CommandKind.New, account, symbol: 1, clientOrderId: id, side, price, quantity };
  return extension === undefined ? command : { ...command, extension };
}

/** The i-th order that rests: buys below the middle, sells above it, of all accounts. @param near distance of the best of them, ticks */
export function resting(
  id: number,
  i: number,
  extension?: ExtensionFields,
  timeInForce: TimeInForce = TimeInForce.GoodTillCancel,
  near = 1,
): LongCommand {
  const distance = near + ((i * 7919) % PRICES);
  const price = i & 1 ? MIDDLE + distance : MIDDLE - distance;
  return { ...order(id, 1 + (i % ACCOUNTS), i & 1 ? Side.Sell : Side.Buy, price, 10, extension), timeInForce };
}

/** The i-th stop that waits: sells below the middle, buys above it. */
export function waitingStop(id: number, i: number): LongCommand {
  const away = FAR + ((i * 7919) % 50_000);
  const stopPrice = i & 1 ? MIDDLE - away : MIDDLE + away;
  return order(id, 1 + (i % ACCOUNTS), i & 1 ? Side.Sell : Side.Buy, 0, 10, { orderType: OrderType.Stop, stopPrice });
}

/** The i-th trailing stop, which follows from the last price. */
export function trailingStop(id: number, i: number): LongCommand {
  const extension = { orderType: OrderType.TrailingStop, minQuantity: FAR + ((i * 7919) % 50_000) };
  return order(id, 1 + (i % ACCOUNTS), i & 1 ? Side.Sell : Side.Buy, 0, 10, extension);
}

export function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}
