import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { codeText } from '../engine/code-texts.ts';
import { Code } from '../engine/codes.ts';
import { CATALOG } from '../feeds/analysis/indicators/catalog.ts';
import { OPTIONS } from '../gateway/config/config.ts';
import { addExchangeMetrics, createMetrics } from '../gateway/metrics.ts';
import { ADMIN_ROUTES } from './support/admin-routes.ts';

const doc = (name: string) => readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8');
/** Sources of metrics; only their names are looked at. */
const nothing = {} as never;

test('every code is explained, and nothing else', () => {
  const rows = [...doc('CODES.md').matchAll(/^\| (\d+) \| `([A-Z_]+)` \| (.+) \| (.+) \|$/gm)];
  assert.deepEqual(rows.map(([, number, name]) => [name, Number(number)]).sort(), Object.entries(Code).sort());
  for (const [, , name, meaning, advice] of rows) assert.ok(meaning.length > 5 && advice.length > 5, name);
});

test('every code of an order is explained in the same words by the program', () => {
  for (const [, number, , meaning] of doc('CODES.md').matchAll(/^\| (\d+) \| `([A-Z_]+)` \| (.+) \| (.+) \|$/gm)) {
    if (Number(number) < 200 || Number(number) >= 500) continue;
    const plain = meaning.replaceAll(/[;:] see \[[^\]]*\]\([^)]*\)| \(\[[^\]]*\]\([^)]*\)\)|`/g, '');
    assert.equal(codeText(Number(number)), plain, `code ${number}: engine/code-texts.ts and docs/CODES.md differ`);
    assert.doesNotMatch(plain, /[[\]`]/, `code ${number}: markup that the text cannot have`);
  }
  assert.equal(codeText(999), 'CODE_999');
});

test('every route of the admin interface is documented, and nothing else', () => {
  const routes = ADMIN_ROUTES.map(({ method, path }) => `${method} ${path}`);
  const documented = [
    ...`${doc('ADMIN.md')}\n${doc('REST.md')}`.matchAll(/`(GET|POST|PATCH|DELETE) (\/(?:v1|openapi)[^`?]*)(?:\?[^`]*)?`/g),
  ].map(
    ([, method, path]) =>
      `${method} ${path.replace('/NAME', '/:name').replace('/ID', '/:id').replace('/NUMBER', '/:group').replace('/ORDER', '/:order').replace('/TABLE', '/:table').replace('/ALERT', '/:alert').replace('/WEBHOOK', '/:webhook').replace('/SESSION', '/:session')}`,
  );
  assert.deepEqual([...new Set(documented)].sort(), [...new Set(routes)].sort());
});

test('every indicator is documented, with its values and the ranges of its parameters', () => {
  const rows = [...doc('ANALYSIS.md').matchAll(/^\| `(\w+)` \| (.+) \| (.+) \| (.+) \|$/gm)].map(([row]) => row);
  assert.deepEqual(
    rows,
    CATALOG.map(({ name, text, parameters, outputs }) => {
      const ranges = parameters.map((each) => `\`${each.name}\` ${each.usual} (${each.least} to ${each.most})`).join(', ') || '–';
      return `| \`${name}\` | ${ranges} | ${outputs.length === 1 ? 'a number' : outputs.map((output) => `\`${output}\``).join(', ')} | ${text} |`;
    }),
  );
});

test('every option is documented', () => {
  const text = doc('CONFIGURATION.md');
  for (const name of Object.keys(OPTIONS)) assert.ok(text.includes(`| \`--${name}\` |`), name);
});

test('every metric is documented', () => {
  const registry = createMetrics();
  addExchangeMetrics(registry, nothing);
  const text = doc('ADMIN.md');
  for (const { name } of registry.getMetricsAsArray()) {
    const family = /^(openbell_journal_|openbell_history_|nodejs_|process_)/.exec(name)?.[1];
    assert.ok(text.includes(`\`${name}`) || (family !== undefined && text.includes(`\`${family}*\``)), name);
  }
  registry.clear();
});
