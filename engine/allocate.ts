/**
 * Where columns come from: all state is allocated at start, through one of
 * these, so that a caller can count it or share it between threads.
 * The memory must read as zero.
 */
export type Allocate = (bytes: number) => ArrayBufferLike;

/** Memory of this thread alone. */
export const allocateLocal: Allocate = (bytes) => new ArrayBuffer(bytes);
