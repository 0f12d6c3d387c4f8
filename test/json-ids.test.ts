/** Ids in JSON: of orders, trades and executions they are text, in every schema. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { STREAMS } from '../gateway/endpoints/json/schemas/stream-channels.ts';
import { ADMIN_ROUTES } from './support/admin-routes.ts';

/** Ids that the exchange or a client counts on: they may pass what a number of other languages holds exactly. */
const COUNTED = /^(id|.*Id|.*Ids|clOrdId)$/;
/** Ids of definitions, which are small numbers. */
const DEFINED = new Set(['id', 'group', 'accountId']);
/** The administration has them as numbers, as all that it has beside text: docs/ADMIN.md. */
const ADMINISTRATION = /^\/v1\/(accounts\/|symbols\/:name\/cancel|cancel|groups)/;
/** A venue outside has its own ids. */
const OUTSIDE = /^(feeds|feed)/;

interface Found {
  readonly key: string;
  readonly schema: Schema;
}
interface Schema {
  readonly type?: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly additionalProperties?: Schema | boolean;
}

function* idsOf(schema: Schema): Generator<Found> {
  for (const [key, value] of Object.entries(schema.properties ?? {})) {
    if (COUNTED.test(key)) yield { key, schema: value.items ?? value };
    yield* idsOf(value);
  }
  const { items, anyOf = [], oneOf = [], allOf = [], additionalProperties } = schema;
  for (const part of [...anyOf, ...oneOf, ...allOf]) yield* idsOf(part);
  if (items !== undefined) yield* idsOf(items);
  if (typeof additionalProperties === 'object') yield* idsOf(additionalProperties);
}

const json = (schema: z.ZodType): Schema => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
const isText = ({ type, pattern }: Schema) => type === 'string' && pattern !== undefined;

test('ids in the answers over HTTP are text', () => {
  let checked = 0;
  for (const { method, path, answer } of ADMIN_ROUTES) {
    if (answer === undefined) continue;
    for (const { key, schema } of idsOf(json(answer))) {
      if (DEFINED.has(key)) continue;
      if (ADMINISTRATION.test(path)) continue;
      assert.ok(isText(schema), `${method} ${path}: ${key} is ${JSON.stringify(schema)}`);
      checked++;
    }
  }
  assert.ok(checked > 40, `${checked} ids`);
});

test('ids in messages are text, and in those of clients text or an exact number', () => {
  let checked = 0;
  for (const { name, messages } of STREAMS) {
    if (OUTSIDE.test(name)) continue;
    for (const { name: message, direction, schema } of messages)
      for (const { key, schema: its } of idsOf(json(schema))) {
        if (DEFINED.has(key)) continue;
        const allowed = isText(its) || (direction === 'client' && its.anyOf?.some(isText));
        assert.ok(allowed, `${name} ${message}: ${key} is ${JSON.stringify(its)}`);
        checked++;
      }
  }
  assert.ok(checked > 20, `${checked} ids`);
});
