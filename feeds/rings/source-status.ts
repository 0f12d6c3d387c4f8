import { FEED_FAULTS, type FeedFault, FeedState } from '../feed.ts';
import { allocateLockedRows, type LockedRowsHandle, LockedRowsReader, LockedRowsWriter } from './locked-rows.ts';

/** State and counters of each source, for any thread. A row is one source; its number is that of ring records. */
export const SourceField = {
  /** A `FeedState`: of the connection. */
  state: 0,
  /** The `FeedFault` that led to the state. */
  fault: 1,
  /** When the state was entered, us. */
  stateTimeUs: 2,
  /** When the last frame or answer came, us; 0 before the first. */
  heardUs: 3,
  /** Frames and answers. */
  messages: 4,
  /** Records written to the ring. */
  records: 5,
  /** Instruments that the table of latest values had no room for. */
  refused: 6,
  /** First of the counters of faults, one for each `FeedFault`. */
  faults: 7,
} as const;

export const SOURCE_FIELDS = SourceField.faults + FEED_FAULTS;

/** The memory of the table of sources, sent by `postMessage` to any thread. */
export type SourcesHandle = LockedRowsHandle;

/** @param rows most sources */
export function allocateSources(rows: number): SourcesHandle {
  return allocateLockedRows({ fields: SOURCE_FIELDS, rows });
}

/** The writing end: {@link SourceField}s of a row stand in `draft`, from `row * SOURCE_FIELDS`. One thread owns it. */
export function sourcesWriter(handle: SourcesHandle): LockedRowsWriter {
  return new LockedRowsWriter(handle, SOURCE_FIELDS);
}

/** What a source did until now. */
export interface SourceStatus {
  readonly name: string;
  readonly state: FeedState;
  readonly fault: FeedFault;
  readonly stateTimeUs: number;
  readonly heardUs: number;
  readonly messages: number;
  readonly records: number;
  readonly refused: number;
  /** By `FeedFault`. */
  readonly faults: readonly number[];
}

/** A reading end. One thread owns it. Not for the hot path: it allocates. */
export class SourcesReader {
  readonly #rows: LockedRowsReader;
  readonly #fields = new Float64Array(SOURCE_FIELDS);

  /** @throws FeedMemoryError */
  constructor(handle: SourcesHandle) {
    this.#rows = new LockedRowsReader(handle, SOURCE_FIELDS);
  }

  /** All sources, by their numbers. */
  all(): SourceStatus[] {
    return Array.from({ length: this.#rows.used }, (_, source) => this.read(source));
  }

  read(source: number): SourceStatus {
    this.#rows.read(source, this.#fields);
    const at = this.#fields;
    return {
      name: this.#rows.name(source),
      state: at[SourceField.state] as FeedState,
      fault: at[SourceField.fault] as FeedFault,
      stateTimeUs: at[SourceField.stateTimeUs],
      heardUs: at[SourceField.heardUs],
      messages: at[SourceField.messages],
      records: at[SourceField.records],
      refused: at[SourceField.refused],
      faults: [...at.subarray(SourceField.faults)],
    };
  }
}

/** Fields of a source that has not begun. */
export const NEW_SOURCE: readonly number[] = [FeedState.Down];
