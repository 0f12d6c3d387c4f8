import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { connect } from '../gateway/client/index.ts';
import { withoutSecrets } from '../gateway/secret-text.ts';
import { Authority } from './support/certificates.ts';
import { type CliResult, ExchangeProcess, openbell } from './support/exchange-process.ts';
import { LONG_RUNS } from './support/long-runs.ts';
import { until } from './support/until.ts';

const raw = (bytes: Buffer): Buffer => bytes;
const LOG = fileURLToPath(new URL('../gateway/log.ts', import.meta.url));

/** A token as from an issuer, with an unknown signature. */
function strangersToken(secret: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = `${part({ alg: 'EdDSA', kid: 'unknown' })}.${part({ sub: secret, iss: 'test', aud: 'openbell', exp: 4e9 })}`;
  return `${body}.${sign(null, Buffer.from(body), generateKeyPairSync('ed25519').privateKey).toString('base64url')}`;
}

/** Every file below a directory, and its bytes as text. */
function* filesBelow(dir: string): Generator<[string, string]> {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (statSync(path).isDirectory()) yield* filesBelow(path);
    else if (statSync(path).isFile()) yield [path, readFileSync(path, 'latin1')];
  }
}

/** One gRPC call that is rejected; resolves with its details. */
function session(port: number, ca: Buffer, headers: Readonly<Record<string, string>>): Promise<string> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createSsl(ca));
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const call = client.makeBidiStreamRequest('/openbell.OrderEntry/Session', raw, raw, metadata);
  return new Promise((resolve) => {
    call.on('error', ({ message }) => {
      client.close();
      resolve(message);
    });
  });
}

interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

