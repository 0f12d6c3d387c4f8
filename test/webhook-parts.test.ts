/** The parts of webhooks: addresses, URLs, signatures, delays, the queue with a clock of its own, and requests to real servers. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { type Delivery, DeliveryQueue, type Outcome } from '../gateway/webhooks/delivery-queue.ts';
import { post } from '../gateway/webhooks/post.ts';
import { isPublicAddress } from '../gateway/webhooks/public-address.ts';
import { type Lookup, resolveTarget } from '../gateway/webhooks/resolve-target.ts';
import { JITTER, MAX_RETRY_AFTER_MS, RETRY_DELAYS_MS, retryAfterMs, retryDelay } from '../gateway/webhooks/retry.ts';
import { newSecret, signatures } from '../gateway/webhooks/signature.ts';
import { readTarget, TargetError } from '../gateway/webhooks/target.ts';
import { Authority } from './support/certificates.ts';
import { times } from './support/long-runs.ts';

const HOUR_MS = 3600_000;

describe('addresses', () => {
  const PUBLIC = [
    '1.1.1.1',
    '8.8.8.8',
    '100.63.255.255',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '2606:4700::1111',
    '2a00:1450:4001::5',
  ];
  const REFUSED = [
    ['0.0.0.0', 'this host'],
    ['10.1.2.3', 'private'],
    ['100.64.0.1', 'carrier-grade NAT'],
    ['127.0.0.1', 'loopback'],
    ['127.255.1.1', 'loopback'],
    ['169.254.169.254', 'metadata of clouds'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.192', 'metadata of a cloud'],
    ['192.0.2.1', 'documentation'],
    ['192.168.1.1', 'private'],
    ['198.18.0.1', 'benchmarks'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'this host'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'IPv4-mapped'],
    ['::ffff:8.8.8.8', 'IPv4-mapped'],
    ['::7f00:1', 'IPv4-compatible'],
    ['64:ff9b::a00:1', 'NAT64'],
    ['2001::1', 'Teredo'],
    ['2001:db8::1', 'documentation'],
    ['2002:7f00:1::', '6to4'],
    ['3fff::1', 'documentation'],
    ['fc00::1', 'unique local'],
    ['fd00:ec2::254', 'metadata of a cloud'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local with a zone'],
    ['2606:4700::1111%1', 'a zone'],
    ['ff02::1', 'multicast'],
    ['', 'nothing'],
    ['example.com', 'a name'],
  ] as const;
  for (const address of PUBLIC) it(`${address} is public`, () => assert.ok(isPublicAddress(address)));
  for (const [address, why] of REFUSED) it(`${address} is not: ${why}`, () => assert.ok(!isPublicAddress(address)));
});

describe('the URL of an endpoint', () => {
  const REFUSED: readonly [url: string, reason: RegExp][] = [
    ['http://example.com/', /must begin with https/],
    ['ftp://example.com/', /must begin with https/],
    ['file:///etc/passwd', /must begin with https/],
    ['https://user:pass@example.com/', /must not have a name/],
    ['example.com/hook', /no URL/],
    ['https://', /no URL/],
    ['https://127.0.0.1/', /not an address of the public/],
    ['https://2130706433/', /127\.0\.0\.1 is not/],
    ['https://0x7f.1/', /127\.0\.0\.1 is not/],
    ['https://0177.0.0.1/', /127\.0\.0\.1 is not/],
    ['https://[::ffff:7f00:1]/', /not an address of the public/],
    ['https://[::1]/', /not an address of the public/],
    ['https://169.254.169.254/latest/meta-data', /not an address of the public/],
    [`https://example.com/${'x'.repeat(2048)}`, /longer than 2048/],
  ];
  for (const [url, reason] of REFUSED)
    it(`refuses ${url.slice(0, 60)}`, () => {
      assert.throws(
        () => readTarget(url, false),
        (error: Error) => error instanceof TargetError && reason.test(error.message),
      );
    });
  it('takes public ones, and this host only if that is allowed', () => {
    assert.equal(readTarget('https://example.com/hook?a=1', false).href, 'https://example.com/hook?a=1');
    assert.equal(readTarget('https://8.8.8.8:8443/', false).port, '8443');
    for (const url of ['http://127.0.0.1:1/', 'http://localhost/', 'https://[::1]/']) assert.equal(readTarget(url, true).href, url);
    assert.throws(() => readTarget('http://10.0.0.1/', true), TargetError);
    assert.throws(() => readTarget('http://127.0.0.1.example.com/', true), TargetError);
  });
});

describe('the address that a request goes to', () => {
  const CASES: readonly [answers: readonly string[], result: string][] = [
    [['93.184.216.34'], '93.184.216.34'],
    [['2606:4700::1111'], '2606:4700::1111'],
    [[], 'DNS_FAILED'],
    [['127.0.0.1'], 'ADDRESS_REFUSED'],
    [['93.184.216.34', '10.0.0.1'], 'ADDRESS_REFUSED'],
    [['93.184.216.34', '::ffff:10.0.0.1'], 'ADDRESS_REFUSED'],
    [['fd00:ec2::254'], 'ADDRESS_REFUSED'],
  ];
  for (const [answers, result] of CASES)
    it(`${answers.join(' and ') || 'no answer'}: ${result}`, async () => {
      const found = resolveTarget(new URL('https://hook.example/'), async () => answers, false).catch(({ code }) => code);
      assert.equal(await found, result);
    });
  it('a name server that fails is DNS_FAILED', async () => {
    const failing: Lookup = () => Promise.reject(new Error('SERVFAIL'));
    await assert.rejects(resolveTarget(new URL('https://hook.example/'), failing, false), { code: 'DNS_FAILED' });
  });
});

describe('signatures', () => {
  it('are those of Standard Webhooks, while a secret is replaced with either', () => {
    const [older, newer] = [newSecret(), newSecret()];
    const now = Math.floor(Date.now() / 1000);
    const body = '{"type":"alert.fired","text":"Ünïcode ✓"}';
    const headers = {
      'webhook-id': 'alert_1_2',
      'webhook-timestamp': String(now),
      'webhook-signature': signatures([newer, older], 'alert_1_2', now, body),
    };
    for (const secret of [older, newer]) assert.deepEqual(new Webhook(secret).verify(body, headers), JSON.parse(body));
    assert.throws(() => new Webhook(newSecret()).verify(body, headers), WebhookVerificationError);
    assert.throws(() => new Webhook(newer).verify(`${body} `, headers), WebhookVerificationError);
  });
});

describe('delays', () => {
  it('of nine attempts take about a day', () => {
    const total = (random: number) => RETRY_DELAYS_MS.reduce((sum, _, i) => sum + (retryDelay(i + 1, random) as number), 0);
    assert.ok(total(0.5) > 23 * HOUR_MS && total(0.5) < 25 * HOUR_MS);
    assert.equal(Math.round((total(1) / total(0.5)) * 100), 100 + JITTER * 100);
    assert.equal(retryDelay(RETRY_DELAYS_MS.length + 1, 0.5), undefined);
  });
  it('are longer when the endpoint asks for it, up to a limit, and never shorter', () => {
    assert.equal(retryDelay(1, 0.5, 60_000), 60_000);
    assert.equal(retryDelay(1, 0.5, 1), 5000);
    assert.equal(retryDelay(1, 0.5, 1e12), MAX_RETRY_AFTER_MS);
  });
  const NOW = Date.parse('2026-01-01T00:00:00Z');
  for (const [header, ms] of [
    [undefined, 0],
    ['120', 120_000],
    ['-5', 0],
    ['soon', 0],
    ['1e9', 0],
    ['2026-01-02', 0],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['9'.repeat(400), 0],
  ] as const)
    it(`Retry-After ${String(header).slice(0, 40)} is ${ms} ms`, () => assert.equal(retryAfterMs(header, NOW), ms));
});

const OK: Outcome = { status: 200, reason: '', retryAfterMs: 0 };
const FAILED: Outcome = { status: 503, reason: 'HTTP_503', retryAfterMs: 0 };
const GONE: Outcome = { status: 410, reason: 'HTTP_410', retryAfterMs: 0 };
const LIMITS = { perEndpoint: 2, perAccount: 3, total: 5 };

function deliveryOf(endpoint: number, no: number, account = endpoint): Delivery {
  return { endpoint, account, no, attempts: 0, dueMs: 0 };
}

/** Takes all that may be sent. */
function takeAll(queue: DeliveryQueue, nowMs: number): Delivery[] {
  const taken: Delivery[] = [];
  for (let next = queue.next(nowMs); next !== undefined; next = queue.next(nowMs)) taken.push(next);
  return taken;
}

