/**
 * Allocates the columns of the state. All state is allocated at start through
 * one allocator, so that a caller can count the memory or share it between threads.
 * The memory must read as zero.
 */
export type Allocate = (bytes: number) => ArrayBufferLike;

/** Allocates memory that only this thread uses. */
export const allocateLocal: Allocate = (bytes) => new ArrayBuffer(bytes);
