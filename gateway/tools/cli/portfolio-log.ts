import { dataDirectoryError } from '../../../engine/journal/disk.ts';
import { CAPACITIES, CapacityError, type Limits, resolveLimits } from '../../../engine/limits.ts';
import type { Exchange } from '../../../engine/machine/exchange.ts';
import { firstLoggedSeq } from '../../../engine/threads/log-start.ts';
import { lastConfiguration, unloggedCapacities, withLargestCapacities } from '../../../engine/threads/logged-configurations.ts';
import { replayReports } from '../../../engine/threads/replay-reports.ts';
import { ReportKind } from '../../../engine/wire/layout.ts';
import { limitsOf, loadConfig } from '../../config/config.ts';
import { type VenueMark, venueMarks } from '../../portfolio/marks.ts';
import { AssetTotals, positionMoney, positionView } from '../../portfolio/portfolio-view.ts';
import { type HistoryStore, openHistory } from '../../taps/history/store.ts';
import { checkStore } from '../../taps/history/store-check.ts';
import { PositionAudit } from '../../taps/positions/position-audit.ts';
import { print, printJson } from './connection.ts';
import { counted } from './counted.ts';
import { lockToCheck, mustExist } from './data.ts';
import { CliError, ExitCode } from './exit.ts';
import { type PortfolioFlags, showPortfolio } from './portfolio-lines.ts';
import { Progress } from './progress.ts';
import { directoryOf } from './state-directory.ts';

/** Marks that a replay has: there is no market data. */
const MARKS: readonly string[] = ['venue', 'last', 'reference'] satisfies VenueMark[];
/** Differences that are named. */
const MOST_NAMED = 20;

/** Computes the portfolio of the account from the log alone, and compares all positions of the history with those of the log. */
export async function portfolioFromLog(data: string, flags: PortfolioFlags): Promise<ExitCode> {
  if (!MARKS.includes(flags.mark)) throw new CliError(`--from-log has the marks ${MARKS.join(', ')}, not ${flags.mark}`, ExitCode.Usage);
  mustExist(data);
  const lock = await lockToCheck(data);
  try {
    const { absence, ...portfolio } = await loggedPortfolio(data, flags);
    if (flags.json) printJson(portfolio);
    else {
      for (const message of portfolio.messages) print(message);
      showPortfolio(portfolio, flags);
      print(absence ?? comparisonText(portfolio));
    }
    return portfolio.differences.length === 0 ? ExitCode.Ok : ExitCode.Failed;
  } catch (error) {
    throw dataDirectoryError(data, error);
  } finally {
    lock.release();
  }
}

/**
 * The portfolio of an account from the log of a data directory that is locked, with the differences to its history.
 * @returns `messages` warn of figures that are uncertain; `absence` says why there is no history to compare with
 * @throws CliError, errors of the log as at a start
 */
export async function loggedPortfolio(data: string, flags: PortfolioFlags) {
  const first = firstLoggedSeq(data);
  if (first !== 1)
    throw new CliError(
      `the log begins with command ${first}: older segments were removed (--log-keep), and positions cannot be computed without their fills`,
      ExitCode.Failed,
    );
  const { store, absence } = await historyOf(data);
  try {
    const { audit, exchange } = replay(data, store, flags);
    const messages = unloggedCapacities(exchange, exchange.seq);
    return { ...viewOf(exchange, audit, flags), ...comparison(audit, store), messages, absence };
  } finally {
    await store?.root.close();
  }
}

/** A history with positions, or why there is none. */
type History = { readonly store: HistoryStore; readonly absence?: undefined } | { readonly store?: undefined; readonly absence: string };

/** LMDB must not meet a damaged file, so it is checked first. @throws CliError if it is damaged */
async function historyOf(data: string): Promise<History> {
  const { fault, watermark } = checkStore(data);
  if (fault !== undefined)
    throw new CliError(`the history is damaged (${fault}): the next start sets it aside and builds it again from the log`, ExitCode.Failed);
  if (watermark === 0) return { absence: 'There is no history to compare with.' };
  const store = openHistory(data, true);
  // lmdb returns undefined for a database that is not there, as in a store of an earlier release.
  const { positions, positionBases }: Partial<HistoryStore> = store;
  if (positions !== undefined && positionBases !== undefined) return { store };
  await store.root.close();
  return {
    absence:
      'The history has no positions yet, because an earlier release wrote it: there is nothing to compare with. Start the exchange once, and it computes them.',
  };
}

function replay(data: string, store: HistoryStore | undefined, { config }: PortfolioFlags): { audit: PositionAudit; exchange: Exchange } {
  let limits: Limits = resolveLimits(limitsOf(loadConfig({ flags: { config }, env: process.env }), lastConfiguration(data)));
  const progress = new Progress('replaying');
  for (let isAgain = false; ; isAgain = true) {
    const audit = new PositionAudit(store);
    try {
      const exchange = replayReports(
        data,
        limits,
        (report) => {
          if (report.kind === ReportKind.Fill) audit.fill(report);
        },
        (seq) => progress.show(`command ${seq.toLocaleString('en')}`),
      );
      return { audit, exchange };
    } catch (error) {
      if (isAgain || !(error instanceof CapacityError)) throw error;
      // An earlier configuration of the log had larger capacities.
      const { needed } = withLargestCapacities(data, error, limits);
      limits = { ...limits, ...Object.fromEntries(CAPACITIES.map((name) => [name, Math.max(limits[name], needed[name])])) };
    } finally {
      progress.end();
    }
  }
}

function viewOf(exchange: Exchange, audit: PositionAudit, { account, mark: name }: PortfolioFlags) {
  const { seq } = exchange;
  const directory = directoryOf(exchange);
  const markOf = venueMarks(name as VenueMark, () => undefined);
  const totals = new AssetTotals();
  const positions = audit.positionsOf(account).flatMap(({ symbol: id, position }) => {
    const symbol = directory.symbol(id);
    if (symbol === undefined) return [];
    const mark = markOf(symbol);
    const money = positionMoney(symbol, position, mark);
    totals.add(money);
    return [positionView(symbol, position, mark, money)];
  });
  return { account, mark: name, reportNo: directory.lastReportNo(account), next: 0, seq, totals: totals.views(), positions };
}

function comparison(audit: PositionAudit, store: HistoryStore | undefined) {
  return { compared: store !== undefined, notCompared: audit.lost(), differences: audit.differences() };
}

function comparisonText({ notCompared, differences }: ReturnType<typeof comparison>): string {
  const lost =
    notCompared.length === 0 ? '' : ` Not compared, because the history has lost fills: ${counted(notCompared.length, 'account')}.`;
  if (differences.length === 0) return `The positions of the history are those of the log.${lost}`;
  const named = differences.slice(0, MOST_NAMED).map(({ account, symbol }) => `account ${account} symbol ${symbol}`);
  const more = differences.length > MOST_NAMED ? ' ...' : '';
  return `${counted(differences.length, 'position')} of the history ${differences.length === 1 ? 'is NOT that' : 'are NOT those'} of the log: ${named.join(', ')}${more}.${lost}`;
}
