import type { Directory } from '../../../engine/threads/directory.ts';
import { SubPhase } from '../../../engine/wire/layout.ts';
import { PHASE_NAMES, type PhaseName, SUB_PHASE_NAMES, type SubPhaseName } from '../../../engine/wire/names.ts';
import type { Place } from '../../config/config-place.ts';
import { PHASES } from '../../config/config-symbol.ts';
import { setPhase } from '../../venue/venue-commands.ts';
import { PHASE_SET, PHASES_SET } from '../json/schemas/venue.ts';
import { symbolNamed } from '../json/symbol-named.ts';
import { BODIES } from './action-bodies.ts';
import type { Post } from './action-route.ts';
import type { Run } from './command-runner.ts';
import { HttpError } from './http-error.ts';
import { readJsonBody } from './json-body.ts';
import type { Route } from './route.ts';

const SETTABLE_SUB_PHASES = ['pre-open', 'opening-auction', 'closing-auction'] as const satisfies readonly SubPhaseName[];
/** Commands without an answer at most: well below what the report hub awaits. */
const AT_ONCE = 512;
/** Symbols that the message of an error names; its fields have all. */
const NAMED = 20;

interface PhaseRequest {
  readonly phase: PhaseName;
  readonly subPhase?: SubPhaseName;
}

/** The actions with which the operator sets the phase of a symbol, or of many. */
export function phaseRoutes(directory: Directory, post: Post): Route[] {
  return [
    post(
      {
        path: '/v1/symbols/:name/phase',
        summary: 'Sets the phase of a symbol.',
        action: 'venue:manage',
        body: BODIES.phase,
        answer: PHASE_SET,
      },
      async ({ params, body }, run) => {
        const symbol = symbolNamed(directory, params.name);
        const requested = readJsonBody(body, (place) => readPhase(place.fields(['phase', 'sub-phase']), place));
        const { seq } = await run(command(symbol.id, requested));
        return { json: { symbol: symbol.name, phase: requested.phase, subPhase: requested.subPhase, seq } };
      },
    ),
    post(
      {
        path: '/v1/phases',
        summary: 'Sets the phase of several symbols, or of all.',
        action: 'venue:manage',
        body: BODIES.phases,
        answer: PHASES_SET,
      },
      async ({ body }, run) => {
        const { names, requested } = readJsonBody(body, readPhases);
        const ids = names === 'all' ? directory.symbolIds() : [...new Set(names)].map((name) => symbolNamed(directory, name).id);
        const symbols = await setAll(ids, requested, run, (id) => directory.symbol(id)?.name ?? `symbol ${id}`);
        return { json: { phase: requested.phase, subPhase: requested.subPhase, symbols } };
      },
    ),
  ];
}

/**
 * The commands of up to {@link AT_ONCE} symbols have one place in the log: nothing comes between them. A symbol that is refused does not keep
 * the others from their phase.
 * @throws HttpError that names the symbols that are refused, and those that have the phase
 */
async function setAll(ids: readonly number[], requested: PhaseRequest, run: Run, nameOf: (id: number) => string): Promise<number> {
  const set: string[] = [];
  const refused: { readonly symbol: string; readonly error: HttpError }[] = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const some = ids.slice(from, from + AT_ONCE);
    const answers = await Promise.allSettled(some.map((id) => run(command(id, requested))));
    for (const [i, answer] of answers.entries()) {
      const symbol = nameOf(some[i]);
      if (answer.status === 'fulfilled') set.push(symbol);
      else if (answer.reason instanceof HttpError) refused.push({ symbol, error: answer.reason });
      else throw answer.reason;
    }
  }
  if (refused.length > 0) throw partly(set, refused);
  return ids.length;
}

function partly(set: readonly string[], refused: readonly { readonly symbol: string; readonly error: HttpError }[]): HttpError {
  const [{ error }] = refused;
  const others = set.length === 0 ? 'no symbol has the phase' : `the phase is set for ${named(set)}`;
  const message = `${error.message} (${named(refused.map(({ symbol }) => symbol))}); ${others}`;
  const each = refused.map(({ symbol, error: its }) => ({ symbol, code: its.code, name: its.name }));
  return new HttpError(error.status, error.code, error.name, message, { ...error.fields, set, refused: each });
}

/** The first of them, and how many more. */
function named(names: readonly string[]): string {
  const more = names.length - NAMED;
  return more > 0 ? `${names.slice(0, NAMED).join(', ')} and ${more} more` : names.join(', ');
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