function ask(port: number, ca: Buffer, { path, method = 'GET', headers = {}, body = '' }: Asked): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, host: '127.0.0.1', path, method, headers, ca, agent: false }, (response) => {
      let text = JSON.stringify(response.headers);
      response.on('data', (bytes: Buffer) => {
        text += bytes;
      });
      response.on('end', () => resolve(text));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

it('no secret appears in the log, answers, metrics, help, process title, audit or data', { timeout: 300_000 }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-redaction-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const authority = new Authority(dir);
  const pair = authority.issue({ name: 'server' });
  const ca = readFileSync(authority.ca.cert);
  const machine = generateKeyPairSync('ed25519');
  const keys = join(dir, 'keys.yaml');
  const pem = String(machine.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  // The private key does not belong into this file: an error about it must not quote it.
  writeFileSync(keys, `keys:\n  - id: desk-7\n    public-key: |\n${pem.replace(/^/gm, '      ')}\n`);
  const jwks = join(dir, 'jwks.json');
  const jwk = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  writeFileSync(jwks, JSON.stringify({ keys: [{ ...jwk, kid: 'ours', alg: 'EdDSA', use: 'sig' }] }));

  const token = strangersToken('stranger');
  const garbage = 'gJ4kq-not-even-a-token-81723';
  const inEnvironment = 'env-token-9f31c2a7b6';
  const keyLines = (text: string) => text.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----'));
  const secrets = [token, token.split('.')[2], garbage, inEnvironment, ...keyLines(readFileSync(pair.key, 'utf8')), ...keyLines(pem)];
  const clean = (where: string, text: string) => {
    for (const secret of secrets) assert.ok(!text.includes(secret), `${where} shows ${secret}`);
  };

  const data = join(dir, 'data');
  const auth = ['--auth-jwks', jwks, '--auth-issuer', 'test', '--auth-audience', 'openbell'];
  const tls = ['--tls-cert', pair.cert, '--tls-key', pair.key];
  process.env.OPENBELL_TOKEN = inEnvironment;
  t.after(() => {
    delete process.env.OPENBELL_TOKEN;
  });
  const unstarted = await openbell(['start', '--data', join(dir, 'other'), ...auth, ...tls, '--auth-keys', keys]);
  clean('a refused start', unstarted.stdout + unstarted.stderr);
  for (const file of [pair.key, keys]) {
    const wrong = await openbell(['start', '--data', join(dir, 'other'), '--tls-cert', file, '--tls-key', file]);
    assert.notEqual(wrong.code, 0);
    clean('a start with a key as its certificate', wrong.stdout + wrong.stderr);
    const asConfig = await openbell(['start', '--config', file, '--data', join(dir, 'other')]);
    assert.notEqual(asConfig.code, 0);
    clean('a start with a key as its configuration', asConfig.stdout + asConfig.stderr);
  }

  const exchange = await ExchangeProcess.start(data, [...auth, ...tls, '--log-level', 'trace']);
  t.after(() => exchange.child.kill('SIGKILL'));
  const { grpc, http } = exchange.ports;
  const answers: string[] = [];
  for (const shown of [token, garbage]) {
    const bearer = `Bearer ${shown}`;
    answers.push(await session(grpc, ca, { authorization: bearer, 'x-openbell-account': '1' }));
    answers.push(await session(grpc, ca, { authorization: shown, 'x-openbell-account': shown.slice(0, 40) }));
    answers.push(await ask(http, ca, { path: '/v1/accounts/1', headers: { authorization: bearer } }));
    answers.push(await ask(http, ca, { path: '/metrics', headers: { authorization: bearer, cookie: `session=${shown}` } }));
    const json = { 'content-type': 'application/json', authorization: bearer };
    answers.push(await ask(http, ca, { path: '/v1/accounts/1/deposit', method: 'POST', headers: json, body: '{"asset":' }));
    const upgrade = {
      upgrade: 'websocket',
      connection: 'Upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const protocols = { 'sec-websocket-protocol': `json, openbell.bearer.${shown}` };
    // In a header that is not meant for it.
    answers.push(await session(grpc, ca, { 'x-openbell-schema': shown, 'x-openbell-account': shown, 'x-openbell-last-report': shown }));
    for (const name of ['x-openbell-schema', 'x-openbell-subject', 'x-openbell-roles', 'x-openbell-last-report', 'content-type'])
      answers.push(await ask(http, ca, { path: '/v1/accounts/1', headers: { [name]: `${shown}, ${shown}` } }));
    for (const headers of [
      { ...upgrade, authorization: bearer },
      { ...upgrade, ...protocols },
    ])
      answers.push(await ask(exchange.ports.ws, ca, { path: '/v1/orders?account=1', headers }));
  }
  for (const answer of answers) clean('an answer', answer);
  // /metrics answers every caller that reaches the port.
  const metrics = answers.filter((answer) => answer.includes('# HELP openbell_'));
  const rejected = answers.filter((answer) => answer.includes('UNAUTHENTICATED'));
  assert.deepEqual([metrics.length, rejected.length], [2, answers.length - 2]);
  clean('the command line', readFileSync(`/proc/${exchange.child.pid}/cmdline`, 'utf8'));

  // A renewal that fails, in the middle of the run.
  const good = readFileSync(pair.key);
  writeFileSync(pair.key, good.subarray(0, good.length - 30));
  await until(() => exchange.stderr.includes('stays in use'), 'the log says so');
  writeFileSync(pair.key, good);

  const help = await openbell(['start', '--help']);
  clean('the help', help.stdout + help.stderr + (await openbell(['order', 'buy', '--help'])).stdout);
  assert.equal(await exchange.end('SIGTERM'), 0);
  clean('the log', exchange.stderr);
  assert.match(exchange.stderr, /"rejected"/, 'the log has no reject, so this test proves nothing');
  let audited = false;
  for (const [path, text] of filesBelow(data)) {
    clean(path, text);
    audited ||= /audit-.*jsonl$/.test(path) && text.includes('"kind":"identity"');
  }
  assert.ok(audited, 'the audit trail has no reject, so this test proves nothing');
});

/** Files that are no token, and what of them must not be seen. */
function wrongFiles(dir: string): { readonly path: string; readonly secrets: readonly string[] }[] {
  const pem = String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const rsa = String(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }));
  const word = 'pa55-w0rd-of-somebody';
  const texts: readonly (readonly [string, string, readonly string[]])[] = [
    ['ed25519.pem', pem, pem.split('\n').slice(1, -2)],
    ['rsa.pem', rsa, rsa.split('\n').slice(1, -2)],
    ['two-lines', `user\n${word}\n`, [word]],
    ['a-sentence', `the password is ${word}`, [word]],
    ['json', `{"password": "${word}"`, [word]],
    ['not-json', `${word}: "${word}`, [word]],
    ['not-ascii', `${word} \u00fc\u20ac`, [word]],
  ];
  return texts.map(([name, text, secrets]) => {
    writeFileSync(join(dir, name), text);
    return { path: join(dir, name), secrets };
  });
}

