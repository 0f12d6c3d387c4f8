import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect, type DropCopy, type OpenbellClient } from '../gateway/client/index.ts';
import type { ConnectOptions, ReportView } from '../gateway/client/types.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { type RunningExchange, startExchange } from '../gateway/main.ts';
import { GrpcCopyReader, SocketCopyReader, subscription } from './support/drop-copy-reader.ts';
import { FlakyProxy } from './support/flaky-proxy.ts';
import { bearer, GuardedExchange } from './support/guarded-exchange.ts';
import { Issuer } from './support/issuer.ts';
import { RawSession } from './support/order-entry-fixture.ts';
import { until } from './support/until.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-drop-copy-'));
after(() => rmSync(base, { recursive: true, force: true }));

/** The demo venue without authentication. */
function open(data: string, ports: Record<string, string> = {}): Promise<RunningExchange> {
  const flags = { data, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology: 'compact', ...ports };
  return startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
}

const clientOf = ({ ports }: { readonly ports: RunningExchange['ports'] }, more: ConnectOptions = {}) =>
  connect({ grpcPort: ports.grpc, wsPort: ports.ws, httpPort: ports.http, ...more });

/** Reads until the reports of an account reach number `last`. */
async function readTo(copy: DropCopy, account: number, last: number): Promise<ReportView[]> {
  const reports: ReportView[] = [];
  while (reports.findLast((report) => report.account === account)?.reportNo !== last) {
    const { value, done } = await copy.next();
    assert.ok(!done, 'it has ended');
    reports.push(value);
  }
  return reports;
}

const numbers = (reports: readonly ReportView[], account: number): number[] =>
  reports.filter((report) => report.account === account).map(({ reportNo }) => reportNo);
const upTo = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** Reports of the trader's account: an order and its cancel, `pairs` times. */
async function churn({ orders }: OpenbellClient, pairs: number): Promise<void> {
  for (let i = 0; i < pairs; i++) {
    const { orderId } = await orders.place({ symbol: 'BTC-USD', side: 'buy', price: '100.00', quantity: '0.1' });
    await orders.cancel({ symbol: 'BTC-USD', orderId });
  }
}

