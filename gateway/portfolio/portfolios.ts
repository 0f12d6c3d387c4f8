import { setTimeout } from 'node:timers/promises';
import { Code } from '../../engine/codes.ts';
import type { Directory } from '../../engine/threads/directory.ts';
import type { Feeds } from '../../feeds/worker/feeds.ts';
import type { PortfolioPosition } from '../client/portfolio.ts';
import type { BookMirror } from '../market/book-mirror.ts';
import { type Reject, reject } from '../reject.ts';
import type { History } from '../taps/history/history.ts';
import { type PositionPage, unpackPositions } from '../taps/positions/position-queries.ts';
import { FeedMarks, type MarkOf, VENUE_MARKS, venueMarks } from './marks.ts';
import { AssetTotals, positionMoney, positionView } from './portfolio-view.ts';

export interface PortfolioSources {
  readonly directory: Directory;
  readonly history: History;
  /** The market data's copy of a book; undefined before its first event. */
  readonly book: (symbol: number) => BookMirror | undefined;
  /** Outside markets; undefined if none are configured. */
  readonly feeds: Feeds | undefined;
}

/** How positions are valued, as a caller names it. */
export interface Marking {
  readonly name: string;
  readonly of: MarkOf;
}

/** Positions of an answer, at most. */
export const MOST_POSITIONS = 1000;
/** Symbols whose instrument a caller can name, and characters of the list. */
const MOST_INSTRUMENTS = 256;
const MOST_QUOTED = 64;
/** How long an answer waits for the history, which is written with a delay: so often, and ms between two attempts. */
const ATTEMPTS = 25;
const ATTEMPT_MS = 20;

/** Query parameters that say how positions are valued. */
export const MARK_PARAMETERS = ['mark', 'instruments'] as const;

/** Portfolios of accounts: the positions of the history, valued at marks. See docs/PORTFOLIO.md. I/O thread. */
export class Portfolios {
  readonly #sources: PortfolioSources;
  readonly #feedMarks: FeedMarks | undefined;

  constructor(sources: PortfolioSources) {
    this.#sources = sources;
    this.#feedMarks = sources.feeds && new FeedMarks(sources.feeds);
  }

  /** Number of the account's last report. */
  lastReportNo(account: number): number {
    return this.#sources.directory.lastReportNo(account);
  }

  accountExists(account: number): boolean {
    return this.#sources.directory.accountExists(account);
  }

  /**
   * How positions are valued, as a query names it by `mark` and `instruments`.
   * @returns or why they are wrong
   */
  marking(name: string = 'venue', pairs?: string): Marking | Reject {
    const venue = VENUE_MARKS.find((mark) => mark === name);
    if (venue !== undefined) {
      if (pairs !== undefined) return bad('instruments are those of an outside source: name it with mark');
      return { name, of: venueMarks(venue, this.#sources.book) };
    }
    const known = this.#feedMarks?.sources ?? [];
    const source = known.indexOf(name);
    if (this.#feedMarks === undefined || source === -1)
      return bad(`mark must be ${[...VENUE_MARKS, ...known].join(', ')}, not ${name.slice(0, MOST_QUOTED)}`);
    const instruments = this.#instruments(pairs);
    return instruments instanceof Map ? { name, of: this.#feedMarks.of(source, name, instruments) } : instruments;
  }

  /** The account's positions once the history has the reports that the account has been sent, or as they are after half a second. */
  async read(account: number, after: number, limit: number, caller: string): Promise<{ page: PositionPage; behind?: true }> {
    const { history } = this.#sources;
    const atLeast = this.lastReportNo(account);
    for (let left = ATTEMPTS; left > 0; left--) {
      const page = await history.positions({ account, after, limit }, atLeast, caller);
      if (page !== undefined) return { page };
      await setTimeout(ATTEMPT_MS);
    }
    return { page: await this.readNow(account, after, limit, caller), behind: true };
  }

  /** The account's positions as of the last commit of the history. */
  async readNow(account: number, after: number, limit: number, caller: string): Promise<PositionPage> {
    return (await this.#sources.history.positions({ account, after, limit }, 0, caller)) as PositionPage;
  }

  /** Values the positions of a page, one per step: see Slices. */
  *inSteps(page: PositionPage, marking: Marking) {
    const totals = new AssetTotals();
    const positions: PortfolioPosition[] = [];
    for (const { symbol: id, position } of unpackPositions(page)) {
      const symbol = this.#sources.directory.symbol(id);
      if (symbol === undefined) continue;
      const mark = marking.of(symbol);
      const money = positionMoney(symbol, position, mark);
      positions.push(positionView(symbol, position, mark, money));
      totals.add(money);
      yield;
    }
    return { positions, totals: totals.views() };
  }

  #instruments(pairs: string | undefined): Map<string, string> | Reject {
    const instruments = new Map<string, string>();
    for (const pair of pairs === undefined ? [] : pairs.split(',', MOST_INSTRUMENTS + 1)) {
      const [symbol, instrument, more] = pair.split('=');
      if (!symbol || !instrument || more !== undefined)
        return bad(`instruments must be SYMBOL=INSTRUMENT, separated by commas, not ${pair.slice(0, MOST_QUOTED)}`);
      if (this.#sources.directory.symbolByName(symbol) === undefined)
        return bad(`instruments: there is no symbol ${symbol.slice(0, MOST_QUOTED)}`);
      instruments.set(symbol, instrument);
    }
    if (instruments.size > MOST_INSTRUMENTS) return bad(`instruments can be given for ${MOST_INSTRUMENTS} symbols at most`);
    return instruments;
  }
}

/** The JSON of a portfolio, without what depends on the endpoint. */
export function portfolioView(account: number, { name }: Marking, { reportNo, next, lost }: PositionPage) {
  return { account, mark: name, reportNo, next, ...(lost !== undefined && { lost }) };
}

function bad(text: string): Reject {
  return reject(Code.BAD_PARAMETER, text);
}
