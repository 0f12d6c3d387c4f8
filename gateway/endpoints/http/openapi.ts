import type { z } from 'zod';
import { may } from '../../identity/permissions.ts';
import { type Principal, ROLES } from '../../identity/principal.ts';
import { VERSION } from '../../version.ts';
import { NAMES } from '../json/schemas/named.ts';
import { pathParameter } from '../json/schemas/parameters.ts';
import { PROBLEM } from '../json/schemas/problem.ts';
import { CHALLENGE, CHALLENGE_BODY, LIVE, NOT_READY, READY, SESSION, SESSION_BODY } from '../json/schemas/service.ts';
import { type Json, jsonSchema } from './document-schema.ts';
import type { Route } from './route.ts';

/** Statuses of errors, and when they come. */
const ERRORS: Readonly<Record<number, string>> = {
  400: 'A value is wrong: BAD_PARAMETER, BAD_RANGE, BAD_ENUM, CAPACITY, BAD_JSON, BAD_PATH, BAD_IDEMPOTENCY_KEY.',
  401: 'UNAUTHENTICATED: no credentials, or no valid ones.',
  403: 'PERMISSION_DENIED; or the request came from a web page: CROSS_SITE, UNKNOWN_HOST.',
  404: 'UNKNOWN_ACCOUNT, UNKNOWN_SYMBOL, UNKNOWN_ASSET, UNKNOWN_ORDER and others: there is no such thing.',
  409: 'The state of the exchange does not allow it, such as INSUFFICIENT_FUNDS or WRONG_PHASE.',
  413: 'BODY_TOO_LARGE: more than 64 KiB.',
  415: 'NOT_JSON, ENCODED_BODY: the body is not plain JSON in UTF-8.',
  429: 'TOO_MANY_REQUESTS: a limit of the caller.',
  503: 'BUSY, DISK_FULL, DRAINING, RECOVERING: try again.',
  504: 'NO_ANSWER: the request may or may not take effect.',
};
const OF_ALL = [400, 401, 403, 429, 503];
const OF_BODIES = [409, 413, 415, 504];
const LIMITED_HEADERS = Object.fromEntries(
  ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'].map((header) => [header, { $ref: `#/components/headers/${header}` }]),
);

const TAGS: Readonly<Record<string, string>> = {
  Market: 'Assets, symbols, books, trades, candles and indicators.',
  Trading: 'Orders of an account, over REST.',
  Accounts: 'Balances, orders, fills, reports and portfolios of an account.',
  Alerts: 'Alerts and webhooks of an account.',
  Feeds: 'Outside markets, and reference prices from them.',
  Operation: 'What the operator does: assets, symbols, accounts, phases, limits and kill switches.',
  Service: 'Health, metrics, this document, and sessions of API keys.',
};

/**
 * The document of the HTTP interface, OpenAPI 3.1, from the schemas that check its requests. A step per route and per schema: see
 * Slices.
 */
export function* openApi(routes: readonly Route[]): Generator<undefined, Json> {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [path, operations] of Object.entries(serviceOperations())) paths[path] = { ...operations };
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operation(route);
    yield;
  }
  const schemas: Record<string, Json> = {};
  for (const [schema, name] of NAMES) {
    schemas[name] = jsonSchema(schema, schema);
    yield;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'openbell',
      version: VERSION,
      summary: 'The HTTP interface of an exchange.',
      description:
        'Amounts are decimal text, and exact integers beside it (`...Units`, `...Ticks`, `...Lots`). Unknown keys and query parameters are rejected. Errors are problems (RFC 9457) with a stable `name`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, {}],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas,
      headers: {
        'RateLimit-Limit': { description: 'Requests that the caller may send at once.', schema: { type: 'integer' } },
        'RateLimit-Remaining': { description: 'Those that are left.', schema: { type: 'integer' } },
        'RateLimit-Reset': { description: 'Seconds until all are there again.', schema: { type: 'integer' } },
      },
      responses: Object.fromEntries(Object.entries(ERRORS).map(([status, description]) => [`Error${status}`, errorResponse(description)])),
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'A token, or the session token of an API key (docs/SECURITY.md). Not needed where authentication is off.',
        },
      },
    },
  };
}

