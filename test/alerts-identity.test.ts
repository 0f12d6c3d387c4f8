/** Who may see and set alerts and webhooks of which account. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { GuardedExchange } from './support/guarded-exchange.ts';
import { Issuer } from './support/issuer.ts';

describe('alerts with authentication', { timeout: 120_000 }, () => {
  let issuer: Issuer;
  let venue: GuardedExchange;
  const bearer = async (roles: string, accounts: string) => ({
    authorization: `Bearer ${await issuer.token({ sub: roles, openbell_roles: roles, openbell_accounts: accounts })}`,
  });

  before(async () => {
    issuer = new Issuer();
    await issuer.addKey('ES256');
    venue = await GuardedExchange.start(issuer);
  });

  after(() => venue.stop());

  const ALERT = { account: 1, kind: 'price', symbol: 'BTC-USD', price: '1.00' };
  const HOOK = { account: 1, url: 'https://example.com/hook' };
  /** Roles and accounts of a token, and the statuses of: list, set, define a webhook, stream. */
  const RIGHTS: readonly (readonly [roles: string, accounts: string, ...statuses: number[]])[] = [
    ['trader', '2', 403, 403, 403, 403],
    ['custodian', '1', 403, 403, 403, 403],
    ['drop-copy', '*', 403, 403, 403, 403],
    ['read-only', '1', 200, 403, 403, 101],
    ['auditor', '*', 200, 403, 403, 101],
    ['trader', '1', 200, 201, 201, 101],
    ['market-maker', '1', 200, 201, 201, 101],
    ['operator', '*', 200, 201, 201, 101],
  ];

  it('a caller without credentials gets nothing', async () => {
    for (const [method, path] of [
      ['GET', '/v1/alerts?account=1'],
      ['POST', '/v1/alerts'],
      ['DELETE', '/v1/alerts/1?account=1'],
      ['GET', '/v1/webhooks?account=1'],
      ['POST', '/v1/webhooks'],
    ])
      assert.equal((await venue.http(method, path, {}, ALERT)).status, 401, `${method} ${path}`);
    assert.equal((await venue.webSocket('/v1/alerts?account=1')).status, 401);
  });

  for (const [roles, accounts, ...expected] of RIGHTS)
    it(`${roles} of ${accounts} at account 1: ${expected.join(', ')}`, async (t) => {
      const headers = await bearer(roles, accounts);
      const { status: stream, socket } = await venue.webSocket('/v1/alerts?account=1', headers);
      t.after(() => socket.destroy());
      const statuses = [
        (await venue.http('GET', '/v1/alerts?account=1', headers)).status,
        (await venue.http('POST', '/v1/alerts', headers, ALERT)).status,
        (await venue.http('POST', '/v1/webhooks', headers, HOOK)).status,
        stream,
      ];
      assert.deepEqual(statuses, expected);
      if (roles === 'drop-copy') assert.ok(!existsSync(join(venue.dir, 'data', 'alerts')), 'who may not set any starts no thread');
    });

  it('a stream behind an event that there is not is refused', async (t) => {
    const headers = await bearer('trader', '1');
    const statuses: number[] = [];
    for (const after of [0, 1]) {
      const { status, socket } = await venue.webSocket(`/v1/alerts?account=1&after=${after}`, headers);
      t.after(() => socket.destroy());
      statuses.push(status);
    }
    assert.deepEqual(statuses, [101, 400]);
  });

  it('an account cannot learn what another has', async () => {
    const headers = await bearer('trader', '2');
    for (const [method, path] of [
      ['GET', '/v1/alerts?account=1'],
      ['GET', '/v1/alerts/events?account=1'],
      ['DELETE', '/v1/alerts/1?account=1'],
      ['GET', '/v1/webhooks/1/messages?account=1'],
      ['DELETE', '/v1/webhooks/1?account=1'],
    ])
      assert.equal((await venue.http(method, path, headers)).status, 403, `${method} ${path}`);
    for (const path of ['/v1/webhooks/1/rotate', '/v1/webhooks/1/replay'])
      for (const account of [1, 2])
        assert.equal((await venue.http('POST', path, headers, { account })).status, account === 1 ? 403 : 404, path);
    assert.equal((await venue.http('DELETE', '/v1/alerts/1?account=2', headers)).status, 404);
  });

  it('actions and streams are in the audit trail with their account, secrets are not', async () => {
    const headers = await bearer('trader', '1');
    const { json } = await venue.http('POST', '/v1/webhooks', headers, HOOK);
    assert.match(json.secret, /^whsec_/);
    await venue.http('DELETE', `/v1/webhooks/${json.id}?account=1`, headers);
    await venue.exchange.stop();
    const dir = join(venue.dir, 'data');
    const trail = readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .filter((name) => /audit.*\.(jsonl|ndjson|log)$/.test(name))
      .map((name) => readFileSync(join(dir, name), 'utf8'))
      .join('');
    assert.match(trail, /"account":1,"action":"DELETE \/v1\/webhooks\/:webhook","outcome":"ok"/);
    for (const what of ['open', 'close'])
      assert.match(trail, new RegExp(`"subject":"read-only","account":1,"action":"${what} WebSocket alerts","outcome":"ok"`));
    assert.ok(!/"subject":"custodian","account":1,"action":"open/.test(trail), 'a refused one has not begun');
    assert.ok(!trail.includes('whsec_'));
  });
});
