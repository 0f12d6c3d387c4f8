import type { z } from 'zod';

/** Schemas that the document has by name, under `#/components/schemas/`. */
export const NAMES = new Map<z.core.$ZodType, string>();

/** Gives a schema its name in the document. */
export function named<Schema extends z.ZodType>(name: string, schema: Schema): Schema {
  NAMES.set(schema, name);
  return schema;
}
