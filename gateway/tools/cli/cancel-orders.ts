import { type Command, Option } from 'commander';
import { SIDE_NAMES, type SideName } from '../../../engine/wire/names.ts';
import { pathOf } from '../../client/symbols.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, print, printJson, whole } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';

interface Flags extends ConnectionFlags {
  readonly account?: number;
  readonly group?: number;
  readonly symbol?: string;
  readonly side?: SideName;
  readonly order?: number;
  readonly clientOrder?: number;
}

interface Cancelled {
  readonly cancelled: number;
  readonly seq: number;
  readonly more?: true;
  readonly later?: number;
}

export function cancelOrdersCommand(program: Command): void {
  const command = program
    .command('cancel-orders')
    .summary('operator: cancel orders of an account, a group or a symbol')
    .description(
      'Cancels open orders as the operator, in every phase: those of an account, of a group, of a symbol, or one order. Their accounts get a report with CANCELLED_BY_OPERATOR.',
    )
    .addOption(new Option('-a, --account <id>', 'orders of this account').argParser(whole))
    .addOption(new Option('--group <number>', 'orders of the accounts in this group').argParser(whole))
    .option('--symbol <name>', 'orders of this symbol; with --account or --group, those of both')
    .addOption(new Option('--side <side>', 'with --group: only those of the side').choices(SIDE_NAMES))
    .addOption(new Option('--order <id>', 'only this order').argParser(whole))
    .addOption(new Option('--client-order <id>', 'only this order, by its client order id; needs --account').argParser(whole))
    .addHelpText(
      'after',
      `
Examples:
  openbell cancel-orders --account 2
  openbell cancel-orders --symbol BTC-USD
  openbell cancel-orders --account 2 --symbol BTC-USD
  openbell cancel-orders --group 7
  openbell cancel-orders --group 7 --symbol BTC-USD --side sell
  openbell cancel-orders --symbol BTC-USD --order 17
  openbell cancel-orders --account 2 --client-order 4711`,
    );
  connectionOptions(command).action(() =>
    run(async () => {
      const flags = command.opts<Flags>();
      const { account, group, symbol, side, order, clientOrder } = flags;
      if (account === undefined && group === undefined && symbol === undefined)
        throw new CliError('give --account, --group or --symbol', ExitCode.Usage);
      if (group !== undefined && (account !== undefined || order !== undefined || clientOrder !== undefined))
        throw new CliError('--group goes with --symbol and --side only', ExitCode.Usage);
      if (side !== undefined && group === undefined) throw new CliError('--side needs --group', ExitCode.Usage);
      if (clientOrder !== undefined && account === undefined) throw new CliError('--client-order needs --account', ExitCode.Usage);
      if (clientOrder !== undefined && order !== undefined) throw new CliError('give --order or --client-order, not both', ExitCode.Usage);
      const one = { ...(order !== undefined && { orderId: order }), ...(clientOrder !== undefined && { clientOrderId: clientOrder }) };
      const body = { ...(symbol !== undefined && { symbol }), ...(side !== undefined && { side }), ...one };
      const path =
        group !== undefined ? `groups/${group}` : account !== undefined ? `accounts/${account}` : `symbols/${pathOf(symbol ?? '')}`;
      const ofSymbol = group === undefined && account === undefined;
      const answer = await askAdmin<Cancelled>(flags, `/v1/${path}/cancel-orders`, ofSymbol ? one : body);
      if (flags.json) printJson(answer);
      else
        print(
          `cancelled ${answer.cancelled} order${answer.cancelled === 1 ? '' : 's'}${answer.later ? `, ${answer.later} of them with later commands` : ''}${answer.more ? '; more have arrived meanwhile' : ''}`,
        );
      return ExitCode.Ok;
    }),
  );
}
