#!/usr/bin/env node
import type { Command } from 'commander';
import { nodeTooOld } from './node-version.ts';
import { exitIfReplacement } from './tools/cli/end.ts';
import { ExitCode, printErrorsAsJson, reportUsage } from './tools/cli/exit.ts';
import { restartWithNodeOptions } from './tools/cli/node-options.ts';
import { stopSignal } from './tools/cli/stop-signals.ts';
import { VERSION } from './version.ts';

exitIfReplacement();
const tooOld = nodeTooOld();
if (tooOld !== undefined) {
  process.stderr.write(`openbell: ${tooOld}\n`);
  process.exit(ExitCode.Usage);
}

/** In the order of the help. Only the requested command is loaded, because loading takes most of the start-up time. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  start: async () => (await import('./tools/cli/start.ts')).startCommand,
  order: async () => (await import('./tools/cli/orders.ts')).orderCommand,
  oco: async () => (await import('./tools/cli/linked-orders.ts')).ocoCommand,
  cancel: async () => (await import('./tools/cli/orders.ts')).cancelCommand,
  amend: async () => (await import('./tools/cli/orders.ts')).amendCommand,
  quote: async () => (await import('./tools/cli/quotes.ts')).quoteCommand,
  protection: async () => (await import('./tools/cli/quotes.ts')).protectionCommand,
  'cancel-orders': async () => (await import('./tools/cli/cancel-orders.ts')).cancelOrdersCommand,
  'fee-tables': async () => (await import('./tools/cli/fee-tables.ts')).feeTablesCommand,
  'kill-switch': async () => (await import('./tools/cli/controls.ts')).killSwitchCommand,
  asset: async () => (await import('./tools/cli/assets.ts')).assetCommand,
  symbol: async () => (await import('./tools/cli/symbols.ts')).symbolCommand,
  deposit: async () => (await import('./tools/cli/money.ts')).depositCommand,
  withdraw: async () => (await import('./tools/cli/money.ts')).withdrawCommand,
  ledger: async () => (await import('./tools/cli/ledger.ts')).ledgerCommand,
  halt: async () => (await import('./tools/cli/halt.ts')).haltCommand,
  uncross: async () => (await import('./tools/cli/halt.ts')).uncrossCommand,
  'cancel-all': async () => (await import('./tools/cli/cancel-all.ts')).cancelAllCommand,
  sessions: async () => (await import('./tools/cli/sessions.ts')).sessionsCommand,
  phase: async () => (await import('./tools/cli/phase.ts')).phaseCommand,
  suspend: async () => (await import('./tools/cli/controls.ts')).suspendCommand,
  resume: async () => (await import('./tools/cli/controls.ts')).resumeCommand,
  'fee-tier': async () => (await import('./tools/cli/controls.ts')).feeTierCommand,
  'account-set': async () => (await import('./tools/cli/controls.ts')).accountSetCommand,
  'position-limit': async () => (await import('./tools/cli/controls.ts')).positionLimitCommand,
  book: async () => (await import('./tools/cli/market.ts')).bookCommand,
  trades: async () => (await import('./tools/cli/market.ts')).tradesCommand,
  candles: async () => (await import('./tools/cli/candles.ts')).candlesCommand,
  indicators: async () => (await import('./tools/cli/indicators.ts')).indicatorsCommand,
  calendar: async () => (await import('./tools/cli/calendar.ts')).calendarCommand,
  account: async () => (await import('./tools/cli/accounts.ts')).accountGroup,
  portfolio: async () => (await import('./tools/cli/portfolio.ts')).portfolioCommand,
  'drop-copy': async () => (await import('./tools/cli/drop-copy.ts')).dropCopyCommand,
  health: async () => (await import('./tools/cli/health.ts')).healthCommand,
  top: async () => (await import('./tools/cli/top.ts')).topCommand,
  alerts: async () => (await import('./tools/cli/alerts.ts')).alertsCommand,
  webhooks: async () => (await import('./tools/cli/webhooks.ts')).webhooksCommand,
  feeds: async () => (await import('./tools/cli/feeds.ts')).feedsCommand,
  replay: async () => (await import('./tools/cli/replay.ts')).replayCommand,
  verify: async () => (await import('./tools/cli/data.ts')).verifyCommand,
  snapshot: async () => (await import('./tools/cli/data.ts')).snapshotCommand,
  repair: async () => (await import('./tools/cli/data.ts')).repairCommand,
  backup: async () => (await import('./tools/cli/backup.ts')).backupCommand,
  restore: async () => (await import('./tools/cli/backup.ts')).restoreCommand,
  config: async () => (await import('./tools/cli/config.ts')).configCommand,
  log: async () => (await import('./tools/cli/log.ts')).logCommand,
  audit: async () => (await import('./tools/cli/audit.ts')).auditCommand,
  context: async () => (await import('./tools/cli/context.ts')).contextCommand,
  completion: async () => (await import('./tools/cli/completion.ts')).completionCommand(Object.keys(COMMANDS)),
  'dev-token': async () => (await import('./tools/cli/dev-token.ts')).devTokenCommand,
  doctor: async () => (await import('./tools/cli/doctor.ts')).doctorCommand,
};

const command = process.argv[2] ?? '';
if (command === 'start') {
  restartWithNodeOptions();
  stopSignal();
}

/** Commands that only print, and end when their output has no reader. The others act, check or run: they go on to their end and their own exit code. */
const PRINT: readonly string[] = [
  'book',
  'trades',
  'candles',
  'indicators',
  'calendar',
  'portfolio',
  'ledger',
  'drop-copy',
  'log',
  'audit',
  'top',
  'dev-token',
];
const explains = command === 'order' && process.argv[3] === 'explain';
const showsFeeds = command === 'feeds' && ['book', 'books', 'tail'].includes(process.argv[3]);
// A command below `account` other than these may act.
const showsAccount = command === 'account' && !['add', 'set', 'suspend', 'resume'].includes(process.argv[3]);
const lists = ['asset', 'symbol', 'sessions', 'context'].includes(command) && ['ls', 'show'].includes(process.argv[3]);
const showsAlerts = command === 'alerts' && ['ls', 'events'].includes(process.argv[3]);
const onlyPrints =
  (explains || showsFeeds || showsAlerts || lists || showsAccount || PRINT.includes(command)) &&
  process.argv[3] !== 'verify' &&
  !process.argv.includes('--compare');