it('a file in the wrong place is never quoted: as a token, a key, a certificate, a key set or a configuration', {
  timeout: 300_000,
}, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-wrong-file-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  // Nothing listens there, and nothing must be asked.
  const ports = ['--grpc-port', '9', '--ws-port', '9', '--http-port', '9'];
  const asToken = [
    'order buy 1 BTC-USD 100.00',
    'cancel BTC-USD 1',
    'amend BTC-USD 1 1 100.00',
    'book BTC-USD',
    'trades BTC-USD',
    'account 1',
    'snapshot',
  ];
  const data = ['--data', join(dir, 'data')];
  for (const [index, { path, secrets }] of wrongFiles(dir).entries()) {
    const runs: Promise<readonly [readonly string[], CliResult]>[] = [];
    const run = (args: readonly string[], env: Record<string, string> = {}) =>
      runs.push(openbell(args, env).then((result) => [args, result]));
    // With each file one of the commands, with the first all.
    const full = LONG_RUNS || index === 0;
    for (const command of full ? asToken : [asToken[index % asToken.length]]) run([...command.split(' '), ...ports, '--token-file', path]);
    run(['account', '1', ...ports], { OPENBELL_TOKEN: readFileSync(path, 'utf8') });
    const tokens = runs.length;
    const asOther: readonly (readonly string[])[] = [
      ['book', 'BTC-USD', ...ports, '--tls-ca', path],
      ['account', '1', ...ports, '--tls-client-cert', path, '--tls-client-key', path],
      ['dev-token', '--key', path, '--subject', 'x', '--roles', 'trader', '--accounts', '1', '--ttl', '0x'],
      ['start', ...data, '--config', path, '--ws-port', 'none'],
      ['start', ...data, '--auth-keys', path],
      ['start', ...data, '--auth-issuer', 'a', '--auth-audience', 'b', '--auth-jwks', path],
      ['start', ...data, '--tls-cert', path, '--tls-key', path],
    ];
    for (const [which, args] of asOther.entries()) if (full || (index + which) % 2 === 0) run(args);
    for (const [i, [args, { code, stdout, stderr }]] of (await Promise.all(runs)).entries()) {
      const where = `openbell ${args.join(' ')}`;
      assert.notEqual(code, 0, where);
      if (i < tokens) assert.match(stderr, /^openbell: what .* holds is not a token: /, where);
      if (i < tokens) assert.equal(code, 2, where);
      for (const secret of secrets) assert.ok(!(stdout + stderr).includes(secret), `${where} shows ${secret}: ${stderr}`);
    }
    const token = readFileSync(path, 'utf8');
    const client = connect({ account: 1, grpcPort: 9, wsPort: 9, httpPort: 9, token, reconnect: false });
    const failed = await client.then(
      ({ orders }) =>
        orders.ready().then(
          () => 'connected',
          (error: Error) => error.message,
        ),
      (error: Error) => error.message,
    );
    assert.match(failed, /not one: /);
    for (const secret of secrets) assert.ok(!failed.includes(secret), failed);
  }
});

it('secrets that code might log by mistake are redacted', () => {
  const token = strangersToken('x');
  const pem = String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const secrets = [token, 'abcdefgh12345678', pem.split('\n')[1]];
  const code = `
    import { createLogger } from ${JSON.stringify(LOG)};
    const [token, opaque, pem] = JSON.parse(process.argv[1]);
    const log = createLogger('trace');
    log.info({ headers: { authorization: opaque }, token: opaque, request: { headers: { cookie: opaque } } }, 'fields');
    log.warn({ url: '/v1/orders?account=1&token=' + token }, 'an address with ' + token);
    log.error({ err: new Error('cannot read ' + pem, { cause: new Error('Bearer ' + opaque) }) }, 'Authorization: Bearer ' + opaque);
    log.debug({ offered: 'json, openbell.bearer.' + opaque }, 'protocols');
  `;
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', code, JSON.stringify([token, secrets[1], pem])], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const lines = stderr.trim().split('\n');
  assert.equal(lines.length, 4);
  for (const line of lines) {
    assert.match(line, /\[redacted\]/);
    JSON.parse(line);
    for (const secret of secrets) assert.ok(!line.includes(secret), `${line} shows ${secret}`);
  }
});

it('leaves all other values unchanged', () => {
  const texts = ['eyJ is how they begin', 'x-openbell-account: 7', '-----BEGIN CERTIFICATE-----\nMIIB\n'];
  for (const text of texts) assert.equal(withoutSecrets(text), text);
});
