import type { Directory } from '../../../engine/threads/directory.ts';
import { SubPhase } from '../../../engine/wire/layout.ts';
import { PHASE_NAMES, type PhaseName, SUB_PHASE_NAMES, type SubPhaseName } from '../../../engine/wire/names.ts';
import type { Place } from '../../config/config-place.ts';
import { PHASES } from '../../config/config-symbol.ts';
import type { Action } from '../../identity/permissions.ts';
import { setPhase } from '../../venue/venue-commands.ts';
import { BODIES } from './action-bodies.ts';
import type { Reply, Request, Route } from './admin-http.ts';
import { symbolNamed } from './admin-queries.ts';
import type { Run } from './command-runner.ts';
import { readJsonBody } from './json-body.ts';

/** Adds an action. */
type Post = (path: string, action: Action, handle: (request: Request, run: Run) => Promise<Reply>) => Route;

const SETTABLE_SUB_PHASES = ['pre-open', 'opening-auction', 'closing-auction'] as const satisfies readonly SubPhaseName[];
/** Commands without an answer at most: well below what the report hub awaits. */
const AT_ONCE = 512;

interface PhaseRequest {
  readonly phase: PhaseName;
  readonly subPhase?: SubPhaseName;
}

/** The actions with which the operator sets the phase of a symbol, or of many. */
export function phaseRoutes(directory: Directory, post: Post): Route[] {
  return [
    post('/v1/symbols/:name/phase', 'venue:manage', async ({ params, body }, run) => {
      const symbol = symbolNamed(directory, params.name);
      const requested = readJsonBody(body, BODIES.phase, (place) => readPhase(place.fields(['phase', 'sub-phase']), place));
      const { seq } = await run(command(symbol.id, requested));
      return { json: { symbol: symbol.name, phase: requested.phase, subPhase: requested.subPhase, seq } };
    }),
    post('/v1/phases', 'venue:manage', async ({ body }, run) => {
      const { names, requested } = readJsonBody(body, BODIES.phases, readPhases);
      const ids = names === 'all' ? directory.symbolIds() : [...new Set(names)].map((name) => symbolNamed(directory, name).id);
      const symbols = await setAll(ids, requested, run);
      return { json: { phase: requested.phase, subPhase: requested.subPhase, symbols } };
    }),
  ];
}

/** The commands of up to {@link AT_ONCE} symbols have one place in the log: nothing comes between them. A symbol that is refused does not keep the others from their phase. */
async function setAll(ids: readonly number[], requested: PhaseRequest, run: Run): Promise<number> {
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const answers = await Promise.allSettled(ids.slice(from, from + AT_ONCE).map((id) => run(command(id, requested))));
    const refused = answers.find((answer) => answer.status === 'rejected');
    if (refused !== undefined) throw refused.reason;
  }
  return ids.length;
}

function command(symbol: number, { phase, subPhase }: PhaseRequest) {
  return setPhase(symbol, PHASES[phase], subPhase === undefined ? SubPhase.None : SUB_PHASE_NAMES.indexOf(subPhase));
}

function readPhases(place: Place): { readonly names: readonly string[] | 'all'; readonly requested: PhaseRequest } | undefined {
  const fields = place.fields(['symbols', 'phase', 'sub-phase']);
  const requested = readPhase(fields, place);
  if (fields === undefined || requested === undefined) return undefined;
  if (fields.symbols === undefined) return place.missing('symbols');
  if (!fields.symbols.isList)
    return fields.symbols.text() === 'all' ? { names: 'all', requested } : fields.symbols.fail('must be a list, or all');
  const names = fields.symbols.items().flatMap((item) => item.text() ?? []);
  return { names, requested };
}

function readPhase(fields: Partial<Record<'phase' | 'sub-phase', Place>> | undefined, place: Place): PhaseRequest | undefined {
  if (fields === undefined) return undefined;
  if (fields.phase === undefined) return place.missing('phase');
  const phase = fields.phase.oneOf(PHASE_NAMES);
  const subPhase = fields['sub-phase']?.oneOf(SETTABLE_SUB_PHASES);
  if (subPhase === undefined) return phase && { phase };
  if (phase !== undefined && phase !== 'auction') return fields['sub-phase']?.fail(`needs phase auction, not ${phase}`);
  return phase && { phase, subPhase };
}
