import { z } from 'zod';
import { named } from './named.ts';
import { whole } from './values.ts';

/** The JSON of every error (RFC 9457). */
export const PROBLEM = named(
  'Problem',
  z
    .looseObject({
      type: z.string().meta({ description: 'Identifies the kind of error, by its name.' }),
      title: z.string().meta({ description: 'The name in words.' }),
      status: whole.meta({ description: 'The HTTP status.' }),
      detail: z.string().meta({ description: 'What is wrong, and what to do.' }),
      code: whole.meta({ description: 'Number of docs/CODES.md; 0 if the error is not about trading.' }),
      name: z.string().meta({ description: 'Stable name of the error, such as INSUFFICIENT_FUNDS.' }),
      message: z.string().meta({ description: 'The former name of detail.', deprecated: true }),
      limit: z
        .looseObject({
          name: z.string(),
          most: z.union([z.number(), z.string()]).optional(),
          least: z.union([z.number(), z.string()]).optional(),
        })
        .optional()
        .meta({ description: 'The limit that was broken.' }),
      problems: z
        .array(z.strictObject({ path: z.string(), problem: z.string() }))
        .optional()
        .meta({ description: 'Each problem of a body, with the key as it was sent.' }),
    })
    .meta({
      examples: [
        {
          type: 'urn:openbell:problem:INSUFFICIENT_FUNDS',
          title: 'Insufficient funds',
          status: 409,
          detail: 'the account has less: see its balances',
          code: 203,
          name: 'INSUFFICIENT_FUNDS',
          message: 'the account has less: see its balances',
        },
      ],
    }),
);
