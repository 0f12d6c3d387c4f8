import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { resolveLimits } from '../engine/limits.ts';
import { Phase } from '../engine/wire/layout.ts';
import { ConfigError, isLoopback, limitsOf, loadConfig, OPTIONS } from '../gateway/config/config.ts';
import { checkMirrorFile } from '../gateway/config/config-mirror.ts';

const dir = mkdtempSync(join(tmpdir(), 'openbell-config-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const file = join(dir, 'venue.yaml');

function load(text: string, flags: Record<string, string | boolean> = {}, env: Record<string, string> = {}) {
  writeFileSync(file, text);
  return loadConfig({ flags: { config: file, ...flags }, env });
}

/** What is wrong with the file, without its name. */
function problems(text: string, flags = {}, env = {}): string[] {
  try {
    load(text, flags, env);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.code, 'OPENBELL_CONFIG');
    return error.problems.map((problem) => problem.replace(`${file}:`, ''));
  }
  return [];
}

const ASSETS = `assets:
  - { id: 1, name: USD, decimals: 2 }
  - { id: 2, name: BTC, decimals: 8 }
`;
const symbol = (lines: string) => `${ASSETS}symbols:
  - id: 1
    name: BTC-USD
    base: BTC
    quote: USD
    tick: 0.01
    lot: 1
${lines}`;

const WRONG: [string, string, RegExp][] = [
  ['not YAML', 'assets: [', /^1:\d+: not valid YAML: /],
  ['an alias of nothing', 'assets: *nowhere', /^1:9: no &nowhere stands above/],
  ['a key twice', 'assets: []\nassets: []', /^2:1: not valid YAML: Map keys must be unique/],
  [
    'unknown section',
    'asets: []',
    /^1:1: asets: unknown key; use one of server, capacities, assets, calendars, fee-tables, symbols, accounts, feeds, feed-books, simulator$/,
  ],
  [
    'unknown key',
    `${ASSETS.replace('decimals: 2', 'decimals: 2, digits: 3')}`,
    /^2:38: assets\[0\]\.digits: unknown key; use one of id, name, decimals$/,
  ],
  ['missing key', 'assets:\n  - { id: 1, name: USD }', /^2:5: assets\[0\]\.decimals: is missing; give 0 to 12$/],
  ['a list is wanted', 'assets: { id: 1 }', /^1:9: assets: must be a list .*, not a mapping$/],
  ['a mapping is wanted', 'assets: [7]', /^1:10: assets\[0\]: must be a mapping of keys .*, not "7"$/],
  ['a value is wanted', 'assets:\n  - { id: [1], name: USD, decimals: 2 }', /^2:11: assets\[0\]\.id: must be a single value, not a list$/],
  ['no value', 'assets:\n  - id:\n    name: USD\n    decimals: 2', /^2:5: assets\[0\]\.id: has no value; write one or remove the key$/],
  [
    'fraction for whole',
    'assets:\n  - { id: 1.5, name: USD, decimals: 2 }',
    /^2:11: assets\[0\]\.id: must be a whole number from 1 to \d+, not 1.5$/,
  ],
  ['id 0', 'assets:\n  - { id: 0, name: USD, decimals: 2 }', /id: must be a whole number from 1/],
  ['id twice', `${ASSETS}  - { id: 1, name: EUR, decimals: 2 }`, /^4:5: assets\[2\]: asset id 1 is used twice; choose another$/],
  ['name twice', `${ASSETS}  - { id: 3, name: USD, decimals: 2 }`, /^4:5: assets\[2\]: asset name USD is used twice; choose another$/],
  ['long name', 'assets:\n  - { id: 1, name: SEVENTEEN-LETTERS, decimals: 2 }', /^2:20: assets\[0\]\.name: must be 1 to 16 characters/],
  ...['.', '..'].flatMap((name): typeof WRONG => [
    [
      `asset ${name}`,
      `assets:\n  - { id: 1, name: ${name}, decimals: 2 }`,
      /^2:20: assets\[0\]\.name: must be .*, but not \. or \.\. alone\), not "\.+"$/,
    ],
    [
      `symbol ${name}`,
      symbol('').replace('name: BTC-USD', `name: ${name}`),
      /^6:11: symbols\[0\]\.name: must be .*, but not \. or \.\. alone/,
    ],
  ]),
  ['too many decimals', 'assets:\n  - { id: 1, name: USD, decimals: 13 }', /decimals: must be a whole number from 0 to 12, not 13$/],
  [
    'id above the capacity',
    `capacities: { assets: 1 }\n${ASSETS}`,
    /^4:5: assets\[1\]: asset id 2 is above capacities.assets, which is 1; raise it or choose a smaller id$/,
  ],
  ['capacity', 'capacities: { orders: 1 }', /^1:23: capacities\.orders: must be a whole number from 2 to 16777216, not 1$/],
  [
    'share above its capacity',
    'capacities: { level-pages: 100, level-pages-per-account: 101 }',
    /^1:58: capacities\.level-pages-per-account: must be a whole number from 1 to 100, not 101$/,
  ],
  [
    'unknown asset',
    symbol('').replace('base: BTC', 'base: XBT'),
    /^7:11: symbols\[0\]\.base: no asset is named XBT; .* use one of USD, BTC$/,
  ],
  ['base is quote', symbol('').replace('base: BTC', 'base: USD'), /^8:12: symbols\[0\]\.quote: is the base asset USD too/],
  ['tick', symbol('').replace('tick: 0.01', 'tick: 1e-2'), /^9:11: symbols\[0\]\.tick: must be a decimal number above 0 .*, not 1e-2$/],
  ['tick 0', symbol('').replace('tick: 0.01', 'tick: 0.00'), /tick: must be a decimal number above 0/],
  [
    'lot below the base unit',
    symbol('').replace('lot: 1', 'lot: 0.000000001'),
    /^10:10: symbols\[0\]\.lot: a lot of 0\.000000001 is no whole number of BTC's smallest unit; give BTC 9 decimals or choose a larger lot$/,
  ],
  [
    'tick x lot below the quote unit',
    symbol('').replace('lot: 1', 'lot: 0.001'),
    /^9:11: symbols\[0\]\.tick: one lot \(0\.001\) at one tick \(0\.01\) is not a whole number of USD's smallest units; give USD up to 5 decimals \(it has 2\) or choose a larger tick or lot$/,
  ],
  ['phase', symbol('    phase: open'), /^11:12: symbols\[0\]\.phase: must be one of halted, continuous, auction, closed, not open$/],
  [
    'price between ticks',
    symbol('    reference-price: 1.005'),
    /^11:22: symbols\[0\]\.reference-price: "1\.005" is not a multiple of 0\.01; round it to one$/,
  ],
  ['ladder too long', symbol('    limits: { max-price: 1000000 }'), /max-price: is 100000000 ticks; the ladder has at most 67108864/],
  [
    'reference above the ladder',
    symbol('    reference-price: 11\n    limits: { max-price: 10 }'),
    /^11:22: .*reference-price: is above limits\.max-price \(10\.00\)/,
  ],
  [
    'limits the wrong way round',
    symbol('    limits: { min-quantity: 5, max-quantity: 4 }'),
    /max-quantity: is below limits\.min-quantity; swap them$/,
  ],
  [
    'limits of money the wrong way round',
    symbol('    limits: { min-notional: 5, max-notional: 4 }'),
    /max-notional: is below limits\.min-notional; swap them$/,
  ],
  [
    'a step above the highest price',
    symbol('    limits: { max-price: 0.01, tick-step: 0.02 }'),
    /^11:26: symbols\[0\]\.limits\.max-price: is below limits\.tick-step; lower that one$/,
  ],
  [
    'a step above the largest quantity',
    symbol('    limits: { lot-step: 100, max-quantity: 5 }'),
    /max-quantity: is below limits\.lot-step; lower that one$/,
  ],
  [
    'no multiple of the step between the limits',
    symbol('    limits: { lot-step: 10, min-quantity: 11, max-quantity: 19 }'),
    /lot-step: leaves no quantity from limits\.min-quantity \(11\) to limits\.max-quantity \(19\) that is a multiple of limits\.lot-step \(10\)$/,
  ],
  [
    'a minimum above the default maximum',
    symbol('    limits: { min-quantity: 2000000000000 }'),
    /min-quantity: is above limits\.max-quantity, which is 1099511627776; raise that one too$/,
  ],
  ['zero minimum', symbol('    limits: { min-quantity: 0 }'), /min-quantity: is 0 units, which is not from 1 to/],
  [
    'fee without percent',
    symbol('    fees: { taker: 0.05 }'),
    /^11:20: symbols\[0\]\.fees\.taker: must be a percentage .*, such as 0\.05%, not 0\.05$/,
  ],
  ['fee too fine', symbol('    fees: { taker: 0.00005% }'), /fees\.taker: must be a percentage with at most 4 decimals/],
  ['fee over 100 %', symbol('    fees: { taker: 101% }'), /fees\.taker: must be a percentage .*from 0% to 100%, not 101%$/],
  ['rebate without taker fee', symbol('    fees: { maker: -0.01% }'), /fees\.maker: the rebate exceeds the taker fee/],
  ['negative price band', symbol('    price-band: -1%'), /price-band: must be a percentage/],
  ['two names of the price band', symbol('    price-band: 1%\n    collar: 2%'), /collar: is the former name of price-band/],
  [
    'deposit of what is not there',
    `${ASSETS}accounts:\n  - { id: 1, name: a, deposits: { EUR: 5 } }`,
    /^5:35: accounts\[0\]\.deposits\.EUR: no asset has this name; .*USD, BTC$/,
  ],
  [
    'deposit too fine',
    `${ASSETS}accounts:\n  - { id: 1, name: a, deposits: { USD: 0.001 } }`,
    /deposits\.USD: "0\.001" is not a multiple of 0\.01/,
  ],
  [
    'deposits past 2^53',
    `${ASSETS}accounts:\n  - { id: 1, name: a, deposits: { USD: 50000000000000 } }\n  - { id: 2, name: b, deposits: { USD: 50000000000000 } }`,
    /^6:\d+: accounts\[1\]\.deposits\.USD: all deposits of USD together reach 2\^53/,
  ],
  ['boolean', `accounts:\n  - { id: 1, name: a, suspended: yes }`, /^2:34: accounts\[0\]\.suspended: must be true or false, not yes$/],
  ['simulator without takers', 'simulator: { makers: [1] }', /^1:12: simulator: needs makers and takers/],
  [
    'simulated account that is not there',
    'accounts: [{ id: 2, name: b }, { id: 3, name: c }]\nsimulator: { makers: [1, 2], takers: [3] }',
    /^2:23: simulator\.makers\[0\]: no account has id 1/,
  ],
  ['server port', 'server: { grpc-port: 70000 }', /^1:22: server\.grpc-port: must be a port from 0 .*not "70000"$/],
  ['server key', 'server: { port: 1 }', /^1:11: server\.port: unknown key; use one of host, grpc-port/],
  ['server host', 'server: { host: example.com }', /^1:17: server\.host: must be an IP address, or localhost, not "example\.com"$/],
  [
    'proxies',
    'server: { auth-proxies: "10.0.0.0/33" }',
    /^1:25: server\.auth-proxies: must be addresses or networks .*not "10\.0\.0\.0\/33"$/,
  ],
  ['everybody a proxy', 'server: { auth-proxies: "127.0.0.1,::/0" }', /server\.auth-proxies: must be addresses or networks/],
  ['keys in plain text', 'server: { auth-jwks: http://keys.example/jwks, auth-issuer: i, auth-audience: a }', /must be https/],
];