describe('exchange.dropCopy', () => {
  it('goes on by itself over lost connections and a restart of the exchange: each report once, and in order', async (t) => {
    const data = join(base, 'restart');
    let exchange = await open(data);
    const ports = Object.fromEntries(Object.entries(exchange.ports).map(([name, port]) => [`${name}-port`, String(port)]));
    const proxy = await FlakyProxy.start(exchange.ports.grpc);
    t.after(() => proxy.stop());
    const desk = await clientOf(exchange, { grpcPort: proxy.port });
    t.after(() => desk.close());
    const [one, two] = [await clientOf(exchange, { account: 1 }), await clientOf(exchange, { account: 2 })];
    let losses = 0;
    const copy = desk.dropCopy({ accounts: [1, 2], onLost: () => losses++ });
    await copy.ready();
    const begin = copy.after;
    await churn(one, 5);
    const reports = await readTo(copy, 1, begin[1] + 10);
    assert.deepEqual(copy.after, { 1: begin[1] + 10, 2: begin[2] });
    proxy.cut();
    await Promise.all([churn(one, 5), churn(two, 5)]);
    await until(() => losses >= 1, 'the loss');
    // Account 2 had no report before the loss: it goes on from where it began.
    while (numbers(reports, 1).length < 20 || numbers(reports, 2).length < 10) reports.push((await copy.next()).value);
    await Promise.all([one.close(), two.close()]);
    await exchange.stop();
    exchange = await open(data, ports);
    t.after(() => exchange.stop());
    const again = await clientOf(exchange, { account: 1 });
    await churn(again, 5);
    reports.push(...(await readTo(copy, 1, begin[1] + 30)));
    assert.deepEqual(numbers(reports, 1), upTo(begin[1] + 1, begin[1] + 30));
    assert.deepEqual(numbers(reports, 2), upTo(begin[2] + 1, begin[2] + 10));
    assert.deepEqual(
      [...new Set(reports.map(({ kind, symbol, price }) => `${kind} ${symbol} ${price}`))],
      ['accepted BTC-USD 100.00', 'cancelled BTC-USD 100.00'],
    );

    const past = desk.dropCopy({ accounts: [1], after: { 1: copy.after[1] } });
    const whole = desk.dropCopy({ accounts: [1], after: { 1: 0 } });
    const first = readTo(whole, 1, begin[1] + 30);
    assert.deepEqual(numbers(await first, 1), upTo(1, begin[1] + 30));
    await past.ready();
    await churn(again, 1);
    assert.deepEqual(numbers(await readTo(past, 1, begin[1] + 32), 1), upTo(begin[1] + 31, begin[1] + 32));
    await desk.close();
    assert.equal((await copy.next()).done, true, 'closed with its client');
    await again.close();
  });

  it('an exchange that continues from an older copy of its data ends it: it has other reports, or fewer', async (t) => {
    for (const [pairs, code] of [
      [5, 'REPORTS_LOST'],
      [0, 'BAD_RANGE'],
    ] as const) {
      const first = await open(join(base, `older-${pairs}`));
      const proxy = await FlakyProxy.start(first.ports.grpc);
      const desk = await clientOf(first, { grpcPort: proxy.port });
      t.after(async () => {
        await desk.close();
        proxy.stop();
      });
      const trader = await clientOf(first, { account: 1 });
      const copy = desk.dropCopy({ accounts: [1] });
      await copy.ready();
      const begin = copy.after[1];
      await churn(trader, 2);
      await readTo(copy, 1, begin + 4);
      proxy.refuse = true;
      proxy.cut();
      await trader.close();
      await first.stop();
      // The same venue under the same address, without these reports.
      const second = await open(join(base, `other-${pairs}`), { 'grpc-port': String(first.ports.grpc) });
      const other = await clientOf(second, { account: 1 });
      await churn(other, pairs);
      proxy.refuse = false;
      await assert.rejects(copy.next(), { code });
      await other.close();
      await second.stop();
    }
  });

  it('wrong options are errors of the call', async (t) => {
    const client = await connect({ symbols: [] });
    t.after(() => client.close());
    const wrong: [options: object, code: string][] = [
      [{ accounts: [] }, 'BAD_RANGE'],
      [{ accounts: [0] }, 'BAD_RANGE'],
      [{ accounts: Array.from({ length: 1025 }, (_, i) => i + 1) }, 'BAD_RANGE'],
      [{ accounts: [1], after: { 2: 5 } }, 'BAD_RANGE'],
      [{ accounts: [1], after: { 1: -1 } }, 'BAD_RANGE'],
      [{ accounts: [1], account: 1 }, 'BAD_OPTION'],
    ];
    for (const [options, code] of wrong) assert.throws(() => client.dropCopy(options as { accounts: number[] }), { code });
  });
});

