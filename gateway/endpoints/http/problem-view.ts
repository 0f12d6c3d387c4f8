import type { HttpError } from './http-error.ts';

/** Content type of errors: RFC 9457. */
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** An error as it is answered: schemas/problem.ts. */
export function problemView({ status, code, name, message, fields }: HttpError) {
  return {
    type: `urn:openbell:problem:${name}`,
    title: titleOf(name),
    status,
    detail: message,
    code,
    name,
    // The former name of detail, published for one release.
    message,
    ...fields,
  };
}

/** `INSUFFICIENT_FUNDS` is "Insufficient funds". */
function titleOf(name: string): string {
  const words = name.toLowerCase().replaceAll('_', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