for (const [name, text, expected] of WRONG) {
  test(`rejected: ${name}`, () => {
    const found = problems(text);
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0], expected);
  });
}

test('all problems of file, flags and environment are reported together', () => {
  const found = problems('assets: [{ id: 1, name: USD }]\ntypo: 1', { 'ws-port': 'x' }, { OPENBELL_TOPOLOGY: 'wide' });
  assert.deepEqual(
    found.map((problem) => problem.split(' ').slice(0, 2).join(' ')),
    ['2:1: typo:', '1:10: assets[0].decimals:', '--ws-port must', 'OPENBELL_TOPOLOGY must'],
  );
});

test('names with dots that a URL can address', () => {
  for (const name of ['...', '.A', 'A.', '..B', 'BRK.B', '-', ':'])
    assert.equal(new URL(`http://h/v1/symbols/${name}/phase`).pathname, `/v1/symbols/${name}/phase`);
  for (const name of ['...', '.A', 'A.', '..B', 'BRK.B', '-', ':'])
    assert.deepEqual(problems(symbol('').replace('name: BTC-USD', `name: "${name}"`)), [], name);
});

test('a symbol with all keys, in exact units', () => {
  const config = load(
    symbol(`    phase: auction
    reference-price: "60000.50"
    collar: 2.5% # the former name
    limits: { max-price: 100000, tick-step: 0.05, lot-step: 2, min-quantity: 2, max-quantity: 1000, min-notional: 10.5, max-notional: 1000000 }
    fees: { maker: -0.005%, taker: 0.05% }
accounts:
  - { id: 7, name: desk, suspended: true, max-open-orders: 5, deposits: { USD: 12.30, BTC: 0.00000001 } }`),
  );
  const [s] = config.symbols;
  assert.deepEqual([s.tickMantissa, s.tickDecimals, s.lotMantissa, s.lotDecimals, s.phase], [1, 2, 1, 0, Phase.Auction]);
  assert.deepEqual(s.params, {
    MaxPrice: 10_000_000,
    TickStep: 5,
    LotStep: 2,
    MinQuantity: 2,
    MaxQuantity: 1000,
    MinNotional: 1050,
    MaxNotional: 100_000_000,
    ReferencePrice: 6_000_050,
    PriceBandPpm: 25_000,
    MakerFeePpm: -50,
    TakerFeePpm: 500,
  });
  const [account] = config.accounts;
  assert.deepEqual(
    [account.id, account.suspended, account.maxOpenOrders, account.deposits.map(({ asset, amount }) => `${asset.name} ${amount}`)],
    [7, true, 5, ['USD 1230', 'BTC 1']],
  );
});

