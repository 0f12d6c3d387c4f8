import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { baseSet, withExample } from '../mesh/checks/base-set.ts';
import { excessFields } from '../mesh/checks/excess-fields.ts';
import { LINTS, lint } from '../mesh/checks/lints/index.ts';
import { durationMs, quantity } from '../mesh/checks/quantity.ts';
import { readResources } from '../mesh/checks/resource.ts';
import { schemaProblems } from '../mesh/checks/schema.ts';

const BAD = join(import.meta.dirname, '../mesh/checks/bad');
const yamls = (dir: string) =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();

describe('schemas and types', () => {
  /** Who catches it: the validation of the published schema, the compiler by the published type, or both. */
  const CAUGHT_BY: Readonly<Record<string, string>> = {
    'audiences-as-text': 'schema, type',
    'balancer-and-hash': 'schema',
    'circuit-breaker-field': 'type',
    'consecutive-server-errors': 'type',
    'gateway-errors-in-connection-pool': 'type',
    'pod-field-misspelt': 'type',
    'retries-beside-routes': 'type',
    'rule-without-expression': 'schema, type',
    'telemetry-metric-name': 'schema, type',
    'telemetry-tags': 'type',
    'timeout-beside-routes': 'type',
    'version-not-served': 'schema, type',
  };

  it('together catch each common mistake; neither does so alone', async () => {
    const caught: Record<string, string> = {};
    for (const name of yamls(join(BAD, 'schema'))) {
      const set = readResources(join(BAD, 'schema', `${name}.yaml`));
      const schema = (await Promise.all(set.map(schemaProblems))).flat();
      const types = excessFields(set);
      caught[name] = [schema.length > 0 && 'schema', types.length > 0 && 'type'].filter(Boolean).join(', ');
    }
    assert.deepEqual(caught, CAUGHT_BY);
  });

  it('name the resource and the field', () => {
    const found = excessFields(readResources(join(BAD, 'schema/circuit-breaker-field.yaml')));
    assert.deepEqual(found, ['DestinationRule openbell/bad: unknown field circuitBreaker']);
  });
});

describe('lints', () => {
  const base = baseSet();

  it('find nothing in the base', () => assert.deepEqual(lint(base), []));

  it('have a bad example each, and no example is left over', () => {
    assert.deepEqual(yamls(BAD), LINTS.map(({ name }) => name).sort());
  });

  for (const { name } of LINTS) {
    it(`${name}: its bad example is caught by this lint and no other`, () => {
      const set = withExample(base, readFileSync(join(BAD, `${name}.yaml`), 'utf8'), name);
      assert.deepEqual([...new Set(lint(set).map((finding) => finding.lint))], [name]);
    });
  }

  it('catch mistakes that schemas and types do not: the examples pass those', async () => {
    const changed = LINTS.flatMap(({ name }) => {
      const set = withExample(base, readFileSync(join(BAD, `${name}.yaml`), 'utf8'), name);
      return set.filter((resource) => !base.includes(resource));
    });
    assert.ok(changed.length >= LINTS.length - 1, 'all but the one that deletes a resource');
    const schema = (await Promise.all(changed.map(schemaProblems))).flat();
    assert.deepEqual([...schema, ...excessFields(changed)], []);
  });
});

describe('units', () => {
  it('quantities', () => {
    assert.deepEqual(['500m', '4', '1Gi', '64Mi', '2k'].map(quantity), [0.5, 4, 2 ** 30, 64 * 2 ** 20, 2000]);
    for (const text of ['', '4 Gi', '4Q', undefined]) assert.ok(Number.isNaN(quantity(text)), String(text));
  });

  it('durations', () => {
    assert.deepEqual(['0s', '1ms', '0.5s', '1h30m', '100us'].map(durationMs), [0, 1, 500, 5_400_000, 0.1]);
    for (const text of ['', '10', 's', '1 s']) assert.ok(Number.isNaN(durationMs(text)), text);
  });
});
