import type { Directory } from '../../../engine/threads/directory.ts';
import type { SymbolInfo } from '../../../engine/threads/directory-info.ts';
import { PHASE_NAMES, subPhaseName } from '../../../engine/wire/names.ts';
import type { Boundary, Calendar } from '../../calendar/calendar.ts';
import { localText } from '../../calendar/local-time.ts';
import { CALENDAR } from '../json/schemas/venue.ts';
import { symbolNamed } from '../json/symbol-named.ts';
import { symbolView } from './admin-views.ts';
import { wholeOr } from './query-schemas.ts';
import { get, type Route } from './route.ts';

const DEFAULT_BOUNDARIES = 10;
const MAX_BOUNDARIES = 100;

/** The query of a symbol's calendar: the phase scheduled at present, and the next ones. */
export function calendarRoute(directory: Directory, calendarOf: (symbol: number) => Calendar | undefined, nowUs: () => number): Route {
  return get({
    path: '/v1/symbols/:name/calendar',
    summary: 'The calendar of a symbol: the phase scheduled at present, and the next ones.',
    action: 'market:read',
    public: true,
    query: { limit: wholeOr(DEFAULT_BOUNDARIES, 1, MAX_BOUNDARIES, 'Phases to come.') },
    answer: CALENDAR,
    handle: async ({ params, query, inSlices }) => {
      const symbol = symbolNamed(directory, params.name);
      const calendar = calendarOf(symbol.id);
      const boundaries = calendar === undefined ? [] : await inSlices(firstOf(calendar, nowUs(), query.limit));
      return { json: calendarView(symbol, calendar, boundaries) };
    },
  });
}

/** The boundary in force and the next ones. */
function* firstOf(calendar: Calendar, nowUs: number, next: number): Generator<undefined, Boundary[]> {
  const boundaries: Boundary[] = [];
  for (const boundary of calendar.boundaries(nowUs)) {
    if (boundaries.push(boundary) > next) break;
    yield;
  }
  return boundaries;
}

/** `phase` is the phase of the symbol, `scheduled` that of its calendar. They differ after a command of the operator. */
function calendarView(symbol: SymbolInfo, calendar: Calendar | undefined, boundaries: readonly Boundary[]) {
  const { phase, subPhase } = symbolView(symbol);
  const now = { symbol: symbol.name, phase, subPhase };
  if (calendar === undefined) return { ...now, calendar: null, next: [] };
  const { name, timeZone } = calendar.config;
  const [scheduled, ...next] = boundaries.map((boundary) => boundaryView(boundary, timeZone));
  const overridden =
    symbol.boundaryUs === boundaries[0].atUs && (symbol.phase !== boundaries[0].phase || symbol.subPhase !== boundaries[0].subPhase);
  return { ...now, calendar: name, timeZone, overridden, scheduled, next };
}

function boundaryView({ atUs, name, phase, subPhase, randomUs, sessionEndUs }: Boundary, timeZone: string) {
  return {
    at: localText(atUs, timeZone),
    atUs,
    name,
    phase: PHASE_NAMES[phase],
    subPhase: subPhaseName(subPhase),
    randomEndSeconds: randomUs === 0 ? undefined : randomUs / 1e6,
    sessionEnd: sessionEndUs === 0 ? undefined : localText(sessionEndUs, timeZone),
  };
}