test('capacities and shares of one account: as given, or an eighth, but at least 4,096', () => {
  const { pages, pagesPerAccount, orders, ordersPerAccount, ...ids } = resolveLimits(limitsOf(load(ASSETS)));
  assert.deepEqual([orders, ordersPerAccount, pages, pagesPerAccount], [2 ** 20, 2 ** 17, 2 ** 15, 2 ** 12]);
  assert.deepEqual([ids.rememberedOrders, ids.rememberedOrdersPerAccount], [2 ** 20, 2 ** 17]);
  assert.deepEqual([ids.rememberedKeys, ids.rememberedKeysPerAccount], [2 ** 16, 2 ** 13]);
  const given = `capacities:
  orders: 900
  level-pages: 16000
  level-pages-per-account: 7
  remembered-orders: 5000
  remembered-orders-per-account: 1
  remembered-keys: 50
`;
  const limits = resolveLimits(limitsOf(load(given)));
  assert.deepEqual([limits.orders, limits.ordersPerAccount, limits.pages, limits.pagesPerAccount], [900, 900, 16_000, 7]);
  assert.deepEqual([limits.rememberedOrders, limits.rememberedOrdersPerAccount], [5000, 1]);
  assert.deepEqual([limits.rememberedKeys, limits.rememberedKeysPerAccount], [50, 50]);
  const largest = resolveLimits(limitsOf(load('capacities: { orders: 16777216 }')));
  assert.equal(largest.ordersPerAccount, 2 ** 21 - 1);
});

