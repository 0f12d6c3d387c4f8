/** Values of a metrics page by series, as the exchange writes them: `openbell_seq{stage="applied"}`. */
export class MetricSamples {
  /** When they were read, ms of a steady clock. */
  readonly atMs: number;
  readonly #values: ReadonlyMap<string, number>;

  private constructor(atMs: number, values: ReadonlyMap<string, number>) {
    this.atMs = atMs;
    this.#values = values;
  }

  /** Reads the text format of Prometheus, version 0.0.4. Lines that it does not know are skipped. */
  static parse(text: string, atMs: number): MetricSamples {
    const values = new Map<string, number>();
    for (const line of text.split('\n')) {
      const match = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)$/.exec(line);
      if (match === null) continue;
      const value = match[2] === '+Inf' ? Number.POSITIVE_INFINITY : Number(match[2]);
      if (!Number.isNaN(value)) values.set(match[1], value);
    }
    return new MetricSamples(atMs, values);
  }

  /** 0 if there is no such series. */
  value(series: string): number {
    return this.#values.get(series) ?? 0;
  }

  /** Values of a metric by one of its labels. */
  byLabel(metric: string, label: string): Map<string, number> {
    const found = new Map<string, number>();
    for (const [series, value] of this.#values) {
      if (!series.startsWith(`${metric}{`)) continue;
      const name = new RegExp(`[{,]${label}="((?:[^"\\\\]|\\\\.)*)"`).exec(series)?.[1];
      if (name !== undefined) found.set(name, (found.get(name) ?? 0) + value);
    }
    return found;
  }

  /** Sum over all series of a metric. */
  sum(metric: string): number {
    let sum = this.value(metric);
    for (const [series, value] of this.#values) if (series.startsWith(`${metric}{`)) sum += value;
    return sum;
  }
}

/**
 * Upper bound of a share of the observations between two samples of a histogram: that of its bucket.
 * @returns undefined if there were none; infinite if it is above the highest bucket
 */
export function quantileBetween(before: MetricSamples, after: MetricSamples, histogram: string, share: number): number | undefined {
  const old = before.byLabel(`${histogram}_bucket`, 'le');
  const counts = [...after.byLabel(`${histogram}_bucket`, 'le')]
    .map(([le, count]): [number, number] => [le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), count - (old.get(le) ?? 0)])
    .sort(([a], [b]) => a - b);
  const total = counts.at(-1)?.[1] ?? 0;
  return total <= 0 ? undefined : counts.find(([, count]) => count >= share * total)?.[0];
}
