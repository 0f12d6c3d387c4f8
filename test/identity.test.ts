import assert from 'node:assert/strict';
import { createHash, createHmac, createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, test } from 'node:test';
import { errors, generateKeyPair, importJWK, SignJWT } from 'jose';
import { pino } from 'pino';
import { codeName } from '../engine/codes.ts';
import type { AuditEvent } from '../gateway/audit/audit-sink.ts';
import { ProxyList } from '../gateway/config/proxy-list.ts';
import type { Identity, Visit } from '../gateway/identity/identity.ts';
import { IdentityReject } from '../gateway/identity/identity-reject.ts';
import { FileKeySet, UrlKeySet } from '../gateway/identity/key-sets.ts';
import { readServiceAccounts } from '../gateway/identity/service-accounts.ts';
import { type IdentityConfig, startIdentity } from '../gateway/identity/start-identity.ts';
import { TokenVerifier } from '../gateway/identity/tokens.ts';
import { AUDIENCE, ISSUER, Issuer } from './support/issuer.ts';
import { until } from './support/until.ts';

const dir = mkdtempSync(join(tmpdir(), 'openbell-identity-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const jwksFile = join(dir, 'jwks.json');

/** The log lines and the audit events. */
const lines: string[] = [];
const events: AuditEvent[] = [];
const log = pino(
  { level: 'debug' },
  new Writable({
    write: (chunk, _, done) => {
      lines.push(String(chunk));
      done();
    },
  }),
);
const audit = { record: (event: AuditEvent) => void events.push(event) };

const CLOSED: IdentityConfig = {
  host: '127.0.0.1',
  authJwks: jwksFile,
  authIssuer: ISSUER,
  authAudience: AUDIENCE,
  authKeys: undefined,
  authProxies: undefined,
  tlsCert: undefined,
};

function visit(headers: Record<string, string>, peer = '127.0.0.1'): Visit {
  return { peer, wants: 'a test', header: (name) => headers[name] };
}

async function fate(identity: Identity, headers: Record<string, string>, peer?: string): Promise<string> {
  const answer = await identity.admit(visit(headers, peer));
  return answer instanceof IdentityReject ? codeName(answer.code) : `${answer.subject} by ${answer.via}`;
}

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = (): number => Math.floor(Date.now() / 1000);

test('tokens: valid ones, and every kind of invalid one', async () => {
  const issuer = new Issuer();
  for (const alg of ['RS256', 'ES256', 'EdDSA']) await issuer.addKey(alg);
  writeFileSync(jwksFile, issuer.jwks);
  const identity = startIdentity(CLOSED, log, audit);
  const good = await issuer.token();
  const [header, payload, signature] = good.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const rsaPem = createPublicKey({ key: issuer.keys[0].jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const hmac = (head: object): string => {
    const text = `${base64(head)}.${payload}`;
    return `${text}.${createHmac('sha256', rsaPem).update(text).digest('base64url')}`;
  };
  const other = await generateKeyPair('RS256');
  const foreign = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).sign(other.privateKey);
  const inside = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k1', jwk: issuer.keys[1].jwk }).sign(other.privateKey);

  const GOOD: [name: string, token: string][] = [
    ['RS256', good],
    ['ES256', await issuer.token({}, { kid: 'k2' })],
    ['EdDSA', await issuer.token({}, { kid: 'k3' })],
    ['one of several audiences', await issuer.token({ aud: ['other', AUDIENCE] })],
    ['expired within the skew', await issuer.token({ exp: now() - 20 })],
    ['valid from within the skew', await issuer.token({ nbf: now() + 20 })],
    ['issued within the skew', await issuer.token({ iat: now() + 20 })],
    ['lists', await issuer.token({ openbell_roles: ['trader', 'auditor'], openbell_accounts: [1, '*'] })],
    ['no roles at all', await issuer.token({ openbell_roles: undefined, openbell_accounts: undefined })],
  ];
  for (const [name, token] of GOOD) assert.equal(await fate(identity, { authorization: `Bearer ${token}` }), 'alice by token', name);

  const BAD: [name: string, token: string][] = [
    ['alg none', `${base64({ alg: 'none' })}.${payload}.`],
    ['alg none, signed', `${base64({ alg: 'none', kid: 'k1' })}.${payload}.${signature}`],
    ['HS256 with the public key as secret', hmac({ alg: 'HS256', kid: 'k1' })],
    ['HS256 without a kid', hmac({ alg: 'HS256' })],
    ['another key under a known kid', foreign],
    ['a key that the token brings along', inside],
    [
      'RS256 under the kid of an ES256 key',
      await issuer
        .token({}, { kid: 'k1', alg: 'RS256' })
        .then((t) => `${base64({ alg: 'RS256', kid: 'k2' })}.${t.split('.').slice(1).join('.')}`),
    ],
    ['an unknown kid', `${base64({ alg: 'RS256', kid: 'k9' })}.${payload}.${signature}`],
    ['no kid', `${base64({ alg: 'RS256' })}.${payload}.${signature}`],
    ['another payload', `${header}.${base64({ ...claims, openbell_accounts: '1 2' })}.${signature}`],
    ['no signature', `${header}.${payload}.`],
    ['expired', await issuer.token({ exp: now() - 31 })],
    ['never expires', await issuer.token({ exp: undefined })],
    ['an expiry that is text', await issuer.token({ exp: 'tomorrow' as never })],
    ['not yet valid', await issuer.token({ nbf: now() + 40 })],
    ['another issuer', await issuer.token({ iss: 'https://evil.example' })],
    ['no issuer', await issuer.token({ iss: undefined })],
    ['another audience', await issuer.token({ aud: 'openbel' })],
    ['no audience', await issuer.token({ aud: undefined })],
    ['no subject', await issuer.token({ sub: undefined })],
    ['a subject with a line break', await issuer.token({ sub: 'alice\n{"level":"info"}' })],
    ['an unknown role', await issuer.token({ openbell_roles: 'trader admin' })],
    ['roles that are no text', await issuer.token({ openbell_roles: { trader: true } })],
    ['a role in a list of its own', await issuer.token({ openbell_roles: [['trader']] })],
    ['a list of lists of roles', await issuer.token({ openbell_roles: ['trader', ['auditor']] })],
    ['a role that is a number', await issuer.token({ openbell_roles: [7] })],
    ['roles that are null', await issuer.token({ openbell_roles: null })],
    ['an account in a list of its own', await issuer.token({ openbell_accounts: [[1]] })],
    ['every account in a list of its own', await issuer.token({ openbell_accounts: [['*']] })],
    ['an account that is true', await issuer.token({ openbell_accounts: [true] })],
    ['accounts that are a number', await issuer.token({ openbell_accounts: 1 })],
    ['an expiry without an end', await issuer.written('"exp": 1e400')],
    ['an expiry in the year 275760', await issuer.token({ exp: 8_640_000_000_000 })],
    ['a negative expiry', await issuer.token({ exp: -1 })],
    ['an expiry in a list', await issuer.token({ exp: [now() + 60] as never })],
    ['a beginning that is text', await issuer.token({ nbf: '0' as never })],
    ['a beginning before all time', await issuer.written('"nbf": -1e400')],
    ['issued after the skew', await issuer.token({ iat: now() + 40 })],
    ['issued at no time', await issuer.token({ iat: 'now' as never })],
    ['issued without an end', await issuer.written('"iat": 1e400')],
    ['an issuer in a list', await issuer.token({ iss: [ISSUER] as never })],
    ['an audience in a list of its own', await issuer.token({ aud: [[AUDIENCE]] as never })],
    ['an audience beside a number', await issuer.token({ aud: [AUDIENCE, 7] as never })],
    ['an audience that is an object', await issuer.token({ aud: { [AUDIENCE]: true } as never })],
    ['a subject in a list', await issuer.token({ sub: ['alice'] as never })],
    ['a subject that is a number', await issuer.token({ sub: 7 as never })],
    ['account 0', await issuer.token({ openbell_accounts: '0' })],
    ['account 1.5', await issuer.token({ openbell_accounts: [1.5] })],
    ['account 2^32', await issuer.token({ openbell_accounts: '4294967296' })],
    ['accounts with commas', await issuer.token({ openbell_accounts: '1,2' })],
    ['garbage', 'garbage'],
    ['dots', '..'],
    ['a megabyte', `${header}.${'A'.repeat(1 << 20)}.${signature}`],
    ['encrypted', 'a.b.c.d.e'],
  ];
  events.length = lines.length = 0;
  for (const [name, token] of BAD) {
    assert.equal(await fate(identity, { authorization: `Bearer ${token}` }), 'UNAUTHENTICATED', name);
    // Rejected the second time, too.
    assert.equal(await fate(identity, { authorization: `Bearer ${token}` }), 'UNAUTHENTICATED', name);
  }
  assert.equal(events.length, BAD.length * 2, 'each reject is recorded in the audit trail');
  assert.ok(lines.length >= 20 && lines.length < BAD.length * 2, 'and to the log, but not without limit');
  const written = lines.join('') + JSON.stringify(events);
  for (const [name, token] of BAD) {
    for (const part of token.split('.')) assert.ok(part.length < 12 || !written.includes(part), `${name}: the log has a part of the token`);
  }
  const expired = events.find(({ detail }) => detail === 'the token has expired');
  assert.deepEqual([expired?.subject, expired?.peer, expired?.outcome], ['alice', '127.0.0.1', 'UNAUTHENTICATED']);
  for (const value of ['', 'Bearer', 'Bearer ', `Bearer ${good} x`, `Bearer ${good}, Bearer ${good}`, `Basic ${good}`, good])
    assert.equal(await fate(identity, { authorization: value }), 'UNAUTHENTICATED', value.slice(0, 20));
});

test('a token that was verified once expires all the same', async (t) => {
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  writeFileSync(jwksFile, issuer.jwks);
  const verifier = new TokenVerifier(new FileKeySet(jwksFile, log), ISSUER, AUDIENCE);
  const token = await issuer.token({ exp: now() + 60 });
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  assert.ok(!((await verifier.verify(token)) instanceof IdentityReject));
  t.mock.timers.tick(89_000);
  const kept = verifier.verify(token);
  assert.ok(!(kept instanceof Promise) && !(kept instanceof IdentityReject), 'from the cache, within the skew');
  t.mock.timers.tick(2000);
  for (const time of ['from the cache', 'by its claims']) {
    const answer = await verifier.verify(token);
    assert.ok(answer instanceof IdentityReject, time);
    assert.deepEqual([answer.reason, answer.subject], ['the token has expired', 'alice'], time);
  }
});

test('a JWKS file is read again when it changes; an invalid one has no effect', async () => {
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  writeFileSync(jwksFile, issuer.jwks);
  const verifier = new TokenVerifier(new FileKeySet(jwksFile, log), ISSUER, AUDIENCE);
  const verify = async (token: string) => !((await verifier.verify(token)) instanceof IdentityReject);
  const first = await issuer.token();
  assert.equal(await verify(first), true);
  assert.equal(verifier.verify(first) instanceof Promise, false, 'the second time without a signature');
  const [old] = issuer.keys.splice(0);
  await issuer.addKey('ES256');
  issuer.keys[0].kid = issuer.keys[0].jwk.kid = 'new';
  const second = await issuer.token();
  assert.equal(await verify(second), false, 'a key that is not there yet');
  writeFileSync(jwksFile, issuer.jwks);
  assert.equal(await verify(second), true, 'at once: an unknown key id makes it look');
  assert.equal(await verify(first), false, 'the old key is gone, and with it what it had signed');
  const written = lines.length;
  writeFileSync(jwksFile, '{"keys": 7}');
  const current = await issuer.token();
  await until(async () => {
    assert.equal(await verify(current), true, 'the earlier keys stay in use');
    return lines.length > written;
  }, 'the invalid file is read');
  issuer.keys.push(old);
  writeFileSync(jwksFile, issuer.jwks);
  await until(() => verify(first), 'the key is back');
  assert.throws(() => new FileKeySet(join(dir, 'none'), log), /ENOENT/);
  assert.throws(() => startIdentity({ ...CLOSED, authJwks: join(dir, 'none') }, log, audit), { code: 'OPENBELL_CONFIG' });
});

test('a key that is replaced under its id verifies no more, and no token that it had verified counts', async () => {
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  writeFileSync(jwksFile, issuer.jwks);
  const verifier = new TokenVerifier(new FileKeySet(jwksFile, log), ISSUER, AUDIENCE);
  const token = await issuer.token();
  assert.ok(!((await verifier.verify(token)) instanceof IdentityReject));
  assert.equal(verifier.verify(token) instanceof Promise, false, 'remembered');
  issuer.keys.splice(0);
  await issuer.addKey('ES256');
  writeFileSync(jwksFile, issuer.jwks);
  await until(async () => (await verifier.verify(token)) instanceof IdentityReject, 'the token of the old key is rejected');
  assert.ok(!((await verifier.verify(await issuer.token())) instanceof IdentityReject));
});

test('a token is not remembered when its key is removed while its signature is checked, and another token notices', async () => {
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  const [old] = issuer.keys;
  const key = await importJWK(old.jwk, 'ES256');
  const [asked, given] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const keys = {
    version: 1,
    refresh: () => undefined,
    key: async () => {
      if (keys.version > 1) throw new errors.JWKSNoMatchingKey();
      asked.resolve();
      await given.promise;
      return key;
    },
  };
  const verifier = new TokenVerifier(keys, ISSUER, AUDIENCE);
  const token = await issuer.token();
  const checked = verifier.verify(token);
  await asked.promise;
  keys.version++;
  assert.equal(verifier.remembered(await issuer.token({ sub: 'another' })), undefined);
  given.resolve();
  assert.ok(!((await checked) instanceof IdentityReject), 'the key was valid when it was asked for');
  assert.ok((await verifier.verify(token)) instanceof IdentityReject, 'the next time it is not');
});

test('a JWKS behind a URL: fetched once, rotated on an unknown key id, with a cooldown, and still used when the issuer is down', async (t) => {
  let now = performance.now();
  t.mock.method(performance, 'now', () => now);
  const issuer = new Issuer();
  await issuer.addKey('EdDSA');
  const url = await issuer.serve();
  const keys = new UrlKeySet(url, log, { cooldownMs: 300, maxAgeMs: 600 });
  const verifier = new TokenVerifier(keys, ISSUER, AUDIENCE);
  const verify = async (token: string) => {
    const answer = await verifier.verify(token);
    return answer instanceof IdentityReject ? codeName(answer.code) : 'ok';
  };
  issuer.broken = 'not JSON';
  assert.equal(await verify(await issuer.token()), 'BUSY', 'no keys yet: neither accepted nor rejected');
  issuer.broken = undefined;
  now += 320;
  const together = await Promise.all(Array.from({ length: 20 }, async () => verify(await issuer.token())));
  assert.deepEqual([...new Set(together)], ['ok']);
  assert.equal(issuer.fetches, 2, 'one for all of them');
  await issuer.addKey('EdDSA');
  now += 320;
  assert.equal(await verify(await issuer.token({}, { kid: 'k2' })), 'ok');
  assert.equal(issuer.fetches, 3);
  const invented = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => verify(`${base64({ alg: 'EdDSA', kid: `x${i}` })}.${base64({ i })}.AAAA`)),
  );
  assert.deepEqual([...new Set(invented)], ['UNAUTHENTICATED']);
  assert.equal(issuer.fetches, 3, 'invented key ids do not cause requests to the issuer');
  issuer.stop();
  now += 700;
  assert.equal(await verify(await issuer.token({ sub: 'later' })), 'ok', 'old keys are better than none');
});

test('a token bound to a certificate counts only on a connection with this certificate', async () => {
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  writeFileSync(jwksFile, issuer.jwks);
  const identity = startIdentity(CLOSED, log, audit);
  const digest = createHash('sha256').update('certificate').digest();
  const fingerprint = (digest.toString('hex').toUpperCase().match(/../g) ?? []).join(':');
  const certificate = { subject: 'CN=desk', dnsNames: [], uris: [], fingerprint, expiresAt: Number.POSITIVE_INFINITY };
  const token = await issuer.token({ cnf: { 'x5t#S256': digest.toString('base64url') } });
  const admitted = async (shown?: Visit['certificate']) => {
    const answer = await identity.admit({ ...visit({ authorization: `Bearer ${token}` }), certificate: shown });
    return !(answer instanceof IdentityReject);
  };
  const strict = startIdentity({ ...CLOSED, authBound: ['custodian', 'operator'] }, log, audit);
  const strictly = (token: string) => strict.admit({ ...visit({ authorization: `Bearer ${token}` }), certificate });
  assert.ok(!((await strictly(token)) instanceof IdentityReject));
  assert.ok(!((await strictly(await issuer.token())) instanceof IdentityReject), 'a trader needs no binding');
  for (const openbell_roles of ['custodian', 'trader operator'])
    assert.ok((await strictly(await issuer.token({ openbell_roles }))) instanceof IdentityReject, openbell_roles);
  assert.throws(() => startIdentity({ ...CLOSED, authBound: ['custodians'] }, log, audit), { code: 'OPENBELL_CONFIG' });
  // Twice: the second time the token itself is remembered.
  for (let i = 0; i < 2; i++) {
    assert.equal(await admitted(certificate), true);
    assert.equal(await admitted(undefined), false);
    assert.equal(await admitted({ ...certificate, fingerprint: fingerprint.replace(/^../, '00') }), false);
  }
});

test('a reject for a path that names no account has none in its answer, its log line and its audit record', async () => {
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  writeFileSync(jwksFile, issuer.jwks);
  const identity = startIdentity(CLOSED, log, audit);
  const caller = await identity.admit(visit({ authorization: `Bearer ${await issuer.token()}` }));
  assert.ok(!(caller instanceof IdentityReject));
  const before = lines.length;
  const wants = { peer: '127.0.0.1', wants: 'GET /v1/accounts/abc' };
  assert.equal(identity.forbid(caller, 'account:read', wants, Number.NaN)?.details, 'PERMISSION_DENIED: your roles do not allow this');
  const event = events.at(-1);
  assert.deepEqual([event?.detail, event && 'account' in event], ['account:read is not among the rights of trader', false]);
  assert.doesNotMatch(lines.slice(before).join(''), /NaN|"account":/);
  assert.match(identity.forbid(caller, 'account:read', wants, 7)?.details ?? '', /for account 7, or it is not among your accounts$/);
  assert.equal(events.at(-1)?.account, 7);
});

test('proxies: matching of addresses', () => {
  for (const cidr of ['::ffff:10.0.0.0/8', '::/1', '::/64', '::ffff:0:0/96']) assert.throws(() => new ProxyList([cidr]), /must be/, cidr);
  assert.equal(new ProxyList(['::ffff:10.0.0.0/104']).has('10.1.2.3'), true);
  const list = new ProxyList(['127.0.0.0/8', '10.1.2.3', '::1', 'fd00::/8']);
  for (const address of [
    '127.0.0.1',
    '127.0.0.6',
    '::ffff:127.0.0.1',
    '10.1.2.3',
    '::ffff:10.1.2.3',
    '::1',
    'fd12::9',
    '0:0:0:0:0:ffff:7f00:1',
  ])
    assert.equal(list.has(address), true, address);
  for (const address of ['10.1.2.4', '128.0.0.1', '::2', 'fe80::1', '', 'localhost', '127.0.0.1:80', '::ffff:10.1.2.4'])
    assert.equal(list.has(address), false, address);
  for (const cidr of ['10.0.0.0/0', '::/0', '10.0.0.0/33', '10.0.0', '', '1.2.3.4/8/8', '1.2.3.4/x', 'proxy.example'])
    assert.throws(() => new ProxyList([cidr]), /must be/, cidr);
});

test('a remote caller without TLS must be a proxy, whatever its credentials', async () => {
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  writeFileSync(jwksFile, issuer.jwks);
  const identity = startIdentity({ ...CLOSED, host: '0.0.0.0', authProxies: ['10.0.0.0/8'] }, log, audit);
  const token = { authorization: `Bearer ${await issuer.token()}` };
  const claims = {
    'x-openbell-subject': 'bob',
    'x-openbell-roles': 'trader',
    'x-openbell-accounts': '1',
    'x-openbell-expires': '9999999999',
  };
  const TABLE: [headers: Record<string, string>, peer: string, expected: string][] = [
    [token, '192.168.0.9', 'UNAUTHENTICATED'],
    [token, '10.0.0.9', 'alice by token'],
    [token, '127.0.0.1', 'alice by token'],
    [claims, '10.0.0.9', 'bob by proxy'],
    [claims, '127.0.0.1', 'UNAUTHENTICATED'],
    [claims, '192.168.0.9', 'UNAUTHENTICATED'],
    [{ ...token, ...claims }, '192.168.0.9', 'UNAUTHENTICATED'],
    [{ ...token, 'x-forwarded-client-cert': '' }, '127.0.0.1', 'UNAUTHENTICATED'],
    [claims, '', 'UNAUTHENTICATED'],
  ];
  for (const [headers, peer, expected] of TABLE)
    assert.equal(await fate(identity, headers, peer), expected, `${peer} ${Object.keys(headers)}`);
  const withTls = startIdentity({ ...CLOSED, host: '0.0.0.0', tlsCert: 'cert.pem' }, log, audit);
  assert.equal(await fate(withTls, token, '192.168.0.9'), 'alice by token');
  const open = startIdentity({ ...CLOSED, authJwks: undefined, authIssuer: undefined, authAudience: undefined }, log, audit);
  assert.equal(await fate(open, {}), 'anybody by open');
  assert.equal(await fate(open, claims), 'UNAUTHENTICATED', 'a caller with proxy headers is rejected if no proxy is listed');
});

test('the file of keys: every problem is reported, without any part of a private key', () => {
  const text = `
keys:
  - { id: a b, public-key: AAAA, roles: trader }
  - { id: ok, public-key: "-----BEGIN PRIVATE KEY-----", roles: root }
certificates:
  - { uri: spiffe://a/b, name: CN=x }
  - { uri: spiffe://a/b, roles: trader, accounts: one }
`;
  assert.throws(
    () => readServiceAccounts('keys.yaml', text),
    ({ problems }: { problems: string[] }) => {
      assert.equal(problems.length, 6, problems.join('\n'));
      assert.ok(!problems.join('').includes('BEGIN PRIVATE'));
      return true;
    },
  );
});
