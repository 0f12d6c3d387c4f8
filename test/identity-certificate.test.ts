import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Authority } from './support/certificates.ts';
import { sessionToItsEnd } from './support/envoy-client.ts';
import { ExchangeProcess } from './support/exchange-process.ts';
import { GuardedExchange } from './support/guarded-exchange.ts';
import { Issuer } from './support/issuer.ts';
import { RawSession } from './support/order-entry-fixture.ts';

const UNAUTHENTICATED = 16;

test('a session with a certificate ends when it expires, others continue', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-certificate-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
  const authority = new Authority(join(dir, 'ours'));
  const server = authority.issue({ name: 'server' });
  const keys = join(dir, 'keys.yaml');
  writeFileSync(
    keys,
    'certificates:\n  - { name: CN=desk-7, roles: trader, accounts: 1 }\n  - { name: CN=desk-8, roles: trader, accounts: 1 }\n',
  );
  const files = ['--tls-cert', server.cert, '--tls-key', server.key, '--tls-client-ca', authority.ca.cert, '--auth-keys', keys];
  const exchange = await ExchangeProcess.start(join(dir, 'data'), files);
  t.after(() => exchange.end('SIGKILL'));
  const lasting = await sessionToItsEnd({ authority }, exchange.ports.grpc, { certificate: authority.issue({ name: 'desk-8' }) });
  let lastingEnded = false;
  void lasting.ended.then(() => {
    lastingEnded = true;
  });
  const certificate = authority.issue({ name: 'desk-7', seconds: 4 });
  const { ended } = await sessionToItsEnd({ authority }, exchange.ports.grpc, { certificate });
  assert.deepEqual(await ended, { status: UNAUTHENTICATED, reset: 0 });
  assert.equal(lastingEnded, false);
});

test('an identity from a proxy expires on every port: with the token, and with the forwarded certificate', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-certificate-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const authority = new Authority(dir);
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  const uri = 'spiffe://openbell/desk-8';
  const keys = `certificates: [{ uri: "${uri}", roles: trader, accounts: 1 }]\n`;
  const exchange = await GuardedExchange.start(issuer, { 'auth-proxies': '127.0.0.1' }, keys);
  t.after(() => exchange.stop());
  const element = ({ cert }: { cert: string }) => `Hash=1;Cert="${encodeURIComponent(readFileSync(cert, 'utf8'))}";URI=${uri}`;
  const [lasting, gone] = [{ name: 'lasting' }, { name: 'gone', days: -1 }].map((issue) => element(authority.issue(issue)));
  const TABLE: [name: string, header: string, status: number][] = [
    ['whole', lasting, 200],
    ['expired', gone, 401],
    ['garbage', `Cert="-----BEGIN%20";URI=${uri}`, 401],
    ['broken encoding', `Cert="%zz";URI=${uri}`, 401],
    ['an expired one of an earlier hop', `${gone},URI=${uri}`, 200],
  ];
  for (const [name, header, expected] of TABLE)
    assert.equal((await exchange.http('GET', '/v1/accounts/1', { 'x-forwarded-client-cert': header })).status, expected, name);

  const claims = { 'x-openbell-subject': 'bob', 'x-openbell-roles': 'trader', 'x-openbell-accounts': '1' };
  const soon = element(authority.issue({ name: 'soon', seconds: 4 }));
  // 30 s of skew, of which 2 or 3 are left.
  const shown: Record<string, string>[] = [
    { ...claims, 'x-openbell-expires': String(Math.floor(Date.now() / 1000) - 27) },
    { 'x-forwarded-client-cert': soon },
  ];
  await Promise.all(
    shown.map(async (headers) => {
      const session = new RawSession(exchange.ports.grpc, { 'x-openbell-account': '1', ...headers });
      t.after(() => session.close());
      session.read();
      const sockets = await Promise.all(['/', '/v1/orders?account=1'].map((path) => exchange.webSocket(path, headers)));
      assert.deepEqual([await session.opened, ...sockets.map(({ status }) => status)], ['0', 101, 101]);
      for (const { socket } of sockets) await socket.until(() => socket.closeCode !== 0);
      assert.deepEqual(
        [(await session.ended).code, ...sockets.map(({ socket }) => socket.closeCode)],
        [UNAUTHENTICATED, 4000 + UNAUTHENTICATED, 4000 + UNAUTHENTICATED],
      );
    }),
  );
});