test('a flag overrides the environment, and the environment overrides the file', () => {
  const text = 'server: { grpc-port: 1000, ws-port: 1001, http-port: 1002, topology: compact }';
  const config = load(text, { 'grpc-port': '3000' }, { OPENBELL_GRPC_PORT: '2000', OPENBELL_WS_PORT: '2001', OPENBELL_LOG_LEVEL: 'warn' });
  assert.deepEqual([config.grpcPort, config.wsPort, config.httpPort], [3000, 2001, 1002]);
  assert.deepEqual([config.topology, config.simulate, config.durability, config.logLevel], ['compact', false, 'durable', 'warn']);
});

test('order flow: none, by the simulator, or the market of a feed, of a capture, of the shipped capture', () => {
  const text = `accounts: [{ id: 1, name: a }, { id: 2, name: b }]
simulator: { makers: [1], takers: [2] }
feeds: [{ name: btc, venue: kraken, instruments: [BTC/USD] }]`;
  const simulate = (value: string | boolean) => load(text, { simulate: value }).simulate;
  assert.deepEqual([true, 'false', 'mirror=btc', 'mirror=demo', `mirror=${file}`].map(simulate), [
    true,
    false,
    { mirror: 'btc' },
    { mirror: 'demo' },
    { mirror: file },
  ]);
  assert.deepEqual(load(`server: { simulate: mirror=btc }\n${text}`).simulate, { mirror: 'btc' });
  assert.throws(() => simulate('mirror'), /--simulate must be true, false or mirror=SOURCE, not "mirror"/);
  assert.throws(
    () => simulate('mirror=eth'),
    /--simulate mirror=eth: neither a feed nor a file has this name; use one of btc, demo, or the path of a file/,
  );
  const mapped = text.replace('takers: [2]', 'takers: [2], mirror: { BTC-USD: XBT/USD }');
  assert.equal(load(text.replace('takers: [2]', 'takers: [2], mirror-percent: 10')).simulator?.mirrorPercent, 10);
  assert.equal(load(text).simulator?.mirrorPercent, 100);
  for (const percent of ['0', '101', '2.5'])
    assert.throws(
      () => load(text.replace('takers: [2]', `takers: [2], mirror-percent: ${percent}`)),
      /simulator\.mirror-percent: must be a whole number/,
    );
  assert.throws(() => load(mapped), /simulator\.mirror\.BTC-USD: no symbol has this name/);
});

