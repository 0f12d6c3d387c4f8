/** Delays of reconnects, ms: the first, and the longest. */
export const FIRST_RETRY_MS = 50;
export const LAST_RETRY_MS = 2000;
