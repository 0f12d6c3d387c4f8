import type { z } from 'zod';
import { Code } from '../../../engine/codes.ts';
import { RequestError } from './request-error.ts';

export interface Problem {
  /** Keys to the value as the body writes them, with dots between them; empty for the whole body. */
  readonly path: string;
  readonly problem: string;
}

/** The error of a body that does not have the shape of its schema. */
export function shapeProblems({ issues }: z.ZodError): RequestError {
  return bodyProblems(issues.flatMap(problemsOf));
}

/** The error of a body with these problems. */
export function bodyProblems(problems: readonly Problem[]): RequestError {
  const message = problems.map(({ path, problem }) => (path === '' ? problem : `${path}: ${problem}`)).join('; ');
  return new RequestError(Code.BAD_PARAMETER, 'BAD_PARAMETER', message, { problems });
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const path = pathOf(issue.path);
  if (issue.code !== 'unrecognized_keys') return [{ path, problem: issue.message }];
  return issue.keys.map((key) => ({ path: path === '' ? key : `${path}.${key}`, problem: issue.message }));
}

function pathOf(keys: readonly PropertyKey[]): string {
  return keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}
