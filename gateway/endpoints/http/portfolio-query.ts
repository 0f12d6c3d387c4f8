import { codeName } from '../../../engine/codes.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import { MARK_PARAMETERS, MOST_POSITIONS, type Portfolios, portfolioView } from '../../portfolio/portfolios.ts';
import { rejectText } from '../../reject.ts';
import type { Route } from './admin-http.ts';
import { accountOf, get, wholeOf } from './admin-queries.ts';
import { HttpError } from './http-error.ts';
import { LongList } from './json-pieces.ts';
import { statusOf } from './reject-status.ts';

const MAX_SYMBOL = 2 ** 32 - 1;

/** Positions of an account, and what they are worth. See docs/PORTFOLIO.md. */
export function portfolioRoute(directory: Directory, portfolios: Portfolios): Route {
  return get('/v1/accounts/:id/portfolio', 'account:read', [...MARK_PARAMETERS, 'limit', 'after'], async (request) => {
    const { params, query, caller, inSlices } = request;
    const { id } = accountOf(directory, params.id);
    const marking = portfolios.marking(query);
    if ('code' in marking) throw new HttpError(statusOf(marking), marking.code, codeName(marking.code), rejectText(marking));
    const after = wholeOf(query, 'after', 0, 0, MAX_SYMBOL);
    const limit = wholeOf(query, 'limit', MOST_POSITIONS, 1, MOST_POSITIONS);
    const { page, behind } = await portfolios.read(id, after, limit, caller);
    const { positions, totals } = await inSlices(portfolios.inSteps(page, marking));
    return { pieces: { ...portfolioView(id, marking, page), behind, totals: new LongList(totals), positions: new LongList(positions) } };
  });
}