function operation(route: Route): Json {
  const { method, path, summary, body, answer, status = 200, keyed, action } = route;
  const segments = path.split('/');
  const inPath = segments.flatMap((segment, i) =>
    segment.startsWith(':')
      ? [{ name: segment.slice(1), in: 'path', required: true, ...pathParameter(segment.slice(1), segments[i - 1]) }]
      : [],
  );
  const inQuery = Object.entries(route.query ?? {}).map(([name, schema]) => {
    const { description, ...rest } = jsonSchema(schema);
    return {
      name,
      in: 'query',
      required: !schema.safeParse(undefined).success,
      ...(description !== undefined && { description }),
      schema: rest,
    };
  });
  const parameters = [...inPath, ...inQuery, ...(keyed === undefined ? [] : [KEYS[keyed]])];
  const errors = [...OF_ALL, ...(inPath.length > 0 ? [404] : []), ...(method === 'GET' ? [] : OF_BODIES)];
  return {
    operationId: operationId(route),
    summary,
    description: `Right \`${action}\`: ${rolesOf(route).join(', ')}.`,
    tags: [tagOf(route)],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(body) } } } }),
    responses: {
      [status]: { description: summary, headers: LIMITED_HEADERS, content: { 'application/json': { schema: jsonSchema(answer) } } },
      ...Object.fromEntries(errors.map((each) => [each, { $ref: `#/components/responses/Error${each}` }])),
    },
  };
}

const KEYS: Readonly<Record<NonNullable<Route['keyed']>, Json>> = {
  text: {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'A request that is repeated with its key takes effect once. 1 to 255 visible ASCII characters, such as a UUID.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
  'client order id': {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'Another way to send `clOrdId`, so a whole number from 1. A request that is repeated with it places its order once.',
    schema: { type: 'string', pattern: '^[1-9][0-9]{0,15}$' },
  },
};

function errorResponse(description: string): Json {
  return { description, content: { 'application/problem+json': { schema: jsonSchema(PROBLEM) } } };
}

/** `GET /v1/symbols/:name/candles` is getSymbolsByNameCandles. */
function operationId({ method, path }: Route): string {
  const words = path
    .split(/[/\-.]/)
    .filter((word) => word !== '' && word !== 'v1')
    .map((word) => (word.startsWith(':') ? `By${capital(word.slice(1))}` : capital(word)));
  return `${method.toLowerCase()}${words.join('')}`;
}

function capital(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}

function tagOf({ path, method, action }: Route): string {
  if (action === 'alert:use') return 'Alerts';
  if (path.startsWith('/v1/feeds') || path.startsWith('/v1/references')) return 'Feeds';
  if (/^\/v1\/(orders|account|fills|ledger)\b/.test(path)) return 'Trading';
  if (action === 'venue:reports' || method !== 'GET') return 'Operation';
  return action === 'account:read' || path === '/v1/accounts' ? 'Accounts' : path.startsWith('/v1') ? 'Market' : 'Service';
}

/** The roles that have the right, for an account that they may be given. */
function rolesOf({ action }: Route): string[] {
  const holder = (role: (typeof ROLES)[number]): Principal => ({
    subject: '',
    roles: new Set([role]),
    accounts: new Set([1]),
    all: true,
    via: 'token',
    expiresAt: Number.POSITIVE_INFINITY,
  });
  return ROLES.filter((role) => may(holder(role), action, 1));
}

const OPEN = { security: [], tags: ['Service'] };
const json = (schema: z.ZodType, description: string) => ({ description, content: { 'application/json': { schema: jsonSchema(schema) } } });

/** What is answered without a token, and has no route. */
function serviceOperations(): Readonly<Record<string, Readonly<Record<string, Json>>>> {
  return {
    '/health/live': {
      get: {
        ...OPEN,
        operationId: 'getHealthLive',
        summary: 'Whether the process serves requests.',
        responses: { 200: json(LIVE, 'It does.'), 400: { $ref: '#/components/responses/Error400' } },
      },
    },
    '/health/ready': {
      get: {
        ...OPEN,
        operationId: 'getHealthReady',
        summary: 'Whether the exchange takes orders.',
        responses: { 200: json(READY, 'It does.'), 503: json(NOT_READY, 'It does not.'), 400: { $ref: '#/components/responses/Error400' } },
      },
    },
    '/metrics': {
      get: {
        ...OPEN,
        operationId: 'getMetrics',
        summary: 'Metrics for Prometheus.',
        responses: {
          200: { description: 'Text in the format of Prometheus.', content: { 'text/plain': { schema: { type: 'string' } } } },
          400: { $ref: '#/components/responses/Error400' },
        },
      },
    },
    '/v1/auth/challenge': {
      post: {
        ...OPEN,
        operationId: 'postAuthChallenge',
        summary: 'Begins the session of an API key: what is to be signed.',
        requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(CHALLENGE_BODY) } } },
        responses: { 200: json(CHALLENGE, 'Sign it.'), ...authErrors() },
      },
    },
    '/v1/auth/session': {
      post: {
        ...OPEN,
        operationId: 'postAuthSession',
        summary: 'Gives the session token of an API key.',
        requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(SESSION_BODY) } } },
        responses: { 200: json(SESSION, 'Send it as a bearer token.'), ...authErrors() },
      },
    },
  };
}

function authErrors(): Json {
  return Object.fromEntries([400, 401, 413, 415, 429].map((status) => [status, { $ref: `#/components/responses/Error${status}` }]));
}
