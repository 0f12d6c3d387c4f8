/** Every port and limit: a series that appears with its first increase hides that increase from `rate()`. */
const LIMITS: readonly (readonly [port: string, limit: string])[] = [
  ['http', 'pipelining'],
  ['http', 'concurrency'],
  ['http', 'rate'],
  ['http', 'caller-connections'],
  ['http', 'connections'],
  ['http', 'total'],
  ['http', 'history'],
  ['grpc', 'unauthenticated-calls'],
  ['grpc', 'rejected-calls'],
  ['grpc', 'pieces'],
  ['grpc', 'resets'],
  ['grpc', 'idle-frames'],
  ['grpc', 'unread'],
  ['grpc', 'waiting'],
  ['ws', 'pings'],
  ['ws', 'public-connections'],
  ['ws', 'caller-connections'],
  ['any', 'wrong-credentials'],
];

/** Counts what was rejected or cut because of a limit on callers, by port and limit. Metrics read it. */
export class LimitCounters {
  readonly #counts = new Map<string, { readonly port: string; readonly limit: string; count: number }>();

  constructor() {
    for (const [port, limit] of LIMITS) this.#counts.set(`${port} ${limit}`, { port, limit, count: 0 });
  }

  note(port: string, limit: string): void {
    const key = `${port} ${limit}`;
    const entry = this.#counts.get(key);
    if (entry === undefined) this.#counts.set(key, { port, limit, count: 1 });
    else entry.count++;
  }

  /** How often the limit was reached. */
  count(port: string, limit: string): number {
    return this.#counts.get(`${port} ${limit}`)?.count ?? 0;
  }

  all(): Iterable<{ readonly port: string; readonly limit: string; readonly count: number }> {
    return this.#counts.values();
  }
}
