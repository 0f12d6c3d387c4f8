import { NAME_BYTES } from './accounts.ts';

/** A name as four numbers. (Raw bytes in doubles could form a NaN, whose bits are not preserved.) */
export function nameWords(names: Uint8Array, index: number): number[] {
  const view = new DataView(names.buffer, names.byteOffset + index * NAME_BYTES, NAME_BYTES);
  return [0, 4, 8, 12].map((at) => view.getUint32(at, true));
}

/** Sets a name from the four numbers at `at`. */
export function setName(names: Uint8Array, index: number, rows: Float64Array, at: number): void {
  const view = new DataView(names.buffer, names.byteOffset + index * NAME_BYTES, NAME_BYTES);
  for (let i = 0; i < 4; i++) view.setUint32(i * 4, rows[at + i], true);
}
