import { codeText } from '../../../engine/code-texts.ts';
import { Code, codeName } from '../../../engine/codes.ts';
import { DecimalError } from '../../../engine/decimal.ts';
import { OpenbellError, rejectError } from '../../client/errors.ts';
import { RequestError } from './request-error.ts';

/** Codes below are of the gateway, which has words of its own for them. */
const FIRST_OF_ENGINE = 200;

/** A reject of an order, by the exchange. */
export function orderError(code: Code, fields: object = {}): RequestError {
  const name = codeName(code);
  const message = code < FIRST_OF_ENGINE ? rejectError(code).message.slice(`${name}: `.length) : codeText(code);
  return new RequestError(code, name, message, fields);
}

/** Terms that have another name in the typed client than over REST. */
const REST_NAMES: Readonly<Record<string, string>> = {
  stopPrice: 'stopPx',
  expires: 'expireTime',
  minQuantity: 'minQty',
  displayedQuantity: 'displayQty',
};
const CLIENT_NAME = new RegExp(`\\b(${Object.keys(REST_NAMES).join('|')})\\b`, 'g');

/** What is wrong with the terms of an order, which were read with the code of the typed client. */
export function termsError(error: unknown): unknown {
  if (error instanceof DecimalError) return new RequestError(Code.BAD_RANGE, 'BAD_RANGE', error.message);
  if (!(error instanceof OpenbellError) || error.number === undefined) return error;
  const message = error.message.replace(`${error.code}: `, '').replace(CLIENT_NAME, (name) => REST_NAMES[name]);
  return new RequestError(error.number, error.code, message);
}
