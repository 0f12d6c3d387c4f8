import { type Command, Option } from 'commander';
import { pathOf } from '../../client/symbols.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, print, printJson, whole } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';

interface Flags extends ConnectionFlags {
  readonly account?: number;
  readonly symbol?: string;
  readonly order?: number;
  readonly clientOrder?: number;
}

interface Cancelled {
  readonly cancelled: number;
  readonly seq: number;
  readonly more?: true;
}

export function cancelOrdersCommand(program: Command): void {
  const command = program
    .command('cancel-orders')
    .summary('operator: cancel orders of an account or a symbol')
    .description(
      'Cancels resting orders as the operator, in every phase: those of an account, of a symbol, or one order. Their accounts get a report with CANCELLED_BY_OPERATOR.',
    )
    .addOption(new Option('-a, --account <id>', 'orders of this account').argParser(whole))
    .option('--symbol <name>', 'orders of this symbol; with --account, those of both')
    .addOption(new Option('--order <id>', 'only this order').argParser(whole))
    .addOption(new Option('--client-order <id>', 'only this order, by its client order id; needs --account').argParser(whole))
    .addHelpText(
      'after',
      `
Examples:
  openbell cancel-orders --account 2
  openbell cancel-orders --symbol BTC-USD
  openbell cancel-orders --account 2 --symbol BTC-USD
  openbell cancel-orders --symbol BTC-USD --order 17
  openbell cancel-orders --account 2 --client-order 4711`,
    );
  connectionOptions(command).action(() =>
    run(async () => {
      const flags = command.opts<Flags>();
      const { account, symbol, order, clientOrder } = flags;
      if (account === undefined && symbol === undefined) throw new CliError('give --account, --symbol or both', ExitCode.Usage);
      if (clientOrder !== undefined && account === undefined) throw new CliError('--client-order needs --account', ExitCode.Usage);
      if (clientOrder !== undefined && order !== undefined) throw new CliError('give --order or --client-order, not both', ExitCode.Usage);
      const one = { ...(order !== undefined && { orderId: order }), ...(clientOrder !== undefined && { clientOrderId: clientOrder }) };
      const answer =
        account === undefined
          ? await askAdmin<Cancelled>(flags, `/v1/symbols/${pathOf(symbol ?? '')}/cancel-orders`, one)
          : await askAdmin<Cancelled>(flags, `/v1/accounts/${account}/cancel-orders`, { ...(symbol !== undefined && { symbol }), ...one });
      if (flags.json) printJson(answer);
      else
        print(
          `cancelled ${answer.cancelled} order${answer.cancelled === 1 ? '' : 's'}${answer.more ? '; more have arrived meanwhile' : ''}`,
        );
      return ExitCode.Ok;
    }),
  );
}
