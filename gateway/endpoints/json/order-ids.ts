import { Code } from '../../../engine/codes.ts';
import { RequestError } from './request-error.ts';

/** Last client order id that was made here: microseconds of the clock, growing. */
let lastMade = 0;

/** A client order id for an order that came without one. No two are equal in this process, whatever they came by. */
export function madeClientOrderId(): number {
  lastMade = Math.max(Date.now() * 1000, lastMade + 1);
  return lastMade;
}

/** The number of an id that has the shape of its schema. @throws RequestError BAD_PARAMETER for one that is too large */
export function idNumber(id: string | number, key: string): number {
  const number = Number(id);
  if (Number.isSafeInteger(number)) return number;
  throw new RequestError(Code.BAD_PARAMETER, 'BAD_PARAMETER', `${key} must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`);
}
