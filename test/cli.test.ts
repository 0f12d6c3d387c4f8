import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { connect } from '../gateway/client/index.ts';
import { nodeTooOld } from '../gateway/node-version.ts';
import { cliProgram } from './support/cli-program.ts';
import { ExchangeProcess, openbell, openbellUnread } from './support/exchange-process.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-cli-'));
const data = join(base, 'data');
let exchange: ExchangeProcess;

before(async () => {
  exchange = await ExchangeProcess.start(data);
});

after(async () => {
  await exchange?.end('SIGKILL');
  rmSync(base, { recursive: true, force: true });
});

const ask = (...args: string[]) => openbell([...args, ...exchange.flags]);
const askJson = async (...args: string[]) => JSON.parse((await ask(...args, '--json')).stdout);

test('order, book, amend, account, cancel', async () => {
  const placed = await ask('order', 'buy', '0.5', 'BTC-USD', '59000.00');
  assert.deepEqual([placed.code, placed.stderr], [0, '']);
  const orderId = /^accepted {2}order (\d+): buy 0\.5000 BTC-USD at 59000\.00\n$/.exec(placed.stdout)?.[1] ?? '';
  assert.match((await ask('book', 'BTC-USD')).stdout, /bid {2}59000\.00 {2}0\.5000 {4}1/);
  const amended = await ask('amend', 'BTC-USD', orderId, '0.25', '59000.00');
  assert.match(amended.stdout, /^amended {3}order \d+: open 0\.2500 at 59000\.00, priority kept/);
  assert.match((await ask('account', '1')).stdout, /1 of 100000 open orders[\s\S]*BTC-USD {2}buy {3}59000\.00 {2}0\.2500/);
  await ask('order', 'sell', '0.1', 'BTC-USD', '59100.00', '--account', '2');
  const crossed = await ask('amend', 'BTC-USD', orderId, '0.25', '59100.00');
  assert.match(crossed.stdout, /^amended .*priority lost\nfill {6}order \d+: 0\.1000 at 59100\.00, fee 2\.955000, open 0\.1500\n$/);
  assert.match((await ask('cancel', 'BTC-USD', orderId)).stdout, /^cancelled order \d+: 0\.1500 of it/);
  assert.match((await ask('book', 'BTC-USD', '--once')).stdout, /the book is empty/);
});

