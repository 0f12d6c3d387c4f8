import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { type Dashboard, dashboardProblems, dashboards, panelQueries } from '../mesh/checks/observability-dashboards.ts';
import { promqlNames } from '../mesh/checks/observability-promql.ts';
import { checkSyntax, promtool, whyNoPromtool } from '../mesh/checks/observability-promtool.ts';
import { allRules, manifestIsCurrent, OBSERVABILITY, ruleFiles } from '../mesh/checks/observability-rules.ts';
import { openbell } from './support/exchange-process.ts';

const ROOT = join(import.meta.dirname, '..');
const RUNBOOKS = join(ROOT, 'mesh/runbooks');
const RUNBOOK_URL = /^https:\/\/github\.com\/openbell\/openbell\/blob\/main\/mesh\/runbooks\/(\w+)\.md$/;
const TESTS = join(OBSERVABILITY, 'rules/tests');
const alerts = allRules().filter(({ alert }) => alert !== undefined);
const alertNames = [...new Set(alerts.map(({ alert }) => String(alert)))].sort();

/** In CI the tool has to be there. */
const missing = whyNoPromtool();
const skip = missing !== undefined && process.env.OPENBELL_CI !== '1' ? missing : false;
if (skip) console.error(skip);

describe('alert rules', () => {
  it('the manifest for the operator matches the rule files', () => {
    assert.ok(manifestIsCurrent(), 'node mesh/checks/observability-rules.ts --write');
    const made = parseAllDocuments(readFileSync(join(OBSERVABILITY, 'prometheus-rules.yaml'), 'utf8'));
    assert.equal(made.length, ruleFiles().length);
  });

  it('each alert has a severity, a summary and the runbook of its name', () => {
    for (const { alert, labels, annotations } of alerts) {
      assert.match(labels?.severity ?? '', /^(page|ticket)$/, alert);
      assert.ok(annotations?.summary && annotations.description, alert);
      assert.equal(RUNBOOK_URL.exec(annotations.runbook_url ?? '')?.[1], alert);
    }
  });

  it('budgets burn in two windows: the short one a twelfth of the long one, and each recorded', () => {
    const recorded = new Set(allRules().map(({ record }) => record));
    const minutes = (window: string) => Number.parseInt(window, 10) * { m: 1, h: 60, d: 1440 }[window.slice(-1) as 'm' | 'h' | 'd'];
    const burns = alerts.filter(({ alert }) => alert?.endsWith('BudgetBurn'));
    assert.equal(burns.length, 8);
    for (const { alert, expr, labels } of burns) {
      const pairs = [
        ...expr.matchAll(/ratio_(?:rate|avg)(\w+) > ([\d.]+) \* ([\d.]+) and (\S+ratio_(?:rate|avg))(\w+) > ([\d.]+) \* ([\d.]+)/g),
      ];
      assert.equal(pairs.length, 2, `${alert}: ${expr}`);
      for (const [, long, factor, budget, record, short, factor2, budget2] of pairs) {
        assert.deepEqual([factor, budget], [factor2, budget2]);
        assert.equal(minutes(long), 12 * minutes(short), alert);
        for (const window of [long, short]) assert.ok(recorded.has(record.replace(/^\(/, '') + window), `${alert}: ${record}${window}`);
      }
      assert.deepEqual(
        pairs.map(([, long, factor]) => `${factor} ${long}`),
        labels?.severity === 'page' ? ['14.4 1h', '6 6h'] : ['3 1d', '1 3d'],
      );
    }
  });

  it('promtool accepts the rules, and the syntax of every panel', { skip }, () => {
    promtool('check', 'rules', ...ruleFiles());
    checkSyntax([...dashboards().values()].flatMap(panelQueries).map(({ expr }) => expr));
    assert.throws(() => checkSyntax(['sum(rate(openbell_ready[5m])']), /parse error/);
  });

  it('promtool: each alert fires when it should and not when it should not', { skip }, () => {
    promtool('test', 'rules', ...readdirSync(TESTS).map((name) => join(TESTS, name)));
  });

  it('each alert and severity has a test in which it fires and one in which it does not', () => {
    interface AlertTest {
      readonly alertname: string;
      readonly exp_alerts?: readonly { readonly exp_labels: Readonly<Record<string, string>> }[];
    }
    const cases = readdirSync(TESTS).flatMap((name) => {
      const { tests } = parse(readFileSync(join(TESTS, name), 'utf8')) as { tests: { alert_rule_test?: AlertTest[] }[] };
      return tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test);
    });
    for (const { alert, labels } of alerts) {
      const mine = cases.filter(({ alertname }) => alertname === alert);
      const severities = mine.map(({ exp_alerts = [] }) => exp_alerts.map(({ exp_labels }) => exp_labels.severity));
      assert.ok(
        severities.some((each) => each.includes(String(labels?.severity))),
        `${alert} (${labels?.severity}) never fires`,
      );
      assert.ok(
        severities.some((each) => !each.includes(String(labels?.severity))),
        `${alert} (${labels?.severity}) always fires`,
      );
    }
  });
});