describe('the role drop-copy', () => {
  const issuer = new Issuer();
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  let exchange: GuardedExchange;
  let desk: string;
  before(async () => {
    await issuer.addKey('ES256');
    exchange = await GuardedExchange.start(
      issuer,
      {},
      `keys: [{ id: risk, public-key: ${spki}, subject: the risk desk, roles: drop-copy, accounts: '1 2' }]`,
    );
    desk = await tokenOf('drop-copy', '1 2');
  });
  after(() => exchange.stop());

  const noneOpen = async () => /^openbell_drop_copies 0$/m.test((await exchange.http('GET', '/metrics')).json);
  const tokenOf = (roles: string, accounts: string, lives = 60) =>
    issuer.token({ sub: roles, openbell_roles: roles, openbell_accounts: accounts, exp: Math.floor(Date.now() / 1000) + lives });
  const overGrpc = (token: string) => new GrpcCopyReader(exchange.ports.grpc, bearer(token));
  const overSocket = (token: string) => SocketCopyReader.open(exchange.ports.ws, '', bearer(token));

  it('reads the accounts that its credentials name, or all with *; a foreign one is rejected like one that does not exist', async () => {
    for (const reader of [overGrpc(desk), await overSocket(desk), overGrpc(await tokenOf('drop-copy', '*'))]) {
      reader.send(subscription({ 1: 0, 2: 0 }));
      await reader.opened();
      await until(() => reader.numbers(1).length > 0 || exchange.exchange.hub.lastReportNo(1) === 0, 'the reports');
      reader.close();
    }
    for (const account of [3, 4711]) {
      const [grpc, socket] = [overGrpc(desk), await overSocket(desk)];
      for (const reader of [grpc, socket]) reader.send(subscription({ 1: 0, [account]: 0 }));
      assert.deepEqual([(await grpc.ended()).code, (await socket.ended()).code], [7, 4007]);
      assert.match((await grpc.ended()).details, new RegExp(`^PERMISSION_DENIED: .* account ${account},`));
      grpc.close();
    }
    await until(noneOpen, 'all to leave');
  });

  it('is needed for a drop copy: a trader of the account is rejected', async () => {
    for (const roles of ['trader', 'market-maker', 'read-only', 'custodian', 'operator', 'auditor']) {
      const token = await tokenOf(roles, '1 *');
      const grpc = overGrpc(token);
      assert.match((await grpc.ended()).details, /^PERMISSION_DENIED: /);
      assert.equal((await overSocket(token)).end?.code, 403);
      grpc.close();
    }
    const anonymous = new GrpcCopyReader(exchange.ports.grpc);
    assert.equal((await anonymous.ended()).code, 16);
    anonymous.close();
  });

  it('sends no order: sessions and orders are PERMISSION_DENIED, queries are answered', async () => {
    const session = new RawSession(exchange.ports.grpc, { 'x-openbell-account': '1', ...bearer(desk) });
    assert.deepEqual((await session.ended).code, 7);
    session.close();
    const client = await clientOf(exchange, { token: desk, account: 1 });
    const order = { symbol: 'BTC-USD', side: 'buy', price: '100.00', quantity: '0.1' } as const;
    await assert.rejects(client.orders.place(order), { code: 'PERMISSION_DENIED' });
    await client.close();
    const { status } = await exchange.http('GET', '/v1/accounts/2/reports', bearer(desk));
    assert.equal(status, 200);
    assert.equal((await exchange.http('GET', '/v1/accounts/3/reports', bearer(desk))).status, 403);
  });

  it('is given to API keys, and its sessions are in the audit trail', async () => {
    const trader = await clientOf(exchange, { token: await tokenOf('trader', '2'), account: 2 });
    const apiKey = { id: 'risk', privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
    const client = await clientOf(exchange, { apiKey });
    const copy = client.dropCopy({ accounts: [1, 2] });
    await copy.ready();
    const begin = copy.after[2];
    await churn(trader, 1);
    assert.deepEqual(numbers(await readTo(copy, 2, begin + 2), 2), [begin + 1, begin + 2]);
    await client.close();
    await trader.close();
    await until(noneOpen, 'it to leave');
    const trail = () =>
      readFileSync(join(exchange.dir, 'data', 'audit', 'audit-000000000001.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('"subject":"the risk desk"') && line.includes('"kind":"session"'))
        .map((line) => JSON.parse(line));
    await until(() => trail().length === 2, 'both records');
    const [opened, closed] = trail();
    assert.deepEqual([opened.action, opened.outcome, opened.account], ['open gRPC DropCopy', 'ok', undefined]);
    const { session, via, count, accounts } = JSON.parse(opened.detail);
    assert.deepEqual([via, count, accounts], ['key', 2, '1-2']);
    assert.deepEqual([closed.action, closed.outcome], ['close gRPC DropCopy', 'ok']);
    assert.deepEqual([JSON.parse(closed.detail).session, JSON.parse(closed.detail).reports], [session, 2]);
  });

  it('ends with its credentials, and the client goes on with new ones', async () => {
    // Expired within the tolerance for clock skew: a second is left.
    const brief = overGrpc(await tokenOf('drop-copy', '1', -28));
    brief.send(subscription({ 1: undefined }));
    const { code, details } = await brief.ended();
    assert.equal(code, 16);
    assert.match(details, /^UNAUTHENTICATED: the credentials of this drop copy have expired/);
    brief.close();
    let tokens = 0;
    const tokenProvider = () => tokenOf('drop-copy', '1', ++tokens <= 2 ? -28 : 60);
    const client = await clientOf(exchange, { tokenProvider });
    let losses = 0;
    const copy = client.dropCopy({ accounts: [1], onLost: () => losses++ });
    await copy.ready();
    await until(() => losses > 0, 'the end of the first credentials');
    const trader = await clientOf(exchange, { token: await tokenOf('trader', '1'), account: 1 });
    const begin = copy.after[1];
    await churn(trader, 1);
    assert.deepEqual(numbers(await readTo(copy, 1, begin + 2), 1), [begin + 1, begin + 2]);
    await client.close();
    await trader.close();
  });
});
