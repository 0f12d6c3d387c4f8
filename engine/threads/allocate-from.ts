import type { Allocate } from '../allocate.ts';
import { assert } from '../assert.ts';

/** Shared columns, and their list in the order of allocation. */
export function allocateRecording(): { allocate: Allocate; columns: SharedArrayBuffer[] } {
  const columns: SharedArrayBuffer[] = [];
  const allocate: Allocate = (bytes) => {
    const column = new SharedArrayBuffer(bytes);
    columns.push(column);
    return column;
  };
  return { allocate, columns };
}

/** Returns the recorded columns in the same order, so that the same constructors in another thread use the same memory. */
export function allocateFrom(columns: readonly SharedArrayBuffer[]): Allocate {
  let next = 0;
  return (bytes) => {
    const column = columns[next++];
    assert(column !== undefined && column.byteLength === bytes, 'columns are taken in the order in which they were recorded');
    return column;
  };
}