describe('the queue', () => {
  it('sends each endpoint its own messages in order, and all in turn', () => {
    const queue = new DeliveryQueue(LIMITS, () => 0.5);
    for (let no = 1; no <= 4; no++) for (const endpoint of [1, 2, 3]) queue.add(deliveryOf(endpoint, no));
    const taken = takeAll(queue, 0).map(({ endpoint, no }) => `${endpoint}:${no}`);
    assert.deepEqual(taken, ['1:1', '2:1', '3:1', '1:2', '2:2'], 'five at once, two of each endpoint');
  });

  it('does not let a slow endpoint delay others', () => {
    const queue = new DeliveryQueue({ ...LIMITS, total: 100 }, () => 0.5);
    for (let no = 1; no <= 50; no++) queue.add(deliveryOf(1, no));
    const slow = takeAll(queue, 0);
    assert.equal(slow.length, 2);
    queue.add(deliveryOf(2, 1));
    assert.deepEqual(takeAll(queue, 0), [{ ...deliveryOf(2, 1) }]);
  });

  it('bounds what an account sends at once, over its endpoints', () => {
    const queue = new DeliveryQueue(LIMITS, () => 0.5);
    for (let endpoint = 1; endpoint <= 4; endpoint++) queue.add(deliveryOf(endpoint, 1, 9));
    assert.equal(takeAll(queue, 0).length, 3);
  });

  it('sends one at a time to an endpoint that fails, until one arrives', () => {
    const queue = new DeliveryQueue(LIMITS, () => 0.5);
    for (let no = 1; no <= 4; no++) queue.add(deliveryOf(1, no));
    const [first, second] = takeAll(queue, 0);
    assert.deepEqual([queue.finish(first, FAILED, 0), queue.finish(second, FAILED, 0)], ['retry', 'retry']);
    const [third, ...more] = takeAll(queue, 0);
    assert.deepEqual([third.no, more], [3, []]);
    queue.finish(third, OK, 0);
    assert.deepEqual(
      takeAll(queue, RETRY_DELAYS_MS[0]).map(({ no }) => no),
      [4, 1],
      'again two at once',
    );
  });

  it('attempts nine times over a day; then the message is dead', () => {
    const queue = new DeliveryQueue(LIMITS, () => 0.5);
    queue.add(deliveryOf(1, 1));
    let nowMs = 0;
    const waits: number[] = [];
    for (;;) {
      const sent = queue.next(nowMs);
      assert.ok(sent !== undefined);
      const verdict = queue.finish(sent, FAILED, nowMs);
      if (verdict === 'dead') break;
      assert.equal(verdict, 'retry');
      assert.equal(queue.next(queue.dueMs - 1), undefined, 'not before its time');
      waits.push(queue.dueMs - nowMs);
      nowMs = queue.dueMs;
    }
    assert.deepEqual(waits, RETRY_DELAYS_MS);
    assert.deepEqual([queue.pending(), queue.sending, queue.dueMs], [0, 0, Number.POSITIVE_INFINITY]);
  });

  it('honours Retry-After, and 410', () => {
    const queue = new DeliveryQueue(LIMITS, () => 0.5);
    queue.add(deliveryOf(1, 1));
    queue.finish(queue.next(0) as Delivery, { ...FAILED, retryAfterMs: 77_000 }, 0);
    assert.equal(queue.dueMs, 77_000);
    queue.add(deliveryOf(1, 2));
    assert.equal(queue.finish(queue.next(77_000) as Delivery, GONE, 77_000), 'gone');
    assert.equal(queue.clear(1).length, 1);
    assert.equal(queue.pending(), 0);
  });

  it('random messages and results: no bound is broken, and each message ends once', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), endpoint: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ do: fc.constant('finish' as const), which: fc.nat(), outcome: fc.constantFrom(OK, FAILED, FAILED, GONE) }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 6 * HOUR_MS }) }),
      fc.record({ do: fc.constant('clear' as const), endpoint: fc.integer({ min: 1, max: 6 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 30, maxLength: 150, size: 'max' }), (steps) => {
        const queue = new DeliveryQueue(LIMITS);
        const open = new Set<Delivery>();
        const sending: Delivery[] = [];
        let nowMs = 0;
        let no = 0;
        for (const each of steps) {
          if (each.do === 'add') {
            const delivery = { ...deliveryOf(each.endpoint, ++no, (each.endpoint + 1) >> 1), dueMs: nowMs };
            queue.add(delivery);
            open.add(delivery);
          } else if (each.do === 'wait') nowMs += each.ms;
          else if (each.do === 'clear') for (const cleared of queue.clear(each.endpoint)) assert.ok(open.delete(cleared));
          else if (sending.length > 0) {
            const [done] = sending.splice(each.which % sending.length, 1);
            if (queue.finish(done, each.outcome, nowMs) !== 'retry') assert.ok(open.delete(done));
          }
          const due = queue.dueMs;
          const next = takeAll(queue, nowMs);
          assert.equal(next.length > 0, due <= nowMs, 'the time of the next message is right');
          for (const delivery of next) assert.ok(open.has(delivery) && !sending.includes(delivery) && delivery.dueMs <= nowMs);
          sending.push(...next);
          const count = (key: 'endpoint' | 'account', id: number) => sending.filter((delivery) => delivery[key] === id).length;
          for (const { endpoint, account } of sending)
            assert.ok(count('endpoint', endpoint) <= LIMITS.perEndpoint && count('account', account) <= LIMITS.perAccount);
          assert.ok(sending.length <= LIMITS.total);
          assert.deepEqual([queue.pending(), queue.sending], [open.size, sending.length]);
        }
      }),
      { numRuns: times(150, 3000) },
    );
  });
});

