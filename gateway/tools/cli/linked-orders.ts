import { Argument, type Command, Option } from 'commander';
import { SIDE_NAMES, TRIGGER_NAMES, type TriggerName } from '../../../engine/wire/names.ts';
import type { SideName } from '../../client/index.ts';
import { type AccountFlags, accountOption, amount, connectionOptions, withClient } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { collect, showAll } from './orders.ts';
import { newTrailOptions, type TrailFlags, trailTerms } from './trail-flags.ts';

interface OcoFlags extends AccountFlags, TrailFlags {
  readonly stop?: string;
  readonly stopLimit?: string;
  readonly trigger?: TriggerName;
  readonly updates?: true;
  readonly postOnly?: true;
  readonly display?: string;
  readonly hidden?: true;
}

export function ocoCommand(program: Command): void {
  const command = program
    .command('oco')
    .summary('place a limit order and a stop, of which one cancels the other')
    .description(
      'Places a limit order and a stop of the same side and quantity that are linked: a fill or the trigger of one cancels the other. Both are accepted or neither.',
    )
    .addArgument(new Argument('<side>').choices(SIDE_NAMES))
    .argument('<quantity>', 'of each, in the base asset, such as 0.5', amount)
    .argument('<symbol>', 'such as BTC-USD')
    .argument('<price>', 'of the limit order, in the quote asset, such as 60000.00', amount)
    .option('--stop <price>', 'the stop price of the stop; or --trail', amount)
    .option('--stop-limit <price>', 'with --stop: the stop becomes a limit order at this price, not a market order', amount)
    .addOption(new Option('--trigger <price>', 'the price that triggers (default: last, the last trade)').choices(TRIGGER_NAMES))
    .option('--updates', 'a fill of one reduces the other by the same quantity, instead of cancelling it')
    .option('--post-only', 'reject the list if the limit order would trade on arrival')
    .option('--display <quantity>', 'the limit order is an iceberg: what market data shows of it at a time', amount)
    .option('--hidden', 'market data shows nothing of the limit order')
    .addHelpText(
      'after',
      `
Examples:
  openbell oco sell 0.5 BTC-USD 60000.00 --stop 48000.00
  openbell oco sell 0.5 BTC-USD 60000.00 --stop 48000.00 --stop-limit 47900.00 --updates
  openbell oco sell 5 BTC-USD 60000.00 --display 0.5 --trail 2% --updates
  openbell oco buy 1 ETH-USD 2800.00 --stop 3100.00 --trigger reference --account 2 --json`,
    );
  newTrailOptions(command);
  connectionOptions(accountOption(command)).action((side: SideName, quantity: string, symbol: string, price: string) =>
    run(async () => {
      const flags = command.opts<OcoFlags>();
      if ((flags.stop === undefined) === (flags.trail === undefined))
        throw new CliError('oco needs --stop or --trail, one of them', ExitCode.Usage);
      return await withClient(flags, async (client) => {
        const followed = collect(client);
        const stop = {
          ...trailTerms(flags),
          ...(flags.stop !== undefined && { stopPrice: flags.stop }),
          ...(flags.stopLimit !== undefined && { price: flags.stopLimit }),
          ...(flags.trigger && { trigger: flags.trigger }),
        };
        const limit = {
          price,
          ...(flags.postOnly && { postOnly: true }),
          ...(flags.display !== undefined && { displayedQuantity: flags.display }),
          ...(flags.hidden && { hidden: true }),
        };
        const list = { symbol, side, quantity, orders: [limit, stop] as const };
        const answers = flags.updates ? await client.orders.ouo(list) : await client.orders.oco(list);
        return await showAll(flags, answers, followed);
      });
    }),
  );
}
