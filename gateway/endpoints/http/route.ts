import { z } from 'zod';
import { Code } from '../../../engine/codes.ts';
import type { Visit } from '../../identity/identity.ts';
import type { Action } from '../../identity/permissions.ts';
import type { Principal } from '../../identity/principal.ts';
import type { LongList } from '../json/json-pieces.ts';
import { shapeProblems } from '../json/shape-problems.ts';
import { queryProblem } from '../query-problem.ts';
import { HttpError } from './http-error.ts';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
/** Schemas of query parameters, by name: of text, which is undefined if the parameter is left out. */
export type QueryShape = Readonly<Record<string, z.ZodType>>;
export type QueryValues<Query extends QueryShape> = { readonly [Key in keyof Query]: z.output<Query[Key]> };

export interface Request<Query extends QueryShape = QueryShape, Body = Readonly<Record<string, unknown>>> {
  readonly method: string;
  /** Of the route's pattern: `/v1/accounts/:id` gives `id`. */
  readonly params: Readonly<Record<string, string>>;
  /** Checked by the route's schemas. */
  readonly query: QueryValues<Query>;
  /** Checked by the route's schema; an empty object without one. */
  readonly body: Body;
  /** A header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  readonly principal: Principal;
  /** Whose share of the limits and turns the request takes: the subject, or the address where authentication is off. */
  readonly caller: string;
  /** From where the caller comes, and what is asked; for the audit trail. */
  readonly visit: Pick<Visit, 'peer' | 'wants'>;
  /** Sequences of the commands that the request caused; for the audit trail. */
  readonly seqs: number[];
  /** Runs long work of the query in slices, in turn with that of other callers. */
  readonly inSlices: <T>(work: Generator<undefined, T>) => Promise<T>;
  /** Checks a right that depends on the request. @throws HttpError 403 */
  readonly demand: (action: Action, account: number) => void;
}

export type ShortReply =
  | { readonly status?: number; readonly json: unknown }
  | {
      readonly status?: number;
      readonly text: string | Buffer;
      readonly type: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

/** `pieces`: an answer with long lists, which is made in slices. */
export type Reply = ShortReply | { readonly status?: number; readonly pieces: Readonly<Record<string, unknown>> | LongList };

/**
 * A route: its schemas check requests, and make the document at /openapi.json. A new route is one of these in the list of a
 * file here, and its answer a schema in schemas/.
 */
export interface RouteOf<Query extends QueryShape = QueryShape, Body = Readonly<Record<string, unknown>>> {
  readonly method: Method;
  /** Segments; one that begins with a colon is a parameter, see schemas/parameters.ts. Of two patterns that fit a path, the first one in the list is served. */
  readonly path: string;
  /** What it does, in a line. */
  readonly summary: string;
  /** Query parameters; others are rejected. Default: none. */
  readonly query?: Query;
  /** Of a POST or PATCH; other keys are rejected. The handler gets the body as it was sent, so the schema must not change values. Default: there is none, or it is empty. */
  readonly body?: z.ZodType<Body>;
  /** Of the answer. */
  readonly answer: z.ZodType;
  /** Of success. Default 200. */
  readonly status?: 200 | 201;
  /** An action: each is recorded in the audit trail (the default), or its handler does that. */
  readonly recorded?: 'each' | 'by handler';
  /** Takes the header `Idempotency-Key`, and what that is. */
  readonly keyed?: 'text' | 'client order id';
  /** Market data of the venue, which `--public-market-data` opens and web pages of `--cors-origins` may read without a token. */
  readonly public?: true;
  /** Private or state-changing: closed to web pages, except queries with a token of pages of `--cors-origins`; see guard in admin-http.ts. */
  readonly guarded: boolean;
  /** The required right; with a parameter `id` in the path, for that account. */
  readonly action: Action;
  handle(request: Request<Query, Body>): Reply | Promise<Reply>;
}
export type Route = RouteOf;

/** A route with the types of its schemas. */
export function route<Query extends QueryShape = Record<never, never>, Body = Readonly<Record<string, unknown>>>(
  spec: RouteOf<Query, Body>,
): Route {
  return spec as unknown as Route;
}

type Query = Omit<RouteOf, 'method' | 'guarded' | 'query' | 'body' | 'handle'>;

/** A query. Those of accounts are private. */
export function get<Shape extends QueryShape = Record<never, never>>(spec: Query & Pick<RouteOf<Shape>, 'query' | 'handle'>): Route {
  return route({ ...spec, method: 'GET', guarded: spec.path.startsWith('/v1/accounts') });
}

const NO_QUERY: QueryShape = {};
/** The body of an action without parameters. */
const NO_BODY = z.strictObject({}, { error: 'unknown key; this action has no parameters' });

/** The values of a query. @throws HttpError 400 for a parameter that the route does not have, is given twice, or is wrong */
export function readQuery({ query: shape = NO_QUERY }: Route, query: URLSearchParams): QueryValues<QueryShape> {
  const names = queryProblem(query, Object.keys(shape));
  if (names !== undefined) throw badParameter(names);
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const { data, error } = schema.safeParse(query.get(name) ?? undefined);
    if (error !== undefined) throw badParameter(`${name} ${error.issues[0].message}`);
    values[name] = data;
  }
  return values;
}

/** @throws HttpError 400 for a query where there is none */
export function readNoQuery(query: URLSearchParams): void {
  const names = queryProblem(query, []);
  if (names !== undefined) throw badParameter(names);
}

/** The body as it was sent, which has the shape of the route's schema. @throws HttpError 400 with every problem */
export function readShape({ body: shape = NO_BODY }: Route, body: unknown): Readonly<Record<string, unknown>> {
  const { error } = shape.safeParse(body);
  if (error !== undefined) throw shapeProblems(error);
  return body as Readonly<Record<string, unknown>>;
}

function badParameter(message: string): HttpError {
  return new HttpError(400, Code.BAD_PARAMETER, 'BAD_PARAMETER', message);
}
