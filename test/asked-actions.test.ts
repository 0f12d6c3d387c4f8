/** The audit trail says what a rejected action asked. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { askedText } from '../gateway/endpoints/http/asked.ts';
import { parseJson } from '../gateway/endpoints/json/json-text.ts';
import { ADMIN_ROUTES } from './support/admin-routes.ts';
import { recordsOf } from './support/audit-fixture.ts';
import { bearer, GuardedExchange } from './support/guarded-exchange.ts';
import { Issuer } from './support/issuer.ts';

const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl';

const ASKED: [what: string, body: string, text: string][] = [
  [
    'values as they were sent',
    '{"phase": "halted", "on": true, "n": 1.5, "none": null}',
    '{"phase":"halted","on":true,"n":1.5,"none":null}',
  ],
  ['a number that no float holds', '{"amount": 10.00000000000000000001}', '{"amount":"10.00000000000000000001"}'],
  ['fields of fields', '{"limits": {"maxPrice": "9"}}', '{"limits":{"maxPrice":"9"}}'],
  [
    'the beginning of a long list',
    `{"symbols": ${JSON.stringify([...'abcdefghij'])}}`,
    '{"symbols":["a","b","c","d","e","f","g","h","and 2 more"]}',
  ],
  ['the beginning of a long text', `{"name": "${'x'.repeat(70)}"}`, `{"name":"${'x'.repeat(64)}..."}`],
  ['nothing of a token', `{"note": "Bearer abc", "name": "${TOKEN}"}`, '{"note":"Bearer [redacted]","name":"[redacted]"}'],
  [
    'nothing of what a key calls secret',
    '{"clientSecret": "x", "password": {"a": 1}}',
    '{"clientSecret":"[redacted]","password":"[redacted]"}',
  ],
  ['of an address the host', '{"url": "https://me:pw@hooks.example:8443/T0/B1?key=x"}', '{"url":"https://hooks.example:8443/[redacted]"}'],
  ['an address that is only a host', '{"url": "https://hooks.example"}', '{"url":"https://hooks.example"}'],
  ['no token that is a key', `{"${TOKEN}": 1}`, '{"[redacted]":1}'],
];

for (const [what, body, text] of ASKED) {
  test(`what was asked: ${what}`, () => assert.equal(askedText(parseJson(body) as Record<string, unknown>), text));
}

test('what was asked is bounded, whatever the body is', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (body) => {
      assert.ok(askedText(body).length <= 512);
    }),
  );
  assert.ok(askedText(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${i}`.repeat(60), 'y'.repeat(500)]))).length <= 512);
});

test('each kind of action that is rejected is recorded with what it asked, for its values and for the rights of its caller', async (t) => {
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  const guarded = await GuardedExchange.start(issuer);
  t.after(() => guarded.stop());
  const headersOf = async (roles: string, accounts: string) =>
    bearer(await issuer.token({ sub: roles === '' ? 'nobody' : 'staff', openbell_roles: roles, openbell_accounts: accounts }));
  const staff = await headersOf('operator custodian', '1');
  const nobody = await headersOf('', '1');
  const actions = ADMIN_ROUTES.filter(({ method, recorded }) => method !== 'GET' && recorded !== 'by handler');
  assert.ok(actions.length > 25, 'actions are seen');
  const secret = 'password-of-the-operator';
  for (const { method, path } of actions) {
    const ofAccount = method === 'DELETE' && !path.startsWith('/v1/sessions') ? '?account=1' : '';
    const url = path.replace(':id', '1').replace(':name', 'BTC-USD').replace(/:\w+/, '999999') + ofAccount;
    for (const headers of [staff, nobody])
      await guarded.http(method, url, headers, { id: 1, account: 1, probe: 'of the test', password: secret });
  }
  await guarded.exchange.stop();
  const records = await recordsOf(join(guarded.dir, 'data'));
  assert.ok(!JSON.stringify(records).includes(secret), 'no secrets');
  for (const { method, path } of actions) {
    const action = `${method} ${path}`;
    const of = (subject: string) => records.find((record) => record.subject === subject && record.action === action);
    const probe = method === 'DELETE' ? /999999/ : /"probe\\?":\\?"of the test/;
    const forbidden = of('nobody');
    assert.equal(forbidden?.outcome, 'PERMISSION_DENIED', action);
    assert.match(forbidden?.detail ?? '', /; asked: /, action);
    assert.match(forbidden?.detail ?? '', probe, action);
    const wrong = of('staff');
    assert.notEqual(wrong?.outcome, 'ok', action);
    assert.match(wrong?.detail ?? '', probe, action);
    if (path.includes(':name')) assert.match(`${forbidden?.detail}`, /"name":"BTC-USD"/, action);
  }
});
