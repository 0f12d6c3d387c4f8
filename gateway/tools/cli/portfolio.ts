import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Portfolio, PortfolioPosition } from '../../client/index.ts';
import { accountId, clientOptions, connectionOptions, print, printJson, withClient } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';
import { interruption, outputTaken } from './followed.ts';
import { PORTFOLIO_HEAD, type PortfolioFlags, positionRow, showPortfolio } from './portfolio-lines.ts';

export function portfolioCommand(program: Command): void {
  const command = program
    .command('portfolio')
    .summary('positions of an account and their profit')
    .description('Shows the positions of an account by average cost, with realised and unrealised profit, and fees apart.')
    .addOption(new Option('-a, --account <id>', 'the account').default(1).env('OPENBELL_ACCOUNT').argParser(accountId))
    .option('--mark <mark>', 'what positions are valued at: venue, last, mid, reference, or the name of a feed of the exchange', 'venue')
    .option('--instrument <symbol=name>', "a symbol's instrument at the feed; may be given several times", addInstrument)
    .option('--follow', 'show what changes, until Ctrl-C')
    .option('--interval <seconds>', 'with --follow: at most one change of a position in this time', seconds, 1)
    .addOption(
      new Option(
        '--from-log <data>',
        'compute it from the log of a data directory that no exchange is using, and compare that with the history; exit code 1 if they differ',
      ).conflicts(['follow', 'instrument']),
    )
    .option('--config <file>', 'with --from-log: configuration file, for the capacities of a log that names none (before log version 2)')
    .addHelpText(
      'after',
      `
Sells beyond what was bought are a short position, also of lots that were deposited: docs/PORTFOLIO.md.

Examples:
  openbell portfolio
  openbell portfolio --account 2 --mark mid --follow
  openbell portfolio --mark kraken --instrument BTC-USD=XBT/USD
  openbell portfolio --account 2 --from-log ./data`,
    );
  connectionOptions(command).action(() =>
    run(async () => {
      const flags = command.opts<PortfolioFlags>();
      if (flags.config !== undefined && flags.fromLog === undefined)
        throw new CliError('--config needs --from-log: the exchange has its own configuration', ExitCode.Usage);
      if (flags.fromLog !== undefined) return (await import('./portfolio-log.ts')).portfolioFromLog(flags.fromLog, flags);
      if (flags.follow) await follow(flags);
      else showPortfolio(await allPages(flags), flags);
      return ExitCode.Ok;
    }),
  );
}

function wanted({ account, mark, instrument }: PortfolioFlags) {
  return { account, mark, ...(instrument !== undefined && { instruments: instrument }) };
}

/** Totals are of a page, so those of several are left out. */
function allPages(flags: PortfolioFlags): Promise<Portfolio> {
  return withClient(
    flags,
    async (client) => {
      let portfolio = await client.portfolio(wanted(flags));
      while (portfolio.next !== 0) {
        const { positions, ...page } = await client.portfolio({ ...wanted(flags), after: portfolio.next });
        portfolio = { ...page, totals: [], positions: [...portfolio.positions, ...positions] };
      }
      return portfolio;
    },
    true,
  );
}

async function follow(flags: PortfolioFlags): Promise<void> {
  const { connect } = await import('../../client/index.ts');
  const client = await connect(clientOptions(flags));
  const stop = interruption();
  stop.addEventListener('abort', () => void client.close(), { once: true });
  const shown = new Map<string, string>();
  try {
    const stream = client.followPortfolio({
      ...wanted(flags),
      intervalMs: flags.interval * 1000,
      onLost: ({ message }) => process.stderr.write(`openbell: ${message}; connecting again\n`),
    });
    for await (const portfolio of stream) {
      if (flags.json) printJson(portfolio);
      else for (const position of portfolio.positions) showChange(position, shown);
      await outputTaken(stop);
      if (stop.aborted) break;
    }
  } finally {
    await client.close();
  }
}

function showChange(position: PortfolioPosition, shown: Map<string, string>): void {
  const text = positionRow(position).join('  ');
  if (shown.get(position.symbol) === text) return;
  if (shown.size === 0) print(PORTFOLIO_HEAD.join('  '));
  shown.set(position.symbol, text);
  print(text);
}

function addInstrument(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [symbol, name, more] = text.split('=');
  if (!symbol || !name || more !== undefined || text.includes(','))
    throw new InvalidArgumentError('must be SYMBOL=NAME, such as BTC-USD=XBT/USD.');
  return { ...before, [symbol]: name };
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d{1,3})?$/.test(text) || value < 0.1 || value > 60) throw new InvalidArgumentError('must be 0.1 to 60 seconds.');
  return value;
}