test('a market order shows its fills; trades and fees follow', async () => {
  await ask('order', 'sell', '1', 'ETH-USD', '3000.00', '--account', '2');
  const bought = await askJson('order', 'buy', '2', 'ETH-USD');
  assert.deepEqual(
    [bought.kind, bought.followed.map(({ kind, quantity, code }: Record<string, string>) => `${kind} ${quantity} ${code}`)],
    ['accepted', ['fill 1.0000 OK', 'cancelled 1.0000 CANCELLED_REMAINDER']],
  );
  for (;;) {
    const { stdout } = await ask('trades', 'ETH-USD');
    if (/buy {2}1\.0000 {2}3000\.00 {2}#1/.test(stdout)) break;
    assert.equal(stdout, 'no trades\n', 'the history is a moment behind, and then right');
  }
  assert.match((await ask('account', '1', '--orders')).stdout, /ETH-USD {2}buy +market +0\.0000 +1\.0000 {2}[\d-]+T[\d:.]+Z {2}cancelled/);
  const { trades } = await askJson('account', '1', '--trades');
  assert.deepEqual([trades[0].fee, trades[0].side, trades[0].maker], ['1.500000', 'buy', false]);
});

test('order explain: the life of an order, its place in the book, and an order that is gone', async () => {
  await ask('order', 'sell', '1', 'SOL-USD', '151.000', '--account', '2');
  const { orderId, clientOrderId } = await askJson('order', 'sell', '2', 'SOL-USD', '151.000');
  await ask('order', 'buy', '1.500', 'SOL-USD', '151.000', '--account', '2');
  const { code, stdout, stderr } = await ask('order', 'explain', String(orderId));
  assert.deepEqual([code, stderr], [0, '']);
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines[0], `order ${orderId} of account 1 (client order id ${clientOrderId}): sell SOL-USD, open`);
  assert.match(lines[2], /^time +seq +step +open +filled +what$/);
  assert.match(lines[3], /^\d{4}-\d\d-\d\dT[\d:.]+Z +\d+ +accepted +2\.000 +0\.000 +sell 2\.000 SOL-USD at 151\.000, gtc$/);
  assert.match(lines[4], / fill +1\.500 +0\.500 +sold 0\.500 at 151\.000 as maker, fee 0\.015100 USD, trade \d+ with order \d+$/);
  assert.deepEqual(lines.slice(6), [
    'rests at 151.000 with 1.500 open; the symbol is in phase continuous',
    'before it at its price: 0 orders with 0.000',
    'asks at better prices: 0 levels, 0 orders with 0.000',
    'reserves 1.500000 SOL',
  ]);
  const rejected = await askJson('order', 'buy', '0.0001', 'BTC-USD', '1.00');
  const reject = await ask('order', 'explain', String(rejected.clientOrderId), '--client-id');
  assert.match(
    reject.stdout,
    /^order without an id of account 1 .*: buy BTC-USD, rejected\n[\s\S]* rejected .*: Price x quantity is below minNotional\.\n$/,
  );
  await ask('cancel', 'SOL-USD', String(orderId));
  const json = await askJson('order', 'explain', String(orderId));
  assert.deepEqual([json.status, json.steps.at(-1).codeName, json.next], ['cancelled', 'CANCELLED_BY_CLIENT', 0]);
  const foreign = await ask('order', 'explain', String(orderId), '--account', '2');
  assert.deepEqual([foreign.code, foreign.stdout], [1, '']);
  assert.match(
    foreign.stderr,
    /^openbell: UNKNOWN_ORDER: account 2 has no order \d+ in its reports\nnext: .*--account; docs\/WHERE-IS-MY-ORDER\.md#\S+ .*\n$/,
  );
});

