import { z } from 'zod';
import { PHASE_NAMES, SIDE_NAMES, SUB_PHASE_NAMES, TIME_IN_FORCE_NAMES } from '../../../../engine/wire/names.ts';

/** Schemas of single values in answers. */

export const decimal = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .meta({ description: 'Decimal text.', examples: ['50000.00'] });
export const percentage = z
  .string()
  .regex(/^-?\d+(\.\d+)?%$/)
  .meta({ description: 'A percentage.', examples: ['0.0500%'] });
export const whole = z.int();
/** A time as a number. */
export const micros = z.int().min(0).meta({ description: 'Microseconds since the Unix epoch.' });
/** A time as text. */
export const isoTime = z.string().meta({ description: 'A time in ISO 8601.', examples: ['2026-03-01T09:30:00.000Z'] });
/** The id of a definition, such as an account: below 2^32. Ids that are counted on, of orders and trades, are {@link idText}. */
export const id = z.int().min(0);
/** An id as text. */
export const idText = z
  .string()
  .regex(/^\d+$/)
  .meta({ description: 'An id.', examples: ['4711'] });
export const name = z.string();
export const flag = z.boolean();
/** There only where it is true. */
export const truth = z.literal(true).optional();
/** Of a page: what the following one begins with. */
export const next = z.int().min(0).meta({ description: 'Where the following page begins; 0: this is the last one.' });
/** The same where pages begin at an id. */
export const nextText = idText.meta({ description: 'Where the following page begins; "0": this is the last one.' });
export const lost = z.int().min(0).optional().meta({ description: 'Number of the last record that is no longer kept.' });
export const behind = truth.meta({ description: 'The history does not have everything yet.' });
export const seq = z.int().min(0).meta({ description: 'Place of the command in the log.' });

export const side = z.enum(SIDE_NAMES);
export const phase = z.enum(PHASE_NAMES);
export const subPhase = z.enum(SUB_PHASE_NAMES).exclude(['none']).optional();
export const timeInForce = z.enum(TIME_IN_FORCE_NAMES);

/** Both ways of writing an amount, the exact integer under a further name. */
export function both<const Name extends string, const Suffix extends string>(key: Name, suffix: Suffix) {
  return { [key]: decimal, [`${key}${suffix}`]: whole } as Record<Name, typeof decimal> & Record<`${Name}${Suffix}`, typeof whole>;
}

/** {@link both}, which may be left out. */
export function bothIfAny<const Name extends string, const Suffix extends string>(key: Name, suffix: Suffix) {
  return { [key]: decimal.optional(), [`${key}${suffix}`]: whole.optional() } as Record<Name, z.ZodOptional<typeof decimal>> &
    Record<`${Name}${Suffix}`, z.ZodOptional<typeof whole>>;
}
