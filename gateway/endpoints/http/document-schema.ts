import { z } from 'zod';
import { NAMES } from '../json/schemas/named.ts';

/** JSON of a document. */
export type Json = Readonly<Record<string, unknown>>;

/** A schema in a document: where it has a name, a reference to it. @param whole the schema that is written out, although it has a name */
export function jsonSchema(schema: z.core.$ZodType, whole?: z.core.$ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema: made }) => {
      const name = zodSchema === whole ? undefined : NAMES.get(zodSchema);
      if (name === undefined) return;
      for (const key of Object.keys(made)) delete made[key as keyof typeof made];
      made.$ref = `#/components/schemas/${name}`;
    },
  });
  return json;
}
