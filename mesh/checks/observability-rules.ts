import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, stringify } from 'yaml';

/** One entry of a Prometheus rule file. */
export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Rule[];
}

export const OBSERVABILITY = join(import.meta.dirname, '..', 'observability');
const RULES = join(OBSERVABILITY, 'rules');
const TESTS = join(RULES, 'tests');
const MANIFEST = join(OBSERVABILITY, 'prometheus-rules.yaml');

/** The plain rule files: the input of Prometheus and promtool, and the source of the manifest. */
export function ruleFiles(): string[] {
  return readdirSync(RULES)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => join(RULES, name));
}

export function ruleGroups(file: string): readonly RuleGroup[] {
  return (parse(readFileSync(file, 'utf8')) as { groups: RuleGroup[] }).groups;
}

/** The series that the tests of the rules are made of, as selectors. */
export function testedSeries(): string[] {
  const files = readdirSync(TESTS).filter((name) => name.endsWith('.yaml'));
  return files.flatMap((name) => {
    const { tests } = parse(readFileSync(join(TESTS, name), 'utf8')) as { tests: { input_series: { series: string }[] }[] };
    return tests.flatMap(({ input_series: all }) => all.map(({ series }) => series));
  });
}

/** All rules of all files. */
export function allRules(): Rule[] {
  return ruleFiles().flatMap((file) => ruleGroups(file).flatMap(({ rules }) => rules));
}

/** The manifest for the Prometheus operator: one PrometheusRule for each rule file. */
export function prometheusRules(): string {
  const documents = ruleFiles().map((file) =>
    stringify(
      {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'PrometheusRule',
        metadata: { name: `openbell-${basename(file, '.yaml')}`, labels: { 'app.kubernetes.io/name': 'openbell' } },
        spec: { groups: ruleGroups(file) },
      },
      { lineWidth: 0 },
    ),
  );
  return `# Made from rules/ by \`node mesh/checks/observability-rules.ts --write\`; a test compares.\n${documents.join('---\n')}`;
}

/** Whether the manifest matches the rule files. */
export function manifestIsCurrent(): boolean {
  return readFileSync(MANIFEST, 'utf8') === prometheusRules();
}

if (import.meta.main) {
  if (process.argv[2] === '--write') writeFileSync(MANIFEST, prometheusRules());
  else if (!manifestIsCurrent()) {
    console.error('mesh/observability/prometheus-rules.yaml does not match rules/: node mesh/checks/observability-rules.ts --write');
    process.exitCode = 1;
  }
}