test('a mirror that is no capture is refused, with the code of the reason', async () => {
  const header = '{"t":"header","format":2,"exchange":"BYBIT"}\n';
  const row = (t: string, rest: string) => `{"t":"${t}","conn":"a","ts":1,${rest}}\n`;
  const connect = row('connect', '"addr":"wss://stream.bybit.com/v5/public/spot"');
  const frame = row('recv', '"data":"{}"');
  const path = join(dir, 'mirror.jsonl');
  const problem = async (text: string) => {
    writeFileSync(path, text);
    return checkMirrorFile({ simulate: { mirror: path }, feeds: [] }).then(() => '', String);
  };
  const table: readonly (readonly [string, RegExp])[] = [
    [header + connect + frame, /^$/],
    // As far as it was recorded.
    [header + connect + frame + frame.slice(0, -5), /^$/],
    // Without an address the category is not known.
    [header + frame, /CAPTURE_HEADER: .* is of BYBIT, which has no adapter/],
    ['', /mirror=.*: CAPTURE_HEADER: .* is empty/],
    ['assets: []\n', /CAPTURE_LINE: .*:1: is not JSON/],
    [`${header}not json\n`, /CAPTURE_LINE: .*:2: is not JSON/],
    [header.replace('BYBIT', 'NOWHERE') + connect + frame, /CAPTURE_HEADER: .* is of NOWHERE, which has no adapter/],
    [header, /CAPTURE_EMPTY: .* holds no messages of a venue/],
    [header + connect + row('send', '"data":"{}"'), /CAPTURE_EMPTY/],
    [header + connect + frame.slice(0, -5), /CAPTURE_TRUNCATED/],
  ];
  for (const [text, expected] of table) assert.match(await problem(text), expected, text);
  await assert.rejects(checkMirrorFile({ simulate: { mirror: dir }, feeds: [] }), /mirror=.*: LOG_EMPTY: /);
  for (const simulate of [true, { mirror: 'demo' }, { mirror: 'btc' }])
    await checkMirrorFile({ simulate, feeds: [{ name: 'btc', venue: 'kraken', instruments: ['BTC/USD'] }] });
});

test('the environment can name the file; a missing one is reported', () => {
  writeFileSync(file, 'server: { data: elsewhere }');
  assert.match(loadConfig({ flags: {}, env: { OPENBELL_CONFIG: file } }).data, /elsewhere$/);
  assert.throws(
    () => loadConfig({ flags: { config: 'none.yaml' }, env: {} }),
    /^ConfigError: --config none\.yaml: cannot be read \(ENOENT\)/,
  );
  assert.throws(() => loadConfig({ flags: {}, env: { OPENBELL_CONFIG: 'none.yaml' } }), /^ConfigError: OPENBELL_CONFIG=none\.yaml: cannot/);
});

test('defaults: four symbols, ten funded accounts, loopback, and nothing can be changed', () => {
  const config = loadConfig({ flags: {}, env: {} });
  assert.deepEqual(
    config.symbols.map(({ name }) => name),
    ['BTC-USD', 'ETH-USD', 'SOL-USD', 'ETH-BTC'],
  );
  assert.equal(config.accounts.filter(({ deposits }) => deposits.length === 4).length, 10);
  assert.equal(isLoopback(config.host), true);
  assert.equal(Object.isFrozen(config.symbols[0].params), true);
  assert.equal(Object.isFrozen(config.accounts[0].deposits[0]), true);
});

test('ports must differ, unless they are 0', () => {
  assert.match(problems('', { 'grpc-port': '7402' })[0], /must differ/);
  assert.deepEqual(problems('', { 'grpc-port': '0', 'ws-port': '0', 'http-port': '0' }), []);
});

