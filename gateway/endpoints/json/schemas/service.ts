import { z } from 'zod';
import { KEY_ID } from '../../../identity/service-accounts.ts';
import { named } from './named.ts';
import { whole } from './values.ts';

/** Answers that come without a token: health, and the sessions of API keys. */

export const LIVE = named('Live', z.strictObject({ status: z.literal('live') }));
export const READY = named('Ready', z.strictObject({ status: z.literal('ready'), warnings: z.array(z.unknown()).optional() }));
export const NOT_READY = named(
  'NotReady',
  z.strictObject({ status: z.literal('not ready'), reasons: z.array(z.string()), warnings: z.array(z.unknown()).optional() }),
);
const key = z.string().regex(KEY_ID).meta({ description: 'Id of the API key.' });
export const CHALLENGE_BODY = named('ChallengeBody', z.strictObject({ key }));
export const CHALLENGE = named('Challenge', z.strictObject({ nonce: z.string() }));
export const SESSION_BODY = named('SessionBody', z.strictObject({ key, nonce: z.string(), signature: z.string() }));
export const SESSION = named('Session', z.strictObject({ token: z.string(), expiresInSeconds: whole }));
