import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Code } from '../../engine/codes.ts';
import { promqlNames } from './observability-promql.ts';
import { OBSERVABILITY, type Rule } from './observability-rules.ts';

/** Labels that Prometheus gives every sample of a scrape target: see pod-monitors.yaml. */
const TARGET_LABELS = ['namespace', 'pod', 'job', 'instance', 'container', 'endpoint'];

/** The metrics that the process exposes: metric -> label -> values. */
export type Scrape = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

/** A metric that others expose, or openbell in another configuration. */
export interface MetricElsewhere {
  readonly name: string;
  readonly labels: readonly string[];
  /** Where it is documented or defined. */
  readonly source: string;
}

/** Reads a text exposition, including metrics that have a TYPE and no sample. */
export function parseScrape(text: string): Scrape {
  const metrics = new Map<string, Map<string, Set<string>>>();
  const metric = (name: string) => metrics.get(name) ?? metrics.set(name, new Map()).get(name) ?? new Map();
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (?:counter|gauge)$/.exec(line);
    if (type) metric(type[1]);
    const sample = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? \S+$/.exec(line);
    if (!sample) continue;
    const labels = metric(sample[1]);
    for (const [, label, value] of (sample[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      const values = labels.get(label) ?? new Set();
      labels.set(label, values.add(value));
    }
  }
  return metrics;
}

/** The committed list of metrics that are not in a plain exchange's /metrics. */
export function metricsElsewhere(): readonly MetricElsewhere[] {
  return parse(readFileSync(join(OBSERVABILITY, 'metrics-elsewhere.yaml'), 'utf8')) as MetricElsewhere[];
}

/** Each metric that rules and panels may use, and its labels. */
export class MetricCatalogue {
  readonly #labels = new Map<string, ReadonlySet<string>>();
  readonly #scrape: Scrape;

  constructor(scrape: Scrape, elsewhere: readonly MetricElsewhere[], rules: readonly Rule[]) {
    this.#scrape = scrape;
    for (const [name, labels] of scrape) this.#labels.set(name, new Set([...labels.keys(), ...TARGET_LABELS]));
    for (const { name, labels } of elsewhere) this.#labels.set(name, new Set([...labels, ...TARGET_LABELS]));
    // A counter without a sample shows no labels; these are its labels.
    this.#labels.set('openbell_refusals_total', new Set(['code', 'name', ...TARGET_LABELS]));
    for (const { record, expr, labels = {} } of rules) {
      if (record !== undefined) this.#labels.set(record, new Set([...this.#resultLabels(expr), ...Object.keys(labels)]));
    }
  }

  /** Problems with the names in an expression; empty when there are none. */
  problems(expression: string): string[] {
    const { selectors, grouping } = promqlNames(expression);
    const found: string[] = [];
    const known = new Set<string>();
    for (const { metric, labels } of selectors) {
      const has = this.#labels.get(metric);
      if (has === undefined) {
        found.push(`no target exposes ${metric}`);
        continue;
      }
      for (const label of has) known.add(label);
      for (const { label, operator, value } of labels) {
        if (!has.has(label)) found.push(`${metric} has no label ${label}`);
        else if (operator === '=' || operator === '=~') found.push(...this.#unknownValues(metric, label, value));
      }
    }
    for (const label of grouping) if (!known.has(label)) found.push(`nothing in the expression has label ${label}`);
    return found;
  }

  /**
   * Problems with a series that a test of the rules makes up: it must be one that the exchange can have.
   * @param further labels and values that the scrape does not have: metric and label -> values; undefined: any value
   */
  seriesProblems(series: string, further: ReadonlyMap<string, readonly string[] | undefined>): string[] {
    const [{ metric, labels }] = promqlNames(series).selectors;
    const scraped = this.#scrape.get(metric);
    if (!metric.startsWith('openbell_') || scraped === undefined) return this.problems(series);
    return labels
      .filter(({ label, value }) => {
        if (TARGET_LABELS.includes(label) || scraped.get(label)?.has(value)) return false;
        const key = `${metric} ${label}`;
        return !further.has(key) || further.get(key)?.includes(value) === false;
      })
      .map(({ label, value }) => `${metric} has no ${label}="${value}"`);
  }

  /** Values that an openbell metric never has, literal or as alternatives; other patterns are not checked. */
  #unknownValues(metric: string, label: string, value: string): string[] {
    const values =
      metric === 'openbell_refusals_total' && label === 'name' ? new Set(Object.keys(Code)) : this.#scrape.get(metric)?.get(label);
    if (!metric.startsWith('openbell_') || values === undefined || !/^[\w.|]+$/.test(value)) return [];
    return value
      .split('|')
      .filter((each) => !values.has(each))
      .map((each) => `${metric} has no ${label}="${each}"`);
  }

  #resultLabels(expression: string): readonly string[] {
    const { selectors, grouping } = promqlNames(expression);
    return grouping.length > 0 ? grouping : selectors.flatMap(({ metric }) => [...(this.#labels.get(metric) ?? [])]);
  }
}
