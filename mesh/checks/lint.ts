import type { Resource } from './resource.ts';

/** A mistake that no schema detects: a valid configuration that is wrong for an exchange. */
export interface Lint {
  /** Also the name of the bad example, `bad/NAME.yaml`. */
  readonly name: string;
  /** The consequence of the mistake. */
  readonly reason: string;
  /** One line for each occurrence, in a set that is applied together. */
  readonly check: (set: readonly Resource[]) => readonly string[];
}

/** The resources of one kind, with its type. Classes of the models have `is`. */
export function of<T>(set: readonly Resource[], model: { readonly is: (value: unknown) => value is T }): T[] {
  return set.filter((resource) => model.is(resource)) as T[];
}
