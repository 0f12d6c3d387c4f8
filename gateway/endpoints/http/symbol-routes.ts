import { z } from 'zod';
import { get, type QueryShape, type Request, type Route, type RouteOf } from './route.ts';

/** The symbol as a parameter of the query. */
export const SYMBOL = z
  .string({ error: 'is required: the name of a symbol' })
  .meta({ description: 'Name of the symbol.', examples: ['BTC-USD'] });

interface SymbolRoute<Query extends QueryShape> extends Pick<RouteOf, 'summary' | 'action' | 'public' | 'answer'> {
  /** Paths with the name in the path, as `:name`, and in the query, as `symbol`. */
  readonly paths: readonly [named: string, queried: string];
  readonly query: Query;
  readonly handle: (name: string, request: Request<Query>) => ReturnType<Route['handle']>;
}

/** The same query of a symbol at two paths. */
export function ofSymbol<Query extends QueryShape>({ paths, query, handle, ...spec }: SymbolRoute<Query>): Route[] {
  const [named, queried] = paths;
  return [
    get({ ...spec, path: named, query, handle: (request) => handle(request.params.name, request) }),
    get({
      ...spec,
      path: queried,
      query: { symbol: SYMBOL, ...query },
      handle: (request) => handle((request.query as { symbol: string }).symbol, request as unknown as Request<Query>),
    }),
  ];
}
