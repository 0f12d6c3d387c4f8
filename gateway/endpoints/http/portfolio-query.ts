import { z } from 'zod';
import { codeName } from '../../../engine/codes.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import { MOST_POSITIONS, type Portfolios, portfolioView } from '../../portfolio/portfolios.ts';
import { rejectText } from '../../reject.ts';
import { LongList } from '../json/json-pieces.ts';
import { PORTFOLIO } from '../json/schemas/accounts.ts';
import { accountOf } from './admin-queries.ts';
import { HttpError } from './http-error.ts';
import { wholeOr } from './query-schemas.ts';
import { statusOf } from './reject-status.ts';
import { get, type Route } from './route.ts';

const MAX_SYMBOL = 2 ** 32 - 1;

/** Positions of an account, and what they are worth. See docs/PORTFOLIO.md. */
export function portfolioRoute(directory: Directory, portfolios: Portfolios): Route {
  return get({
    path: '/v1/accounts/:id/portfolio',
    summary: 'Positions of an account, with average cost, profit and their totals.',
    action: 'account:read',
    query: {
      mark: z.string().optional().meta({ description: 'How positions are valued: docs/PORTFOLIO.md. Default `venue`.' }),
      instruments: z.string().optional().meta({ description: 'SYMBOL=INSTRUMENT, separated by commas, for a mark of an outside source.' }),
      limit: wholeOr(MOST_POSITIONS, 1, MOST_POSITIONS, 'Entries of a page.'),
      after: wholeOr(0, 0, MAX_SYMBOL, 'Continues after this symbol: `next` of the page before.'),
    },
    answer: PORTFOLIO,
    handle: async ({ params, query: { mark, instruments, limit, after }, caller, inSlices }) => {
      const { id } = accountOf(directory, params.id);
      const marking = portfolios.marking(mark, instruments);
      if ('code' in marking) throw new HttpError(statusOf(marking), marking.code, codeName(marking.code), rejectText(marking));
      const { page, behind } = await portfolios.read(id, after, limit, caller);
      const { positions, totals } = await inSlices(portfolios.inSteps(page, marking));
      return { pieces: { ...portfolioView(id, marking, page), behind, totals: new LongList(totals), positions: new LongList(positions) } };
    },
  });
}
