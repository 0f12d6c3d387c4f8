import type { Command } from 'commander';
import type { TriggerName } from '../../../engine/wire/names.ts';
import type { OpenbellClient, PlaceOrder, ReportView } from '../../client/index.ts';
import { amount } from './connection.ts';
import { CliError, ExitCode } from './exit.ts';
import { type TrailOffset, trailOffset } from './trail-flags.ts';

/** Flags of the orders that wait for fills of a new one. */
export interface ChildFlags {
  readonly takeProfit?: string;
  readonly stopLoss?: string;
  readonly stopLossLimit?: string;
  readonly stopLossTrail?: TrailOffset;
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
    .option(
      '--stop-loss-trail <offset>',
      'instead of --stop-loss: a trailing stop at this offset, such as 150.00, or 2% of the price',
      trailOffset,
    )
    .option('--stop-loss-limit <price>', 'with --stop-loss: the stop becomes a limit order at this price, not a market order', amount);
}

export function hasChildren({ takeProfit, stopLoss, stopLossLimit, stopLossTrail }: ChildFlags): boolean {
  if (stopLoss !== undefined && stopLossTrail !== undefined) throw new CliError('give --stop-loss or --stop-loss-trail', ExitCode.Usage);
  if (stopLossLimit !== undefined && stopLoss === undefined) throw new CliError('--stop-loss-limit needs --stop-loss', ExitCode.Usage);
  return takeProfit !== undefined || stopLoss !== undefined || stopLossTrail !== undefined;
}

/** Places an order with those that wait for its fills: with both a bracket, with one of them one triggers other. */
export async function placeParent(client: OpenbellClient, order: PlaceOrder, flags: ChildFlags): Promise<ReportView[]> {
  const { takeProfit, stopLoss, stopLossLimit, stopLossTrail } = flags;
  const { symbol, side, quantity, trigger, ...terms } = order;
  const isStop = order.stopPrice !== undefined;
  const parent = { ...terms, ...(trigger && isStop && { trigger }) };
  const profit = takeProfit === undefined ? undefined : { price: takeProfit };
  const stop =
    stopLoss === undefined ? stopLossTrail : { stopPrice: stopLoss, ...(stopLossLimit !== undefined && { price: stopLossLimit }) };
  const loss = stop && { ...stop, ...(trigger && { trigger }) };
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
