import { Code, codeName } from '../codes.ts';

/**
 * A call that cannot be carried out as it is written: a name that is not defined, a number that is no count of units, terms that exclude
 * each other. Nothing has changed. What the exchange itself decides on an order is a result with a code, and is never thrown.
 */
export class EmbedError extends Error {
  /**
   * Stable: a name of docs/CODES.md, a DECIMAL code of the engine's decimal numbers, or one of BAD_OPTION, TIME_BACK, IN_CALLBACK,
   * SNAPSHOT_INVALID, CAPACITY_BELOW_LOG and RULES_NEWER.
   */
  readonly code: string;
  /** The number behind a name of docs/CODES.md, else undefined. */
  readonly number: number | undefined;

  constructor(code: string, message: string, number?: number) {
    super(message);
    this.name = 'EmbedError';
    this.code = code;
    this.number = number;
  }
}

/** An error with a code of docs/CODES.md. Kept out of the functions of the hot path. */
export function refuse(code: Code, message: string): never {
  throw new EmbedError(codeName(code), message, code);
}

export function badRange(message: string): never {
  refuse(Code.BAD_RANGE, message);
}

/** @param what such as `side` @param names those that there are */
export function badName(what: string, value: unknown, names: readonly string[]): never {
  refuse(Code.BAD_ENUM, `there is no ${what} ${JSON.stringify(value)}; there are: ${names.filter((name) => name !== '').join(', ')}`);
}

export function badOption(message: string): never {
  throw new EmbedError('BAD_OPTION', message);
}
