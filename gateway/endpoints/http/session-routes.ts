import { Code } from '../../../engine/codes.ts';
import { SESSION_KINDS, type SessionInfo, type SessionKind, type SessionSource } from '../../session-info.ts';
import { LongList } from '../json/json-pieces.ts';
import { OPEN_SESSIONS, SESSION_ENDED } from '../json/schemas/sessions.ts';
import { HttpError } from './http-error.ts';
import { LIMIT, oneOf, sessionId, wholeNumber } from './query-schemas.ts';
import { get, type Route, route } from './route.ts';

const MAX_ACCOUNT = 2 ** 32 - 1;
const LIST_QUERY = {
  kind: oneOf(SESSION_KINDS, 'Only sessions of this kind.').optional(),
  account: wholeNumber(1, MAX_ACCOUNT, { description: 'Only sessions of this account.' }).optional(),
  limit: LIMIT,
  after: sessionId('Only sessions behind this one: `next` of the page before.').optional(),
};

interface Selection {
  readonly kind?: SessionKind | undefined;
  readonly account?: number | undefined;
  readonly limit: number;
  readonly after?: { readonly kind: SessionKind; readonly number: number } | undefined;
}

/** The sessions that are open, and the end of one. */
export function sessionRoutes(sources: readonly SessionSource[]): Route[] {
  return [
    get({
      path: '/v1/sessions',
      summary: 'Open sessions of order entry, drop copies and readers of market data.',
      action: 'venue:reports',
      query: LIST_QUERY,
      answer: OPEN_SESSIONS,
      handle: async ({ query, inSlices }) => {
        const found = await inSlices(select(sources, query));
        const page = found.slice(0, query.limit);
        const last = page.at(-1);
        const next = found.length > page.length && last !== undefined ? idOf(last) : null;
        return { pieces: { sessions: new LongList(page.map(view)), next } };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/sessions/:session',
      summary:
        'Ends a session. An order session takes no more commands, and ends when those it has sent are answered, at the latest after 5 s.',
      action: 'venue:manage',
      guarded: true,
      answer: SESSION_ENDED,
      handle: ({ params }) => {
        const { data: id } = sessionId('').safeParse(params.session);
        if (id === undefined || !endOf(sources, id))
          throw new HttpError(
            404,
            Code.OK,
            'UNKNOWN_SESSION',
            `no session ${params.session.slice(0, 64)} is open; GET /v1/sessions lists them`,
          );
        return { json: { id: params.session, ended: true } };
      },
    }),
  ];
}

function endOf(sources: readonly SessionSource[], { kind, number }: { readonly kind: SessionKind; readonly number: number }): boolean {
  return sources.some((source) => source.kind === kind && source.endSession(number));
}

/** Up to one session more than a page has, in steps: there may be many readers. */
function* select(sources: readonly SessionSource[], { kind, account, limit, after }: Selection): Generator<undefined, SessionInfo[]> {
  const found: SessionInfo[] = [];
  const first = after === undefined ? 0 : SESSION_KINDS.indexOf(after.kind);
  for (const [at, each] of SESSION_KINDS.entries()) {
    if (at < first || (kind !== undefined && kind !== each)) continue;
    const above = after?.kind === each ? after.number : 0;
    for (const source of sources) {
      if (source.kind !== each) continue;
      for (const session of source.openSessions(above)) {
        yield;
        if (account !== undefined && session.account !== account) continue;
        found.push(session);
        if (found.length > limit) return found;
      }
    }
  }
  return found;
}

function idOf({ kind, number }: Pick<SessionInfo, 'kind' | 'number'>): string {
  return `${kind}-${number}`;
}

function view({ kind, number, sinceMs, ...session }: SessionInfo) {
  return { id: idOf({ kind, number }), kind, ...session, since: new Date(sinceMs).toISOString(), sinceUs: sinceMs * 1000 };
}
