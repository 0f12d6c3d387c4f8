/**
 * A value as a source, YAML or JSON, contains it, before it is interpreted.
 * What it must be is checked by {@link ./config-place.ts}, in the same
 * way for every source.
 */
export interface RawValue {
  /** `nothing`: null, or no value at all. */
  readonly kind: 'nothing' | 'scalar' | 'map' | 'list';
  /** Of a scalar: as it is written, `0.10` stays `0.10`, quoted or not; else empty. */
  readonly text: string;
  /** Of a map, in the order of the source; else empty. */
  entries(): readonly RawEntry[];
  /** Of a list; else empty. */
  items(): readonly RawItem[];
}

export interface RawItem {
  readonly value: RawValue;
  /** Position in the source, for {@link ProblemSink.note}. */
  readonly at: number;
}

export interface RawEntry extends RawItem {
  /** As it is written. */
  readonly key: string;
  readonly keyAt: number;
}

/** Where problems are noted, so that one run shows all of them. */
export interface ProblemSink {
  /** @param at position in the source @param path keys to the value, with dots between them; empty for the whole */
  note(at: number, path: string, problem: string): void;
  /** The name that the checks use for a key, where a source allows several spellings. */
  fieldName(key: string): string;
}

export const NOTHING: RawValue = { kind: 'nothing', text: '', entries: () => [], items: () => [] };
