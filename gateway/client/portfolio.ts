import { OpenbellError } from './errors.ts';
import { type HttpOptions, httpRequest } from './http-request.ts';

/** Which portfolio, and what its positions are valued at. */
export interface PortfolioToRead {
  /** Default: the account of the connection. */
  readonly account?: number;
  /** `venue` (default), `last`, `mid`, `reference`, or the name of an outside source of the exchange. */
  readonly mark?: string;
  /** Instruments of the outside source by symbol, where the names do not have the same letters and digits. */
  readonly instruments?: Readonly<Record<string, string>>;
}

/** The position of an account in a symbol. Amounts are decimal text: quantities in the base asset, money in the quote asset. */
export interface PortfolioPosition {
  readonly symbol: string;
  readonly quote: string;
  /** Bought less sold; below 0: short. */
  readonly position: string;
  /** Of the open position; left out if there is none. */
  readonly averagePrice?: string;
  /** What the open position cost, or a short one brought in; without fees. */
  readonly cost: string;
  /** Left out, as the next fields, if there is no mark now. */
  readonly mark?: string;
  readonly markKind?: 'last' | 'mid' | 'reference';
  /** Of an outside source, and when its price arrived, microseconds since the Unix epoch. */
  readonly markSource?: string;
  readonly markTimeUs?: number;
  /** At the mark; below 0: what a short position owes. Left out, as the next one and `profit`, if the open position has no mark. */
  readonly value?: string;
  readonly unrealised?: string;
  /** Profit of what was closed, before fees. */
  readonly realised: string;
  /** Fees less rebates. */
  readonly fees: string;
  /** Realised and unrealised profit, less fees. */
  readonly profit?: string;
  readonly boughtQuantity: string;
  readonly boughtValue: string;
  readonly soldQuantity: string;
  readonly soldValue: string;
  readonly fills: number;
  /** The last fill: number of its report, sequence and time (microseconds) of its command. */
  readonly reportNo: number;
  readonly seq: number;
  readonly timeUs: number;
}

/** Sums of the positions shown in one quote asset. */
export interface PortfolioTotal {
  readonly asset: string;
  readonly value: string;
  readonly unrealised: string;
  readonly realised: string;
  readonly fees: string;
  readonly profit: string;
  /** Open positions without a mark: their value and unrealised profit are missing. Left out: none. */
  readonly unmarked?: number;
}

export interface Portfolio {
  readonly account: number;
  readonly mark: string;
  /** Number of the account's last report that is included. */
  readonly reportNo: number;
  /** Further positions exist: ask for those of symbols after this one, with `after`. 0: there are none. */
  readonly next: number;
  /** Fills up to this report of the account are missing: the history no longer has them. */
  readonly lost?: number;
  /** The history lacks reports that were there when the question came. */
  readonly behind?: true;
  readonly totals: readonly PortfolioTotal[];
  /** By symbol, in the order of their ids. */
  readonly positions: readonly PortfolioPosition[];
}

/** Query parameters of the marks. */
export function markQuery({ mark, instruments }: PortfolioToRead): URLSearchParams {
  const query = new URLSearchParams();
  if (mark !== undefined) query.set('mark', mark);
  const pairs = Object.entries(instruments ?? {}).map((pair) => pair.join('='));
  if (pairs.length > 0) query.set('instruments', pairs.join(','));
  return query;
}

/** @throws OpenbellError NO_ACCOUNT */
export function portfolioAccount(account: number | undefined): number {
  if (account !== undefined) return account;
  throw new OpenbellError('NO_ACCOUNT', 'name the account of the portfolio, here or in connect({ account })');
}

/** @param after id of a symbol: `next` of the page before */
export async function readPortfolio(options: HttpOptions, account: number, wanted: PortfolioToRead, after = 0): Promise<Portfolio> {
  const query = markQuery(wanted);
  if (after > 0) query.set('after', String(after));
  return await httpRequest(options, `/v1/accounts/${account}/portfolio${query.size === 0 ? '' : `?${query}`}`);
}
