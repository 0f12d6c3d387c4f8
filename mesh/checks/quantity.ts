const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A Kubernetes quantity such as `500m`, `4Gi` or `2`, in its base unit; NaN for any other text. */
export function quantity(text: string | number | undefined): number {
  const found = /^([0-9.]+)([A-Za-z]*)$/.exec(String(text ?? ''));
  return found === null ? Number.NaN : Number(found[1]) * (FACTORS[found[2]] ?? Number.NaN);
}

const MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, ns: 1e-6 };

/** A duration as Go writes it (`1h30m`, `0.5s`), in ms; NaN for any other text. */
export function durationMs(text: string): number {
  if (!/^(\d+(\.\d+)?(h|ms|m|s|us|ns))+$/.test(text)) return Number.NaN;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * MS[unit], 0);
}