/** A server on loopback, closed after the test. @returns its port; 0: this host has no such address */
async function serve(t: TestContext, listener: RequestListener, tls?: { cert: string; key: string }, host = '127.0.0.1'): Promise<number> {
  const server: Server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  const listening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(0, host, () => resolve(true));
  });
  if (!listening) return 0;
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const never: Lookup = () => Promise.reject(new Error('no name is asked for'));
const loopback = { lookup: never, loopback: true };

describe('requests to a real server', { timeout: 120_000 }, () => {
  it('carry body and headers; statuses become results', async (t) => {
    const seen: { headers: IncomingHttpHeaders; body: string }[] = [];
    const port = await serve(t, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
        const status = Number(request.url?.slice(1));
        response.writeHead(status, { 'retry-after': '7', location: 'http://127.0.0.1:1/' }).end(status === 204 ? undefined : 'text');
      });
    });
    const results = [];
    for (const status of [200, 204, 302, 404, 410, 429, 500])
      results.push(await post(new URL(`http://127.0.0.1:${port}/${status}`), { 'webhook-id': 'x' }, 'bödy', loopback));
    assert.deepEqual(
      results.map(({ status, reason }) => [status, reason]),
      [
        [200, ''],
        [204, ''],
        [302, 'HTTP_302'],
        [404, 'HTTP_404'],
        [410, 'HTTP_410'],
        [429, 'HTTP_429'],
        [500, 'HTTP_500'],
      ],
    );
    assert.equal(results[5].retryAfterMs, 7000);
    assert.equal(seen.length, 7, 'a redirect is not followed');
    assert.equal(seen[0].body, 'bödy');
    assert.equal(seen[0].headers['webhook-id'], 'x');
    assert.equal(seen[0].headers.host, `127.0.0.1:${port}`);
  });

  it('end when there is no answer in time, and read only a little of a long one', async (t) => {
    let written = 0;
    const port = await serve(t, (request, response) => {
      if (request.url === '/silent') return;
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length;
      };
      response.writeHead(200).on('drain', more);
      more();
    });
    assert.deepEqual(await post(new URL(`http://127.0.0.1:${port}/silent`), {}, '', { ...loopback, timeoutMs: 50 }), {
      status: 0,
      reason: 'TIMEOUT',
      retryAfterMs: 0,
    });
    assert.equal((await post(new URL(`http://127.0.0.1:${port}/endless`), {}, '', loopback)).reason, '');
    assert.ok(written < 64 * 1024 * 1024);
  });

  it('follow no redirect of any kind, and take no way through a proxy of the environment', async (t) => {
    let elsewhere = 0;
    const other = await serve(t, (_, response) => {
      elsewhere++;
      response.end();
    });
    const port = await serve(t, (request, response) => {
      response.writeHead(Number(request.url?.slice(1)), { location: `http://127.0.0.1:${other}/` }).end();
    });
    const names = ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'];
    const before = names.map((name) => process.env[name]);
    t.after(() => {
      for (const [i, name] of names.entries()) {
        if (before[i] === undefined) delete process.env[name];
        else process.env[name] = before[i];
      }
    });
    for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : `http://127.0.0.1:${other}`;
    const reasons = [];
    for (const status of [200, 300, 301, 302, 303, 307, 308])
      reasons.push((await post(new URL(`http://127.0.0.1:${port}/${status}`), {}, '', loopback)).reason);
    assert.deepEqual(reasons, ['', 'HTTP_300', 'HTTP_301', 'HTTP_302', 'HTTP_303', 'HTTP_307', 'HTTP_308']);
    assert.equal(elsewhere, 0);
  });

  it('reach an address of IPv6, by itself and as that of a name, with the name in the certificate', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'openbell-webhook-6-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const authority = new Authority(dir);
    const pairOf = (name: string, names: string) => {
      const { cert, key } = authority.issue({ name, names });
      return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
    };
    const ca = readFileSync(authority.ca.cert, 'utf8');
    const hosts: (string | undefined)[] = [];
    const listener: RequestListener = (request, response) => {
      hosts.push(request.headers.host);
      response.end();
    };
    const named = await serve(t, listener, pairOf('named', 'DNS:hooks.test'), '::1');
    if (named === 0) return t.skip('this host has no IPv6');
    const numbered = await serve(t, listener, pairOf('numbered', 'IP:::1'), '::1');
    const lookup: Lookup = async () => ['::1'];
    const ask = async (url: string) => (await post(new URL(url), {}, '', { lookup, loopback: true, ca })).reason;
    assert.equal(await ask(`https://hooks.test:${named}/`), '');
    assert.equal(await ask(`https://[::1]:${numbered}/`), '', 'the certificate is that of the address');
    assert.equal(await ask(`https://[::1]:${named}/`), 'ERR_TLS_CERT_ALTNAME_INVALID');
    assert.equal(await ask(`https://hooks.test:${numbered}/`), 'ERR_TLS_CERT_ALTNAME_INVALID');
    assert.deepEqual(hosts, [`hooks.test:${named}`, `[::1]:${numbered}`]);
  });

  it('go to the address that was checked, although the name server gives another one from then on', async (t) => {
    const reached: string[] = [];
    const checked = await serve(t, (_, response) => {
      reached.push('checked');
      response.end();
    });
    // A name of this host; a second question would lead to an address that was not checked.
    const answers = [['127.0.0.1'], ['10.0.0.1'], ['127.0.0.2']];
    const asked: string[] = [];
    const lookup: Lookup = async (name) => {
      asked.push(name);
      return answers[asked.length - 1] ?? ['127.0.0.2'];
    };
    const url = new URL(`http://rebinding.test:${checked}/`);
    assert.equal((await post(url, {}, '', { lookup, loopback: true })).reason, '');
    assert.deepEqual([reached, asked], [['checked'], ['rebinding.test']]);
    assert.equal((await post(url, {}, '', { lookup, loopback: true })).reason, 'ADDRESS_REFUSED', 'each attempt asks and checks anew');
    assert.equal(reached.length, 1);
  });

  it('do not reach a private address, whatever a name resolves to', async (t) => {
    let requests = 0;
    const port = await serve(t, (_, response) => {
      requests++;
      response.end();
    });
    for (const answers of [['127.0.0.1'], ['::ffff:127.0.0.1'], ['8.8.8.8', '127.0.0.1']]) {
      const outcome = await post(new URL(`https://rebinding.example:${port}/`), {}, '', { lookup: async () => answers, loopback: false });
      assert.equal(outcome.reason, 'ADDRESS_REFUSED');
    }
    assert.equal(requests, 0);
  });

  it('go to the address that was checked, with the name in TLS: a name is resolved once', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'openbell-webhook-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const authority = new Authority(dir);
    const pair = authority.issue({ name: 'hooks', names: 'DNS:hooks.test' });
    const ca = readFileSync(authority.ca.cert, 'utf8');
    const port = await serve(
      t,
      (request, response) => void response.writeHead(request.headers.host === `hooks.test:${port}` ? 200 : 400).end(),
      {
        cert: readFileSync(pair.cert, 'utf8'),
        key: readFileSync(pair.key, 'utf8'),
      },
    );
    let lookups = 0;
    const lookup: Lookup = async () => {
      lookups++;
      return ['127.0.0.1'];
    };
    const ask = (name: string, authorities: { ca?: string } = { ca }) =>
      post(new URL(`https://${name}:${port}/`), {}, '', { lookup, loopback: true, ...authorities });
    assert.deepEqual(await ask('hooks.test'), { status: 200, reason: '', retryAfterMs: 0 });
    assert.equal(lookups, 1);
    assert.equal((await ask('other.test')).reason, 'ERR_TLS_CERT_ALTNAME_INVALID', 'the certificate must be that of the name');
    assert.match((await ask('hooks.test', {})).reason, /SELF_SIGNED|UNABLE_TO_/, 'and of a known authority');
  });
});
