/** What ends with time, or belongs to one key only: tokens that were verified before, and challenges. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { challengeText } from '../gateway/challenge-text.ts';
import { ApiKeys } from '../gateway/identity/api-keys.ts';
import { IdentityReject } from '../gateway/identity/identity-reject.ts';
import { FileKeySet } from '../gateway/identity/key-sets.ts';
import { readServiceAccounts } from '../gateway/identity/service-accounts.ts';
import { CLOCK_SKEW_S, TokenVerifier } from '../gateway/identity/tokens.ts';
import { createLogger } from '../gateway/log.ts';
import { AUDIENCE, ISSUER, Issuer } from './support/issuer.ts';

/** Moves both clocks of the process forward. */
function later(t: TestContext, ms: number): void {
  const [wall, monotonic] = [Date.now(), performance.now()];
  t.mock.method(Date, 'now', () => wall + ms);
  t.mock.method(performance, 'now', () => monotonic + ms);
}

test('a token that was verified before is rejected when it has expired', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-lifetime-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  writeFileSync(join(dir, 'jwks.json'), issuer.jwks);
  const verifier = new TokenVerifier(new FileKeySet(join(dir, 'jwks.json'), createLogger('silent')), ISSUER, AUDIENCE);
  const token = await issuer.token();
  assert.equal((await verifier.verify(token)) instanceof IdentityReject, false);
  const remembered = verifier.verify(token);
  assert.equal(remembered instanceof Promise, false, 'it is remembered');
  later(t, (60 + CLOCK_SKEW_S + 1) * 1000);
  const answer = await verifier.verify(token);
  assert.ok(answer instanceof IdentityReject, 'a remembered token expires');
  assert.match(answer.reason, /expired/);
});

function apiKeys(...ids: string[]): { keys: ApiKeys; answer: (id: string, nonce: string) => ReturnType<ApiKeys['answer']> } {
  const privateKeys = new Map<string, KeyObject>();
  const entries = ids.map((id) => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    privateKeys.set(id, privateKey);
    const pem = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    return `  - { id: ${id}, public-key: "${pem}", roles: trader, accounts: "1" }`;
  });
  const accounts = readServiceAccounts('keys.yaml', `keys:\n${entries.join('\n')}\n`);
  const keys = new ApiKeys(() => accounts);
  const answer = (id: string, nonce: string) =>
    keys.answer(id, nonce, sign(null, Buffer.from(challengeText(id, nonce)), privateKeys.get(id) as KeyObject).toString('base64'));
  return { keys, answer };
}

const reason = (answer: Awaited<ReturnType<ApiKeys['answer']>>): string => (answer instanceof IdentityReject ? answer.reason : 'let in');

test('a challenge expires', async (t) => {
  const { keys, answer } = apiKeys('desk-1');
  assert.equal(reason(await answer('desk-1', keys.challenge('desk-1'))), 'let in');
  const nonce = keys.challenge('desk-1');
  later(t, 31_000);
  assert.match(reason(await answer('desk-1', nonce)), /the challenge has expired/);
});

test('a challenge is valid for its key only, also with the signature of another key', async () => {
  const { keys, answer } = apiKeys('desk-1', 'desk-2');
  assert.match(reason(await answer('desk-2', keys.challenge('desk-1'))), /not issued to this key/);
  assert.equal(reason(await answer('desk-2', keys.challenge('desk-2'))), 'let in');
});