const FAILURES: [string, string[], number, RegExp][] = [
  ['rejected by the exchange', ['order', 'buy', '0.0001', 'BTC-USD', '1.00'], 1, /^rejected {2}NOTIONAL_MIN/],
  ['no such order', ['cancel', 'BTC-USD', '999'], 1, /UNKNOWN_ORDER/],
  ['no such order to explain', ['order', 'explain', '999'], 1, /UNKNOWN_ORDER: account 1 has no order 999/],
  ['id to explain that is none', ['order', 'explain', 'x'], 2, /must be a whole number/],
  ['account before explain', ['order', '--account', '2', 'explain', '999'], 1, /account 2 has no order 999/],
  ['option of an order to be placed', ['order', 'explain', '1', '--tif', 'ioc'], 2, /explain has no option --tif/],
  ['no such symbol', ['order', 'buy', '1', 'XBT-USD', '1'], 1, /there are: BTC-USD/],
  ['book of a name that no URL can address', ['book', '..', '--once'], 1, /^openbell: UNKNOWN_SYMBOL: "\.\." is no name of a symbol/],
  ['trades of a name that no URL can address', ['trades', '.'], 1, /^openbell: UNKNOWN_SYMBOL: "\." is no name of a symbol/],
  [
    'orders of a name that no URL can address',
    ['cancel-orders', '--symbol', ''],
    1,
    /^openbell: UNKNOWN_SYMBOL: "" is no name of a symbol/,
  ],
  ['no such account', ['account', '999'], 1, /UNKNOWN_ACCOUNT/],
  ['price between ticks', ['order', 'buy', '1', 'BTC-USD', '1.001'], 2, /not a multiple of 0\.01/],
  ['wrong side', ['order', 'hold', '1', 'BTC-USD'], 2, /Allowed choices are buy, sell/],
  [
    'terms that do not go together',
    ['order', 'buy', '1', 'BTC-USD', '1.00', '--min-quantity', '1'],
    2,
    /gtc and min-quantity cannot be combined/,
  ],
  ['minimum above the quantity', ['order', 'buy', '1', 'BTC-USD', '--min-quantity', '2'], 2, /at most the quantity: 2 of 1/],
  ['minimum of nothing', ['order', 'buy', '1', 'BTC-USD', '--min-quantity', '0'], 2, /must be a decimal number above 0/],
  ['quantity of nothing', ['order', 'buy', '0.000', 'BTC-USD', '1.00'], 2, /must be a decimal number above 0/],
  ['price of nothing', ['order', 'buy', '1', 'BTC-USD', '0'], 2, /must be a decimal number above 0/],
  ['quantity in another notation', ['amend', 'BTC-USD', '1', '1e3', '1.00'], 2, /must be a decimal number above 0/],
  ['client order id 0', ['order', 'buy', '1', 'BTC-USD', '1.00', '--id', '0'], 2, /must be an id from 1/],
  ['account 0', ['order', 'buy', '1', 'BTC-USD', '1.00', '--account', '0'], 2, /must be an id from 1/],
  ['two lists at once', ['account', '1', '--orders', '--trades'], 2, /--orders' cannot be used with option '--trades'/],
  ['account beyond all', ['account', '4294967296'], 2, /must be an account id below 2\^32/],
  ['page of nothing', ['trades', 'BTC-USD', '--limit', '0'], 2, /must be a whole number from 1 to 1000/],
  ['page too large', ['account', '1', '--orders', '--limit', '1001'], 2, /must be a whole number from 1 to 1000/],
  ['depth of nothing', ['book', 'BTC-USD', '--depth', '0'], 2, /must be a whole number from 1 to 5000/],
  ['id that names its neighbour', ['cancel', 'BTC-USD', '9007199254740993'], 2, /must be a whole number below 2\^53/],
  ['time in force without a price', ['order', 'buy', '1', 'BTC-USD', '--tif', 'ioc'], 2, /needs a price/],
  ['port that is none', ['account', '1', '--http-port', '65536'], 2, /must be a port/],
  ['id that is no number', ['cancel', 'BTC-USD', 'x'], 2, /must be a whole number/],
];

for (const [name, args, code, text] of FAILURES) {
  test(`exit code ${code}: ${name}`, async () => {
    const result = await ask(...args);
    assert.equal(result.code, code, result.stderr);
    assert.match(result.stdout + result.stderr, text);
    assert.doesNotMatch(result.stderr, /\n {4}at /, 'no stack trace');
  });
}

test('the address of an exchange may be an IPv6 address in brackets', async () => {
  const result = await openbell(['account', '1', '--host', '[::1]', '--http-port', '9']);
  assert.equal(result.code, 3);
  assert.match(result.stderr, /cannot reach http:\/\/\[::1\]:9\//);
});

test('exit code 3: order entry does not answer', async () => {
  // The last of two equal flags counts.
  const result = await openbell(['order', 'buy', '1', 'BTC-USD', '1', ...exchange.flags, '--grpc-port', '1']);
  assert.equal(result.code, 3, result.stderr);
  assert.match(result.stderr, /^openbell: CONNECTION_LOST: order entry: UNAVAILABLE: .*is the exchange running there\?\n$/);
});

test('with --json every failure prints its code and its message as JSON, and the same text goes to stderr', async () => {
  const bad = join(base, 'two-problems.yaml');
  writeFileSync(bad, 'assets:\n  - { id: 1, name: USD }\n  - { id: 2, decimals: 2 }\n');
  const empty = join(base, 'empty');
  mkdirSync(empty);
  const cases: readonly [args: string[], exit: number, code: string, message: RegExp][] = [
    [['account', '999', ...exchange.flags], 1, 'UNKNOWN_ACCOUNT', /./],
    [['order', 'buy', '1', 'XBT-USD', '1', ...exchange.flags], 1, 'UNKNOWN_SYMBOL', /there are: BTC-USD.*\nnext: `openbell symbol ls`/],
    [['order', 'buy', '1', 'BTC-USD', '1.001', ...exchange.flags], 2, 'DECIMAL_NOT_A_MULTIPLE', /not a multiple/],
    [['order', 'buy', '1', 'BTC-USD', '1', ...exchange.flags, '--grpc-port', '1'], 3, 'CONNECTION_LOST', /UNAVAILABLE/],
    [['snapshot', '--http-port', '9'], 3, 'UNREACHABLE', /cannot reach/],
    [['cancel', 'BTC-USD', 'x', ...exchange.flags], 2, 'USAGE', /must be a whole number/],
    [['verify', data], 1, 'DATA_LOCKED', /in use by process \d+.*\nnext: .*`openbell backup DIR --data /],
    [['verify', join(base, 'nowhere')], 2, 'USAGE', /there is no directory/],
    [['start', '--data', data, '--http-port', '0'], 1, 'DATA_LOCKED', /in use by process/],
    [['start', '--data', empty, '--config', bad], 2, 'OPENBELL_CONFIG', /decimals/],
    [['log', empty], 1, 'LOG_LOOKUP', /has no command/],
  ];
  for (const [args, exit, code, message] of cases) {
    const result = await openbell([...args, '--json']);
    const label = `${args.join(' ')}: ${result.stdout}${result.stderr}`;
    assert.equal(result.code, exit, label);
    const { error } = JSON.parse(result.stdout);
    assert.equal(error.code, code, label);
    assert.match(error.message, message, label);
    if (!['USAGE', 'UNREACHABLE', 'OPENBELL_CONFIG'].includes(code))
      assert.match(result.stderr, new RegExp(`^openbell: ${code}: `, 'm'), label);
    if (code === 'OPENBELL_CONFIG') assert.equal(error.problems.length, 2, label);
    const text = await openbell(args);
    assert.deepEqual([text.code, text.stdout], [exit, ''], label);
  }
});

test('with a Node.js that is too old, the error names the command to run instead', () => {
  assert.match(nodeTooOld('20.20.2') ?? '', /Node\.js 20\.20\.2.*npx openbell/);
  assert.equal(nodeTooOld(), undefined);
});

test('a closed output pipe ends the command without an error', async () => {
  assert.deepEqual(await openbellUnread(['book', 'BTC-USD', '--json', ...exchange.flags]), { code: 0, stderr: '' });
});

test('exit code 3: another service listens on the port', async () => {
  // Market data answers a plain GET with a line of text.
  const wsPort = exchange.flags[exchange.flags.indexOf('--ws-port') + 1];
  const result = await openbell(['account', '1', '--http-port', wsPort]);
  assert.equal(result.code, 3, result.stderr);
  assert.match(result.stderr, /^openbell: http\S+ did not answer in JSON \(HTTP 426\); is it openbell's admin port\?\n$/);
});

test('exit code 3: no exchange is running', async () => {
  const ports = ['--http-port', '9', '--grpc-port', '9', '--ws-port', '9'];
  for (const args of [
    ['order', 'buy', '1', 'BTC-USD', '1.00', ...ports],
    ['book', 'BTC-USD', ...ports],
    ['snapshot', ...ports],
  ]) {
    const result = await openbell(args);
    assert.equal(result.code, 3, result.stderr);
  }
});

test('OPENBELL_TLS is a switch like those of start; a port without TLS is named as such, without the text of OpenSSL', async () => {
  const health = (value: string) => openbell(['health', ...exchange.flags], { OPENBELL_TLS: value });
  for (const value of ['false', '0', '']) assert.deepEqual(await health(value), { code: 0, stdout: 'ready\n', stderr: '' }, value);
  for (const value of ['true', '1'])
    assert.match((await health(value)).stdout, /^not ready: cannot reach https:\S+ \(this port does not speak TLS\)\n$/, value);
  const wrong = await health('yes');
  assert.deepEqual([wrong.code, wrong.stderr], [2, 'openbell: OPENBELL_TLS must be true or false, not "yes"\n']);
  for (const args of [
    ['book', 'BTC-USD'],
    ['order', 'buy', '1', 'BTC-USD', '1.00'],
    ['cancel-orders', '--account', '1'],
  ]) {
    const { code, stderr } = await ask(...args, '--tls');
    assert.equal(code, 3, stderr);
    assert.match(stderr, /^openbell: [^\n]*https:[^\n]*\(this port does not speak TLS\)[^\n]*\n(next: leave out --tls [^\n]*\n)?$/);
  }
});

test('the client library names a port without TLS, too, for orders and market data', async () => {
  const [grpcPort, wsPort, httpPort] = ['--grpc-port', '--ws-port', '--http-port'].map((flag) =>
    Number(exchange.flags[exchange.flags.indexOf(flag) + 1]),
  );
  const symbols = [{ id: 1, name: 'BTC-USD', tickSize: '0.01', lotSize: '0.0001' }];
  const client = await connect({ grpcPort, wsPort, httpPort, account: 1, tls: {}, symbols, reconnect: false });
  await assert.rejects(client.orders.place({ symbol: 'BTC-USD', side: 'buy', price: '1.00', quantity: '1' }), {
    code: 'CONNECTION_LOST',
    message: /^order entry: UNAVAILABLE: [^\n:]*: Error: this port does not speak TLS\./,
  });
  await assert.rejects(client.market.book('BTC-USD'), { code: 'CONNECTION_LOST', message: /is the exchange running there, with TLS\?$/ });
  await assert.rejects(client.admin.cancelOrders({ account: 1 }), { code: 'HTTP_FAILED', message: /\(this port does not speak TLS\)$/ });
  await client.close();
});

test('exit code 2: configuration, each problem on a line', async () => {
  const file = join(base, 'bad.yaml');
  writeFileSync(file, 'assets:\n  - { id: 1, name: USD }\n');
  const bad = await openbell(['start', '--config', file, '--host', '0.0.0.0']);
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /bad\.yaml:2:5: assets\[0\]\.decimals: is missing/);
  assert.match(bad.stderr, /--host 0\.0\.0\.0 can be reached from elsewhere: configure authentication/);
  assert.equal((await openbell(['nonsense'])).code, 2);
  const nameless = await openbell(['dev-token', '--subject', '', '--roles', 'trader', '--accounts', '1']);
  assert.deepEqual([nameless.code, nameless.stdout], [2, ''], 'no exchange would accept the token');
  const missing = await openbell(['verify', join(base, 'nowhere')]);
  assert.deepEqual([missing.code, readdirSync(base).includes('nowhere')], [2, false]);
});

test('no help, of commands and of their own commands, shows a value that is none', async () => {
  const seen: string[] = [];
  // In this process: a start of each of a hundred takes longer than all other tests of the file.
  const look = (command: Command, path: readonly string[]): void => {
    seen.push(path.join(' '));
    let text = '';
    const writeOut = (part: string): void => {
      text += part;
    };
    command.configureOutput({ writeOut }).outputHelp();
    assert.doesNotMatch(text, /\[object|undefined|\bNaN\b|\bnull\b|\(default:? *\)/, path.join(' '));
    for (const each of command.commands) look(each, [...path, each.name()]);
  };
  look(await cliProgram(), []);
  for (const name of ['start', 'cancel-orders', 'dev-token', 'audit', 'audit verify']) assert.ok(seen.includes(name), `${name}: ${seen}`);
  const { code, stdout } = await openbell(['audit', 'verify', '--help']);
  assert.deepEqual([code, /^Usage: openbell audit verify /.test(stdout)], [0, true]);
});

test('kill -9: the order is present after the restart, and verify agrees', async () => {
  const placed = await askJson('order', 'buy', '0.1', 'BTC-USD', '50000.00');
  await exchange.end('SIGKILL');
  exchange = await ExchangeProcess.start(data);
  const { orders } = await askJson('account', '1');
  assert.deepEqual(
    orders.map(({ orderId, price, leaves }: Record<string, unknown>) => [orderId, price, leaves]),
    [[placed.orderId, '50000.00', '0.1000']],
  );
  const locked = await openbell(['verify', data]);
  assert.deepEqual([locked.code, /in use by process \d+/.test(locked.stderr)], [1, true]);
});

test('snapshot on demand, graceful stop, and the same state hash from both', async () => {
  const taken = await askJson('snapshot');
  assert.ok(readFileSync(taken.path).length > 0);
  assert.equal(await exchange.end('SIGTERM'), 0);
  assert.match(exchange.stderr, /stopping; repeat to end at once/);
  const whole = JSON.parse((await openbell(['verify', data, '--json'])).stdout);
  const short = JSON.parse((await openbell(['verify', data, '--from-snapshot', '--json'])).stdout);
  assert.deepEqual([whole.conserved, whole.restingOrders, whole.snapshotSeq, short.replayed], [true, 1, 0, 0]);
  assert.equal(short.stateHash, whole.stateHash);
  assert.match((await openbell(['verify', data])).stdout, /conservation {2}holds/);
});

test('a damaged log: start names the repair, fork leaves it unchanged, cut repairs it and the history', async () => {
  const log = join(data, readdirSync(data).find((name) => name.startsWith('log-')) ?? '');
  const bytes = readFileSync(log);
  // A command in the middle: 64-byte slots, the first batches are the genesis.
  bytes[64 * 60 + 40] ^= 0xff;
  writeFileSync(log, bytes);
  for (const name of readdirSync(data)) if (name.startsWith('snapshot-')) rmSync(join(data, name));
  const rejected = await openbell(['start', '--data', data, '--http-port', '0', '--grpc-port', '0', '--ws-port', '0']);
  assert.equal(rejected.code, 1);
  assert.match(rejected.stderr, /^openbell: LOG_DAMAGED: /m);
  const verified = await openbell(['verify', data, '--json']);
  assert.deepEqual([verified.code, JSON.parse(verified.stdout).error.code], [1, 'LOG_DAMAGED']);
  assert.match(rejected.stderr, /openbell repair .*--cut|openbell repair .*--fork/);
  assert.equal((await openbell(['repair', data])).code, 2);
  const forked = await openbell(['repair', data, '--fork', join(base, 'fork')]);
  assert.equal(forked.code, 0, forked.stderr);
  const { lastSeq, forgotten } = JSON.parse((await openbell(['repair', data, '--cut', '--json'])).stdout);
  assert.ok(lastSeq < 103 && forgotten > 0, `${lastSeq} ${forgotten}`);
  // The damage is within the definitions of the demo venue; its file completes them.
  exchange = await ExchangeProcess.start(data, ['--config', fileURLToPath(new URL('../docs/openbell.example.yaml', import.meta.url))]);
  assert.equal((await ask('order', 'buy', '0.1', 'BTC-USD', '50000.00')).code, 0);
  assert.equal(await exchange.end('SIGINT'), 0);
});

test('a command over HTTP does not load the library for gRPC, which takes as long as the rest of its start', async () => {
  const hook = `import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) { if (url.includes('grpc-js')) process.stderr.write('gRPC loaded'); return next(url, context); } });`;
  const { code, stderr } = await openbell(['health', '--http-port', '9'], {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}`,
  });
  assert.equal(code, 1);
  assert.doesNotMatch(stderr, /gRPC loaded/);
});