describe('runbooks', () => {
  const files = readdirSync(RUNBOOKS).map((name) => ({ name: basename(name, '.md'), text: readFileSync(join(RUNBOOKS, name), 'utf8') }));

  it('there is exactly one for each alert', () => {
    assert.deepEqual(files.map(({ name }) => name).sort(), alertNames);
  });

  it('each explains its meaning, what clients see, how to investigate, what to do, and when it is over', () => {
    for (const { name, text } of files) {
      assert.ok(text.startsWith(`# ${name}\n`), name);
      const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
      assert.deepEqual(
        headings,
        ['What it means', 'What clients see', 'How to investigate', 'What to do', 'How to confirm that it is over'],
        name,
      );
    }
  });

  it("commands and options that they name are the CLI's", async () => {
    const help = new Map<string, string>();
    for (const { name, text } of files) {
      const code = [...text.matchAll(/```sh\n([\s\S]*?)```|`([^`\n]+)`/g)].map(([, block, inline]) => block ?? inline);
      for (const [, command, rest] of code.join('\n').matchAll(/(?:^|\/)openbell (feeds [a-z]+|[a-z]+)(.*)/gm)) {
        if (!help.has(command)) help.set(command, (await openbell([...command.split(' '), '--help'])).stdout);
        assert.match(help.get(command) ?? '', new RegExp(`^Usage: openbell ${command} `), `${name}: openbell ${command}`);
        for (const [option] of rest.matchAll(/--[a-z-]+/g)) assert.ok(help.get(command)?.includes(option), `${name}: ${command} ${option}`);
      }
    }
    assert.ok(help.size >= 4, [...help.keys()].join());
  });

  it('admin paths and metrics that they name are documented or used', () => {
    const admin = readFileSync(join(ROOT, 'docs/ADMIN.md'), 'utf8');
    const known = new Set(
      allRules().flatMap(({ record = '', expr }) => [record, ...promqlNames(expr).selectors.map(({ metric }) => metric)]),
    );
    for (const { name, text } of files) {
      for (const [path] of text.matchAll(/\/(?:v1|health)\/[a-z/-]+/g))
        assert.ok(admin.includes(path.replace(/\/$/, '')), `${name}: ${path}`);
      for (const [metric] of text.matchAll(/\b(?:\w+:)?openbell_[\w:]+/g))
        assert.ok(
          known.has(metric) || admin.includes(metric) || [...dashboards().values()].some((board) => JSON.stringify(board).includes(metric)),
          `${name}: ${metric}`,
        );
    }
  });
});

describe('dashboards', () => {
  const board = () =>
    structuredClone(dashboards().get('venue.json')) as Dashboard & { panels: { id: number; gridPos: { x: number; y: number } }[] };

  it('there are three, without problems', () => {
    assert.deepEqual([...dashboards().keys()], ['latency.json', 'mesh.json', 'venue.json']);
    for (const [file, each] of dashboards()) assert.deepEqual(dashboardProblems(each), [], file);
    assert.equal(new Set([...dashboards().values()].map(({ uid }) => uid)).size, 3);
  });

  it('panels link to runbooks that exist, and each alert is linked from one', () => {
    const linked = [...dashboards().values()].flatMap(({ panels }) =>
      panels.flatMap(({ links = [] }) => links.map(({ url }) => RUNBOOK_URL.exec(url)?.[1] ?? url)),
    );
    assert.deepEqual([...new Set(linked)].sort(), alertNames);
  });

  it('finds panels that overlap, share an id, or use an undefined variable', () => {
    const broken = board();
    broken.panels[2].gridPos = broken.panels[1].gridPos;
    broken.panels[3].id = broken.panels[4].id;
    Object.assign(broken.panels[5].targets?.[0] ?? {}, { expr: 'openbell_ready{namespace="$nampespace"}' });
    const found = dashboardProblems(broken).join('; ');
    assert.match(found, /lies on .*id \d+ is taken.*no variable nampespace/);
  });
});
