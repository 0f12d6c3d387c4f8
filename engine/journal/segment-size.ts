const MIB = 1024 * 1024;
/** A new log starts with a small segment, which is created faster. Each following segment is at most {@link GROWTH} times as large. */
export const FIRST_SEGMENT_BYTES = 16 * MIB;
/** Size of the segments of a log that has grown. */
export const SEGMENT_BYTES = 64 * MIB;
const GROWTH = 2;
/** Every size that a segment of openbell has, and those that writers of this process were given. */
const sizes = new Set([FIRST_SEGMENT_BYTES, FIRST_SEGMENT_BYTES * GROWTH, SEGMENT_BYTES]);

/** Adds a size that a log writer uses instead of {@link SEGMENT_BYTES}: its full segments are whole, too. Of this thread. */
export function addSegmentSize(bytes: number): void {
  sizes.add(bytes);
}

/** True if segments are made with this size. */
export function isSegmentSize(bytes: number): boolean {
  return sizes.has(bytes);
}

/** Size of the first segment of a log whose segments have at most `most` bytes. */
export function firstSegmentBytes(most: number): number {
  return Math.min(most, FIRST_SEGMENT_BYTES);
}

/** Size of the segment that follows one of `bytes`. */
export function nextSegmentBytes(bytes: number, most: number): number {
  return Math.min(most, Math.max(bytes, FIRST_SEGMENT_BYTES) * GROWTH);
}

/** Size that a segment of `bytes` had before it was cut short: the smallest that is made and not smaller. */
export function wholeSegmentBytes(bytes: number): number {
  const larger = [...sizes].filter((size) => size >= bytes);
  return larger.length === 0 ? bytes : Math.min(...larger);
}
