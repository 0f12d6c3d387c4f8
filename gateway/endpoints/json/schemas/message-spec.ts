import type { z } from 'zod';

/** A message of a stream, for its document. */
export interface MessageSpec {
  readonly name: string;
  readonly direction: 'client' | 'server';
  /** What it is for, in a line. */
  readonly summary: string;
  readonly schema: z.ZodType;
}

/** A message that clients send. */
export const client = (name: string, schema: z.ZodType, summary: string): MessageSpec => ({ name, direction: 'client', summary, schema });
/** A message that the exchange sends. */
export const server = (name: string, schema: z.ZodType, summary: string): MessageSpec => ({ name, direction: 'server', summary, schema });