test('beyond loopback only with authentication, and not in plain text', () => {
  const host = '0.0.0.0';
  const jwks = { 'auth-jwks': 'keys.json', 'auth-issuer': 'https://issuer.example', 'auth-audience': 'openbell' };
  const tls = { 'tls-cert': 'cert.pem', 'tls-key': 'key.pem' };
  const table: [name: string, flags: Record<string, string>, problem: RegExp | undefined][] = [
    ['open', { host }, /--host 0\.0\.0\.0 can be reached from elsewhere: configure authentication/],
    ['TLS alone', { host, ...tls }, /configure authentication/],
    ['tokens in plain text', { host, ...jwks }, /without TLS tokens can be read on the network/],
    ['API keys in plain text', { host, 'auth-keys': 'keys.yaml' }, /without TLS/],
    ['tokens and TLS', { host, ...jwks, ...tls }, undefined],
    ['a proxy in front', { host, 'auth-proxies': '10.0.0.0/8' }, undefined],
    ['tokens here', jwks, undefined],
    ['tokens of any issuer', { 'auth-jwks': 'keys.json', 'auth-audience': 'openbell' }, /go together/],
    ['tokens for anybody', { 'auth-jwks': 'keys.json', 'auth-issuer': 'i' }, /go together/],
    ['an issuer without keys', { 'auth-issuer': 'i' }, /go together/],
    ['keys from this machine', { ...jwks, 'auth-jwks': 'http://127.0.0.1:8080/jwks' }, undefined],
    ['keys from here, IPv6', { ...jwks, 'auth-jwks': 'http://[::1]:8080/jwks' }, undefined],
  ];
  for (const [name, flags, problem] of table) {
    const found = problems('', flags);
    assert.equal(found.length, problem === undefined ? 0 : 1, `${name}: ${found.join('; ')}`);
    if (problem !== undefined) assert.match(found[0], problem, name);
  }
});

test('no --auth option alone leaves the exchange open: it authenticates callers, or is an error, from each source', () => {
  const values = {
    'auth-jwks': 'keys.json',
    'auth-issuer': 'i',
    'auth-audience': 'a',
    'auth-keys': 'keys.yaml',
    'auth-proxies': '127.0.0.1',
    'auth-bound': 'operator',
  };
  assert.deepEqual(
    Object.keys(values),
    Object.keys(OPTIONS).filter((name) => name.startsWith('auth-')),
  );
  const alone = new Map([
    ['auth-keys', ''],
    ['auth-proxies', ''],
    ['auth-bound', '--auth-bound needs a source of credentials: give --auth-jwks, --auth-keys or --auth-proxies too'],
  ]);
  for (const [name, value] of Object.entries(values)) {
    const variable = `OPENBELL_${name.toUpperCase().replaceAll('-', '_')}`;
    const sources = {
      flag: problems('', { [name]: value }),
      environment: problems('', {}, { [variable]: value }),
      file: problems(`server: { ${name}: ${value} }`),
    };
    const expected = alone.get(name) ?? '--auth-jwks, --auth-issuer and --auth-audience go together';
    for (const [source, found] of Object.entries(sources)) {
      assert.equal(found.length, expected === '' ? 0 : 1, `${name} in ${source}: ${found.join('; ')}`);
      assert.ok(expected === '' || found[0].startsWith(expected), `${name} in ${source}: ${found[0]}`);
    }
  }
  const jwks = { 'auth-jwks': 'keys.json', 'auth-issuer': 'i', 'auth-audience': 'a' };
  for (const source of [jwks, { 'auth-keys': 'keys.yaml' }, { 'auth-proxies': '127.0.0.1' }])
    assert.deepEqual(problems('', { ...source, 'auth-bound': 'operator' }), []);
});

test('loopback addresses, and others', () => {
  for (const host of ['127.0.0.1', '127.8.8.8', '::1', '0:0:0:0:0:0:0:1', 'localhost']) assert.equal(isLoopback(host), true, host);
  for (const host of ['0.0.0.0', '::', '::2', '10.0.0.1', '127.0.0.1.example.com', 'example.com', '', '::ffff:10.0.0.1']) {
    assert.equal(isLoopback(host), false, host);
  }
});

test('the example in the documentation is the demo venue', () => {
  const example = readFileSync(new URL('../docs/openbell.example.yaml', import.meta.url), 'utf8');
  const { assets, symbols, accounts, simulator } = load(example);
  const demo = loadConfig({ flags: {}, env: {} });
  assert.deepEqual(
    { assets, symbols, accounts, simulator },
    { assets: demo.assets, symbols: demo.symbols, accounts: demo.accounts, simulator: demo.simulator },
  );
});
