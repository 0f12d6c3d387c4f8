import type { Portfolio, PortfolioPosition } from '../../client/index.ts';
import { type ConnectionFlags, print, printJson, table } from './connection.ts';

export interface PortfolioFlags extends ConnectionFlags {
  readonly account: number;
  readonly mark: string;
  readonly instrument?: Readonly<Record<string, string>>;
  readonly follow?: true;
  readonly interval: number;
  readonly fromLog?: string;
  /** With `fromLog`: path of a configuration file, for its capacities. */
  readonly config?: string;
}

export const PORTFOLIO_HEAD = ['symbol', 'position', 'average', 'mark', 'value', 'unrealised', 'realised', 'fees', 'profit', 'in'];

/** Cells of a position, under {@link PORTFOLIO_HEAD}. */
export function positionRow(p: PortfolioPosition): string[] {
  const average = p.averagePrice ?? '-';
  return [p.symbol, p.position, average, p.mark ?? '-', p.value ?? '-', p.unrealised ?? '-', p.realised, p.fees, p.profit ?? '-', p.quote];
}

export function showPortfolio(portfolio: Portfolio, flags: { readonly json?: true }): void {
  if (flags.json) return printJson(portfolio);
  const { positions, totals, lost, behind, account } = portfolio;
  if (positions.length === 0) print(`account ${account} has no position`);
  else print(table([PORTFOLIO_HEAD, ...positions.map(positionRow)]));
  for (const { asset, unrealised, realised, fees, profit, unmarked } of totals) {
    const without = unmarked === undefined ? '' : `; ${unmarked} without a mark`;
    print(`total ${asset}: unrealised ${unrealised}, realised ${realised}, fees ${fees}, profit ${profit}${without}`);
  }
  if (lost !== undefined) print(`Fills up to report ${lost} of the account are missing: the history no longer has them.`);
  if (behind) print('The history is behind: the latest fills may be missing.');
}
