import type { Command } from 'commander';
import type { TriggerName } from '../../../engine/wire/names.ts';
import type { OpenbellClient, PlaceOrder, ReportView } from '../../client/index.ts';
import { amount } from './connection.ts';
import { CliError, ExitCode } from './exit.ts';

/** Flags of the orders that wait for fills of a new one. */
export interface ChildFlags {
  readonly takeProfit?: string;
  readonly stopLoss?: string;
  readonly stopLossLimit?: string;
  readonly trigger?: TriggerName;
}

export function childOptions(command: Command): Command {
  return command
    .option('--take-profit <price>', 'with each fill, as much becomes live of a limit order on the other side at this price', amount)
    .option(
      '--stop-loss <price>',
      'with each fill, as much becomes live of a stop on the other side; a fill of one of both reduces the other',
      amount,
    )
    .option('--stop-loss-limit <price>', 'with --stop-loss: the stop becomes a limit order at this price, not a market order', amount);
}

export function hasChildren({ takeProfit, stopLoss, stopLossLimit }: ChildFlags): boolean {
  if (stopLossLimit !== undefined && stopLoss === undefined) throw new CliError('--stop-loss-limit needs --stop-loss', ExitCode.Usage);
  return takeProfit !== undefined || stopLoss !== undefined;
}

/** Places an order with those that wait for its fills: with both a bracket, with one of them one triggers other. */
export async function placeParent(client: OpenbellClient, order: PlaceOrder, flags: ChildFlags): Promise<ReportView[]> {
  const { takeProfit, stopLoss, stopLossLimit } = flags;
  const { symbol, side, quantity, trigger, ...terms } = order;
  const isStop = order.stopPrice !== undefined;
  const parent = { ...terms, ...(trigger && isStop && { trigger }) };
  const profit = takeProfit === undefined ? undefined : { price: takeProfit };
  const loss =
    stopLoss === undefined
      ? undefined
      : { stopPrice: stopLoss, ...(stopLossLimit !== undefined && { price: stopLossLimit }), ...(trigger && { trigger }) };
  if (profit && loss) return await client.orders.bracket({ symbol, side, quantity, parent, takeProfit: profit, stopLoss: loss });
  const other = side === 'buy' ? 'sell' : 'buy';
  return await client.orders.oto({
    symbol,
    quantity,
    orders: [
      { side, ...parent },
      { side: other, ...(profit ?? loss) },
    ],
  });
}
