/** Default of each limit on callers, by name; docs/SECURITY.md explains them. Rates are per second. */
export const CALLER_LIMITS = {
  'http-pipelining': 16,
  'http-concurrency': 32,
  'http-total': 128,
  'http-rate': 500,
  'http-connections': 64,
  'grpc-concurrency': 256,
  'grpc-total': 1024,
  'grpc-rate': 5000,
  'grpc-unauthenticated-calls': 20,
  'grpc-rejected-calls': 20,
  'ws-pings': 20,
  'ws-connections': 256,
  'wrong-credentials': 20,
} as const;

export type CallerLimit = keyof typeof CALLER_LIMITS;
export type CallerLimits = Readonly<Record<CallerLimit, number>>;

/** How many in a burst, for a rate of one per second. */
export const BURST: Readonly<
  Record<'http-rate' | 'grpc-rate' | 'grpc-unauthenticated-calls' | 'grpc-rejected-calls' | 'ws-pings' | 'wrong-credentials', number>
> = {
  'http-rate': 2,
  'grpc-rate': 2,
  'grpc-unauthenticated-calls': 5,
  'grpc-rejected-calls': 5,
  'ws-pings': 10,
  'wrong-credentials': 10,
};

/** The limits that `NAME=N,...` changes, and the defaults of the others; or what is wrong with the text. */
export function readCallerLimits(text: string): CallerLimits | string {
  const limits: Record<CallerLimit, number> = { ...CALLER_LIMITS };
  for (const part of text.split(',')) {
    const [, name, value] = /^\s*([a-z-]+)\s*=\s*([1-9]\d{0,5})\s*$/.exec(part) ?? [];
    if (name === undefined || !Object.hasOwn(CALLER_LIMITS, name))
      return `must be NAME=N, separated by commas, N from 1 to 999999, NAME one of ${Object.keys(CALLER_LIMITS).join(', ')}`;
    limits[name as CallerLimit] = Number(value);
  }
  return limits;
}
