import { z } from 'zod';
import { openApi } from './openapi.ts';
import { get, type Route } from './route.ts';

const DOCUMENT = z.looseObject({ openapi: z.string() });

/**
 * The document of the HTTP interface, at `/openapi.json`. It is made in slices at its first request, so that no start waits for it, and
 * kept as text.
 * @param routes all routes; this one is added
 */
export function withDocument(routes: readonly Route[]): Route[] {
  let text: Promise<string> | undefined;
  const document = get({
    path: '/openapi.json',
    summary: 'This interface, as a document of OpenAPI 3.1.',
    action: 'market:read',
    public: true,
    answer: DOCUMENT,
    handle: async ({ inSlices }) => {
      text ??= inSlices(documentText(all));
      return { text: await text, type: 'application/json; charset=utf-8' };
    },
  });
  const all: readonly Route[] = [...routes, document];
  return [...all];
}

function* documentText(routes: readonly Route[]): Generator<undefined, string> {
  return `${JSON.stringify(yield* openApi(routes))}\n`;
}
