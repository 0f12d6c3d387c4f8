import { type Command, InvalidArgumentError, Option } from 'commander';
import { connectionOptions, whole } from './connection.ts';
import { run } from './exit.ts';
import type { ReplayFlags } from './replay-days.ts';

const DEFAULT_BATCH = 64;
/** A frame takes more. */
const MAX_BATCH = 1024;

export function replayCommand(program: Command): void {
  const command = program
    .command('replay')
    .summary('send a recorded trading day into a running exchange')
    .description(
      'Sends order-flow files to a running exchange over gRPC, switches phases as recorded, and compares the results. Several files, one ' +
        'for each symbol, are sent in the order of their times. Defines symbols and accounts if they are missing. Exit code 1 on any difference.',
    )
    .argument('<orders...>', 'ORDERS.csv or ORDERS.csv.gz, one or several')
    .addOption(
      new Option('--expect <trades>', 'TRADES.csv or TRADES.csv.gz: the expected trades; with several files once for each, in their order')
        .default([], 'not compared')
        .argParser(collected),
    )
    .addOption(
      new Option('--symbol <name>', 'symbol with an empty book; with several files once for each, in their order')
        .default([], 'a new one, named after the file')
        .argParser(collected),
    )
    .addOption(
      new Option('--speed <times>', 'max, or a multiple of the recorded speed, such as 10x or 10')
        .default(Number.POSITIVE_INFINITY, 'max')
        .argParser(speed),
    )
    .addOption(new Option('--batch <commands>', 'maximum commands per message').default(DEFAULT_BATCH).argParser(batch))
    .addHelpText(
      'after',
      `
Examples:
  openbell replay 600536.orders.csv.gz --expect 600536.trades.csv.gz
  openbell replay day.orders.csv --symbol TEST-1 --speed 10x --json
  openbell replay a.orders.csv b.orders.csv --expect a.trades.csv --expect b.trades.csv --speed 100x`,
    );
  connectionOptions(command).action((orders: string[]) =>
    run(async () => {
      const { replay } = await import('./replay-days.ts');
      return await replay(command.opts<ReplayFlags>(), orders);
    }),
  );
}

function collected(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

/** `max`, `1x`, `10x`, `0.5x`, `10`. */
export function speed(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const times = /^(\d{1,4}(?:\.\d{1,3})?)x?$/.exec(text);
  if (times === null || Number(times[1]) === 0)
    throw new InvalidArgumentError('must be max, or 0.001x to 9999x, such as 1x or 10x; the x can be left out.');
  return Number(times[1]);
}

function batch(text: string): number {
  const size = whole(text);
  if (size < 1 || size > MAX_BATCH) throw new InvalidArgumentError(`must be from 1 to ${MAX_BATCH}.`);
  return size;
}
