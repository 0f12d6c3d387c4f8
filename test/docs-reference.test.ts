import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { codeText } from '../engine/code-texts.ts';
import { Code } from '../engine/codes.ts';
import { CATALOG } from '../feeds/analysis/indicators/catalog.ts';
import { OPTIONS } from '../gateway/config/config.ts';
import { actionRoutes } from '../gateway/endpoints/http/admin-actions.ts';
import { queryRoutes } from '../gateway/endpoints/http/admin-queries.ts';
import { alertRoutes } from '../gateway/endpoints/http/alert-routes.ts';
import { calendarRoute } from '../gateway/endpoints/http/calendar-query.ts';
import { candleRoute } from '../gateway/endpoints/http/candle-query.ts';
import { feedBookRoutes } from '../gateway/endpoints/http/feed-book-queries.ts';
import { feedCandleRoute } from '../gateway/endpoints/http/feed-candle-query.ts';
import { feedRoutes } from '../gateway/endpoints/http/feed-queries.ts';
import { indicatorRoute } from '../gateway/endpoints/http/indicator-query.ts';
import { orderRoutes } from '../gateway/endpoints/http/order-queries.ts';
import { portfolioRoute } from '../gateway/endpoints/http/portfolio-query.ts';
import { referenceRoutes } from '../gateway/endpoints/http/reference-queries.ts';
import { addExchangeMetrics, createMetrics } from '../gateway/metrics.ts';

const doc = (name: string) => readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8');
/** Sources of routes and metrics; only their names are looked at. */
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
  const routes = [
    ...queryRoutes(nothing),
    ...orderRoutes(nothing),
    candleRoute(nothing),
    portfolioRoute(nothing, nothing),
    indicatorRoute(nothing),
    calendarRoute(nothing, nothing, nothing),
    ...feedBookRoutes(nothing),
    ...feedRoutes(nothing),
    ...alertRoutes(nothing),
    feedCandleRoute(nothing),
    ...referenceRoutes(nothing, nothing),
    ...actionRoutes(nothing),
  ].map(({ method, path }) => `${method} ${path}`);
  const documented = [...doc('ADMIN.md').matchAll(/`(GET|POST|DELETE) (\/v1[^`?]*)(?:\?[^`]*)?`/g)].map(
    ([, method, path]) =>
      `${method} ${path.replace('/NAME', '/:name').replace('/ID', '/:id').replace('/NUMBER', '/:group').replace('/ORDER', '/:order').replace('/TABLE', '/:table').replace('/ALERT', '/:alert').replace('/WEBHOOK', '/:webhook')}`,
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
