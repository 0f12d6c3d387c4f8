import { OpenbellError } from './errors.ts';

/** The keys of options. The compiler finds a key that is missing here, or too many. */
export type Options<T> = Readonly<Record<keyof T, true>>;

/**
 * Options that the client does not know, such as a misspelt one, would be ignored:
 * an order without its limit. TypeScript finds them only in literals.
 * @throws OpenbellError BAD_OPTION
 */
export function checkOptions<T extends object>(what: string, given: T, known: Options<T>): void {
  for (const key in given) {
    if (!Object.hasOwn(known, key)) {
      throw new OpenbellError('BAD_OPTION', `${what} has no option ${JSON.stringify(key)}: use some of ${Object.keys(known).join(', ')}`);
    }
  }
}
