import { z } from 'zod';
import { STREAMS } from '../json/schemas/stream-channels.ts';
import { asyncApi } from './asyncapi.ts';
import { openApi } from './openapi.ts';
import { get, type Request, type Route } from './route.ts';

/**
 * The documents of the interface: of HTTP at `/openapi.json`, of the JSON streams at `/asyncapi.json`. Each is made in slices at its
 * first request, so that no start waits for it, and kept as bytes: a text of this length would be encoded for each answer.
 * @param routes all routes; those of the documents are added
 */
export function withDocument(routes: readonly Route[]): Route[] {
  const documents: readonly Route[] = [
    documentRoute('/openapi.json', 'This interface, as a document of OpenAPI 3.1.', z.looseObject({ openapi: z.string() }), () =>
      openApi(all),
    ),
    documentRoute('/asyncapi.json', 'The JSON streams, as a document of AsyncAPI 3.', z.looseObject({ asyncapi: z.string() }), () =>
      asyncApi(STREAMS),
    ),
  ];
  const all: readonly Route[] = [...routes, ...documents];
  return [...all];
}

function documentRoute(path: string, summary: string, answer: z.ZodType, make: () => Generator<undefined, object>): Route {
  let bytes: Promise<Buffer> | undefined;
  return get({
    path,
    summary,
    action: 'market:read',
    public: true,
    answer,
    handle: async ({ inSlices }: Request) => {
      bytes ??= inSlices(documentBytes(make()));
      return { text: await bytes, type: 'application/json; charset=utf-8' };
    },
  });
}

function* documentBytes(work: Generator<undefined, object>): Generator<undefined, Buffer> {
  return Buffer.from(`${JSON.stringify(yield* work)}\n`);
}
