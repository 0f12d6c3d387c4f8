import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Authority } from './support/certificates.ts';
import { sessionToItsEnd } from './support/envoy-client.ts';
import { ExchangeProcess } from './support/exchange-process.ts';

const UNAUTHENTICATED = 16;

test('a session by certificate ends with the certificate, others go on', async (t) => {
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
