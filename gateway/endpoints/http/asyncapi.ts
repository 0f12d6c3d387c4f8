import { VERSION } from '../../version.ts';
import type { MessageSpec } from '../json/schemas/message-spec.ts';
import { NAMES } from '../json/schemas/named.ts';
import type { StreamSpec } from '../json/schemas/stream-channels.ts';
import { type Json, jsonSchema } from './document-schema.ts';

/**
 * The document of the JSON streams over WebSocket, AsyncAPI 3, from the schemas that check their requests. `receive` is what the
 * exchange receives. A step per message and schema: see Slices.
 */
export function* asyncApi(streams: readonly StreamSpec[]): Generator<undefined, Json> {
  const channels: Record<string, Json> = {};
  const operations: Record<string, Json> = {};
  const messages: Record<string, Json> = {};
  const payloads: Record<string, Json> = {};
  for (const stream of streams) {
    channels[stream.name] = channelOf(stream);
    for (const [action, direction] of DIRECTIONS) {
      const own = stream.messages.filter((message) => message.direction === direction);
      if (own.length === 0) continue;
      operations[`${action}${capital(stream.name)}`] = {
        action,
        title: `${stream.title}: what the ${direction} sends`,
        channel: { $ref: `#/channels/${stream.name}` },
        messages: own.map((message) => ({ $ref: `#/channels/${stream.name}/messages/${keyOf(message)}` })),
      };
    }
    for (const message of stream.messages) {
      const { name, summary, schema } = message;
      const key = `${stream.name}${capital(keyOf(message))}`;
      messages[key] = { name, title: name, summary, contentType: 'application/json', payload: { $ref: `#/components/schemas/${key}` } };
      payloads[key] = jsonSchema(schema);
      yield;
    }
  }
  const schemas = { ...payloads, ...(yield* referenced(payloads)) };
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'openbell',
      version: VERSION,
      description:
        'The JSON streams of an exchange over WebSocket. Amounts are decimal text, ids are text. Unknown keys are rejected. `GET /openapi.json` describes the HTTP interface.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    defaultContentType: 'application/json',
    servers: {
      exchange: {
        host: '{host}:{port}',
        protocol: 'ws',
        description: 'The WebSocket port; `wss` where the exchange has a certificate.',
        variables: { host: { default: '127.0.0.1' }, port: { default: '7402' } },
        security: [{ $ref: '#/components/securitySchemes/token' }],
      },
    },
    channels,
    operations,
    components: {
      messages,
      schemas,
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A token, or the session token of an API key; a web page sends it as the subprotocol `openbell.bearer.TOKEN`. Not needed where authentication is off, nor for market data with --public-market-data.',
        },
      },
    },
  };
}

const DIRECTIONS = [
  ['receive', 'client'],
  ['send', 'server'],
] as const;

function channelOf({ name, path, title, description, query, messages }: StreamSpec): Json {
  const parameters = Object.entries(query);
  return {
    address: path,
    title,
    description,
    messages: Object.fromEntries(
      messages.map((message) => [keyOf(message), { $ref: `#/components/messages/${name}${capital(keyOf(message))}` }]),
    ),
    ...(parameters.length > 0 && {
      bindings: {
        ws: {
          query: {
            type: 'object',
            properties: Object.fromEntries(parameters.map(([key, schema]) => [key, jsonSchema(schema)])),
            required: parameters.filter(([, schema]) => !schema.safeParse(undefined).success).map(([key]) => key),
          },
          bindingVersion: '0.1.0',
        },
      },
    }),
  };
}

/** Requests and answers may have the same name, such as `time`. */
function keyOf({ name, direction }: MessageSpec): string {
  const words = name.split('-').map((word, i) => (i === 0 ? word : capital(word)));
  return direction === 'client' ? `${words.join('')}Request` : words.join('');
}

/** The schemas with names that others refer to, and those that these refer to. */
function* referenced(from: Readonly<Record<string, Json>>): Generator<undefined, Record<string, Json>> {
  const byName = new Map([...NAMES].map(([schema, name]) => [name, schema]));
  const found: Record<string, Json> = {};
  const pending: unknown[] = Object.values(from);
  while (pending.length > 0) {
    for (const [, name] of JSON.stringify(pending.pop()).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      const schema = byName.get(name);
      if (schema === undefined || name in found) continue;
      found[name] = jsonSchema(schema, schema);
      pending.push(found[name]);
      yield;
    }
  }
  return found;
}

function capital(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}
