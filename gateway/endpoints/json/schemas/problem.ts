import { z } from 'zod';
import { named } from './named.ts';
import { whole } from './values.ts';

/** A limit that was broken; those of orders have further fields. */
export const LIMIT = named(
  'BrokenLimit',
  z
    .looseObject({
      name: z.string(),
      most: z.union([z.number(), z.string()]).optional(),
      least: z.union([z.number(), z.string()]).optional(),
      multipleOf: z.string().optional().meta({ description: 'The value must be a multiple of it.' }),
      asked: z.string().optional().meta({ description: 'What the order has; left out if it is not known.' }),
      used: z.union([z.number(), z.string()]).optional().meta({ description: 'What counts against the limit already.' }),
      asset: z.string().optional(),
      available: z.string().optional(),
      needed: z.string().optional().meta({ description: 'Fees included; left out if it depends on the book, a stop or a fee tier.' }),
      reference: z.string().optional().meta({ description: 'The price from which a band is measured.' }),
      burst: whole.optional(),
      retryUs: whole.optional().meta({ description: 'It may be sent again from this time on, microseconds since the Unix epoch.' }),
      asOf: z
        .string()
        .optional()
        .meta({ description: 'When the values were read, ISO 8601: they change with trading, and may have changed since the reject.' }),
    })
    .meta({ description: 'The limit that was broken.' }),
);

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
      limit: LIMIT.optional(),
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