// The reader of a pipe has closed it, as `head` does: that is no error. Output that cannot be written for another reason is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (command === 'start') return;
  if (error.code === 'EPIPE') {
    if (onlyPrints) process.exit();
    return;
  }
  process.stderr.write(`openbell: the output cannot be written: ${error.message}\n`);
  process.exit(ExitCode.Failed);
});
// Messages on stderr may be lost; nothing else can be done about that.
process.stderr.on('error', () => undefined);

// Not at the top level: the single executable's main script is CommonJS. Commander is loaded here, because `start` begins twice.
async function main(): Promise<void> {
  printErrorsAsJson(process.argv.includes('--json'));
  const commander = await import('commander');
  const program = createProgram(commander);
  for (const name of shownCommands()) {
    const add = await COMMANDS[name]();
    add(program);
  }
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof commander.CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? ExitCode.Ok : ExitCode.Usage;
    if (error.exitCode !== 0) reportUsage(error.message);
  }
}

/** The requested one; all of them for the help and for a name that does not exist. */
function shownCommands(): readonly string[] {
  if (command === '--version' || command === '-V') return [];
  // The command line that is being completed: openbell completion words -- COMMAND ...
  const completed = command === 'completion' && process.argv[3] === 'words' ? (process.argv[5] ?? '') : '';
  if (Object.hasOwn(COMMANDS, completed)) return [...new Set([command, completed])];
  return Object.hasOwn(COMMANDS, command) ? [command] : Object.keys(COMMANDS);
}

function createProgram(commander: typeof import('commander')): Command {
  return (
    new commander.Command('openbell')
      .description('An exchange in one process: order entry, market data, matching, journal.')
      .version(VERSION)
      .showHelpAfterError('(--help shows the commands and options)')
      // Commander ends with 1 for a wrong command line; here 1 means that the exchange rejected the request.
      .exitOverride()
      .addHelpText(
        'after',
        `
Exit codes: 0 ok, 1 rejected or a difference found, 2 wrong usage or configuration, 3 exchange unreachable.
With --json, a command that fails prints {"error": {"code", "message"}} on stdout; the text is on stderr.

Examples:
  openbell start --simulate
  openbell book BTC-USD
  openbell order buy 0.5 BTC-USD 59000.00
  openbell account 1`,
      )
  );
}

void main();
