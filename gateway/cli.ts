#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { accountCommand } from './cli/account.ts';
import { repairCommand, snapshotCommand, verifyCommand } from './cli/data.ts';
import { ExitCode } from './cli/exit.ts';
import { bookCommand, tradesCommand } from './cli/market.ts';
import { amendCommand, cancelCommand, orderCommand } from './cli/orders.ts';
import { replayCommand } from './cli/replay.ts';
import { startCommand } from './cli/start.ts';

const program = new Command('openbell')
  .description('An exchange in one process: order entry, market data, matching, journal.')
  .version('0.1.0')
  .showHelpAfterError('(--help shows what there is)')
  // Commander ends with 1 for a wrong command line; here 1 means that the exchange refused.
  .exitOverride()
  .addHelpText(
    'after',
    `
Exit codes: 0 ok, 1 refused or a difference found, 2 wrong usage or configuration, 3 the exchange cannot be reached.

Examples:
  openbell start --simulate
  openbell book BTC-USD
  openbell order buy 0.5 BTC-USD 59000.00
  openbell account 1`,
  );

for (const add of [
  startCommand,
  orderCommand,
  cancelCommand,
  amendCommand,
  bookCommand,
  tradesCommand,
  accountCommand,
  replayCommand,
  verifyCommand,
  snapshotCommand,
  repairCommand,
]) {
  add(program);
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? ExitCode.Ok : ExitCode.Usage;
}
