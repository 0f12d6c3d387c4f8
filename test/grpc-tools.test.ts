import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DemoExchange } from './support/demo-exchange.ts';
import { type CliResult, run } from './support/exchange-process.ts';

/** Tools of Go, which .ci/run installs. */
const missing = ['grpcurl', 'ghz', 'openbell-go-grpc', 'protoc-gen-go', 'protoc-gen-go-grpc'].filter(
  (tool) => spawnSync(tool, ['--version']).error !== undefined,
);
const skip = missing.length > 0 && process.env.OPENBELL_CI !== '1' ? `NOT TESTED: needs ${missing.join(' and ')} on the PATH` : false;

const BUF = 'node_modules/.bin/buf';

/** The commands of docs/GRPC.md, with the tools that people use. */
describe('openbell.v1 with the tools of others', () => {
  const demo = new DemoExchange();
  let address: string;

  before(async () => {
    await demo.start('compact', { durability: 'fast' });
    address = `127.0.0.1:${demo.running.ports.grpc}`;
  });
  after(() => demo.stop());

  describe('buf curl', () => {
    const curl = (...args: string[]): Promise<CliResult> => run(BUF, ['curl', '--http2-prior-knowledge', '--protocol', 'grpc', ...args]);

    for (const version of ['grpc-v1', 'grpc-v1alpha'])
      it(`lists the methods over reflection ${version}`, async () => {
        const { stdout, stderr } = await curl('--reflect-protocol', version, '--list-methods', `http://${address}`);
        for (const method of ['openbell.v1.Trading/PlaceOrder', 'openbell.v1.Admin/Deposit', 'grpc.health.v1.Health/Check'])
          assert.ok(stdout.includes(method), stderr);
      });

    it('calls a method, and shows what is wrong with one', async () => {
      const order = { account: 1, symbol: 'BTC-USD', side: 'SIDE_BUY', orderQty: '0.5', price: '50000.00' };
      const place = (more: object): Promise<CliResult> =>
        curl('-d', JSON.stringify({ ...order, ...more }), `http://${address}/openbell.v1.Trading/PlaceOrder`);
      const { stdout, stderr } = await place({});
      assert.equal(JSON.parse(stdout || '{}').order?.ordStatus, 'ORD_STATUS_NEW', stderr);
      const refused = JSON.parse((await place({ orderQty: '0.00001' })).stderr);
      assert.equal(refused.code, 'invalid_argument');
      assert.equal(refused.details[0].type, 'google.rpc.ErrorInfo');
    });

    it('reads a stream', async () => {
      const args = ['curl', '--http2-prior-knowledge', '--protocol', 'grpc', '-d', '{"symbols": ["BTC-USD"]}'];
      const child = spawn(BUF, [...args, `http://${address}/openbell.v1.MarketData/SubscribeBook`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const closed = once(child, 'close');
      let stdout = '';
      for await (const bytes of child.stdout) {
        stdout += bytes;
        if (stdout.includes('UPDATE_KIND_SNAPSHOT')) break;
      }
      child.kill();
      await closed;
      assert.ok(stdout.includes('UPDATE_KIND_SNAPSHOT'), stdout);
    });
  });

  describe('grpcurl', { skip }, () => {
    it('lists, describes and calls over v1', async () => {
      const list = await run('grpcurl', ['-plaintext', address, 'list']);
      assert.match(list.stdout, /^openbell\.v1\.MarketData$/m, list.stderr);
      const described = await run('grpcurl', ['-plaintext', address, 'describe', 'openbell.v1.PlaceOrderRequest']);
      assert.match(described.stdout, /string order_qty = 5;/, described.stderr);
      const method = await run('grpcurl', ['-plaintext', address, 'describe', 'openbell.v1.Trading.Session']);
      assert.match(method.stdout, /stream .*SessionRequest/, method.stderr);
      const called = await run('grpcurl', ['-plaintext', '-d', '{"symbol": "BTC-USD"}', address, 'openbell.v1.MarketData/GetSymbol']);
      assert.equal(JSON.parse(called.stdout || '{}').symbol?.tickSize, '0.01', called.stderr);
    });

    it('shows the details of an error', async () => {
      const { code, stderr } = await run('grpcurl', [
        '-plaintext',
        '-d',
        '{"symbol": "NONE"}',
        address,
        'openbell.v1.MarketData/GetSymbol',
      ]);
      assert.notEqual(code, 0);
      assert.match(stderr, /NotFound/);
      assert.match(stderr, /"reason":\s*"UNKNOWN_SYMBOL"/);
    });
  });

  it('ghz places orders, and each is accepted', { skip }, async () => {
    const data = { account: 1, symbol: 'BTC-USD', side: 'SIDE_BUY', order_qty: '0.001', price: '50000.00' };
    const load = [
      '--insecure',
      '--call',
      'openbell.v1.Trading.PlaceOrder',
      '-n',
      '200',
      '-c',
      '10',
      '-O',
      'json',
      '-d',
      JSON.stringify(data),
    ];
    const { stdout, stderr } = await run('ghz', [...load, address]);
    assert.deepEqual(JSON.parse(stdout || '{}').statusCodeDistribution, { OK: 200 }, stderr);
  });

  it('the Go example places, is refused, reads its reports and cancels', { skip }, async () => {
    const { code, stdout, stderr } = await run('openbell-go-grpc', ['-addr', address, '-account', '2']);
    assert.equal(code, 0, stderr);
    const lines = [/^placed +\d+ ORD_STATUS_NEW 0\.0100 at 50000\.00$/m, /^refused +BAD_RANGE$/m, /^report +\d+ EXEC_TYPE_ACCEPTED$/m];
    for (const line of [...lines, /^report +\d+ EXEC_TYPE_CANCELLED$/m]) assert.match(stdout, line);
  });

  it('the stubs of the Go example are those of the schema', { skip }, async (t) => {
    const work = mkdtempSync(join(tmpdir(), 'openbell-go-'));
    t.after(() => rmSync(work, { recursive: true }));
    const example = 'docs/examples/go-grpc';
    const args = ['generate', 'proto', '--template', `${example}/buf.gen.yaml`, '--path', 'proto/openbell', '-o', work];
    const { code, stderr } = await run(BUF, args);
    assert.equal(code, 0, stderr);
    for (const name of readdirSync(join(work, 'openbellv1')))
      assert.equal(readFileSync(join(example, 'openbellv1', name), 'utf8'), readFileSync(join(work, 'openbellv1', name), 'utf8'), name);
  });
});
