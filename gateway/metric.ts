import type { MetricObject, MetricValue, Registry } from 'prom-client';

/** A value of a metric; `metricName`: of a part of a histogram. */
export type Value = { readonly value: number; readonly labels?: Readonly<Record<string, string | number>>; readonly metricName?: string };
export type Read = () => readonly Value[] | Promise<readonly Value[]>;

/** Adds a metric to a registry. prom-client calls `get` for a metric's values; here they are read, not stored. */
export function add(registry: Registry, name: string, help: string, type: 'gauge' | 'counter' | 'histogram', read: Read): void {
  const metric = {
    name,
    async get(): Promise<MetricObject & { values: MetricValue<string>[] }> {
      const values = (await read()).map(({ labels = {}, value, metricName }) => ({
        labels: { ...labels },
        value,
        ...(metricName && { metricName }),
      }));
      return { name, help, type, aggregator: 'sum', values } as unknown as MetricObject & { values: MetricValue<string>[] };
    },
  };
  registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0]);
}
