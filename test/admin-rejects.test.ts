import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code } from '../engine/codes.ts';
import { HttpError } from '../gateway/endpoints/http/http-error.ts';
import { setSymbol } from '../gateway/venue/venue-commands.ts';
import { type Answer, ask, exchange, get, post } from './support/admin-exchange.ts';

test('an error with a name of docs/CODES.md has its number, whatever number was given', () => {
  for (const [name, code] of Object.entries(Code))
    for (const given of [0, code, 9999]) assert.equal(new HttpError(400, given, name, '').code, code, name);
  for (const name of ['NOT_FOUND', 'constructor', '__proto__']) assert.equal(new HttpError(404, 0, name, '').code, 0, name);
});

type Rejected = [string, () => Promise<Answer>, number, string, RegExp];
const REJECTED: Rejected[] = [
  ['nothing there', () => get('/v2'), 404, 'NOT_FOUND', /nothing at \/v2/],
  ['unknown symbol', () => get('/v1/symbols/XBT-USD'), 404, 'UNKNOWN_SYMBOL', /there are: BTC-USD/],
  ['reference of an unknown symbol', () => get('/v1/references/XBT-USD'), 404, 'UNKNOWN_SYMBOL', /there are: BTC-USD/],
  [
    'symbol without a reference',
    () => get('/v1/references/BTC-USD'),
    404,
    'UNKNOWN_REFERENCE',
    /symbol BTC-USD has no reference price from outside/,
  ],
  [
    'instruments without a source',
    () => get('/v1/accounts/1/portfolio?instruments=NOPE=X'),
    400,
    'BAD_PARAMETER',
    /^instruments are those of an outside source/,
  ],
  ['unknown account', () => get('/v1/accounts/4711'), 404, 'UNKNOWN_ACCOUNT', /no account 4711/],
  ['account that is no number', () => get('/v1/accounts/one/orders'), 404, 'UNKNOWN_ACCOUNT', /no account one/],
  ['account with a leading zero', () => get('/v1/accounts/01'), 404, 'UNKNOWN_ACCOUNT', /no account 01/],
  ['account 0 with another', () => get('/v1/accounts/00/reports'), 404, 'UNKNOWN_ACCOUNT', /no account 00/],
  [
    'deposit to an account with a leading zero',
    () => post('/v1/accounts/01/deposit', { asset: 'USD', amount: '1' }),
    404,
    'UNKNOWN_ACCOUNT',
    /no account 01/,
  ],
  ['unknown query key', () => get('/v1/accounts?Limit=1'), 400, 'BAD_PARAMETER', /"Limit"; use one of limit, after$/],
  ['query key twice', () => get('/v1/book/BTC-USD?depth=1&depth=2'), 400, 'BAD_PARAMETER', /depth is given a second time/],
  ['query of an action', () => post('/v1/accounts/1/suspend?dry-run=1'), 400, 'BAD_PARAMETER', /there are none here$/],
  ['escape that is not UTF-8', () => get('/v1/symbols/%ff'), 400, 'BAD_PATH', /percent-encoding/],
  ['body that is not UTF-8', () => post('/v1/accounts', Buffer.from('{"id": 60, "name": "a\xff"}', 'latin1')), 400, 'BAD_JSON', /UTF-8/],
  [
    'a key twice',
    () => post('/v1/accounts/1/deposit', '{"asset": "USD", "amount": "1", "amount": "1"}'),
    400,
    'BAD_PARAMETER',
    /^amount: is given a second time/,
  ],
  [
    'a key twice, once escaped, inside',
    () => post('/v1/accounts', '{"id": 60, "name": "a\\"{", "deposits": {"USD": "1", "\\u0055SD": "2"}}'),
    400,
    'BAD_PARAMETER',
    /^deposits\.USD: is given a second time/,
  ],
  ['wrong method', () => post('/v1/book/BTC-USD'), 405, 'WRONG_METHOD', /takes GET, not POST/],
  ['delete', () => ask('DELETE', '/v1/accounts/1'), 405, 'WRONG_METHOD', /takes GET, not DELETE/],
  ['bad page size', () => get('/v1/symbols/BTC-USD/trades?limit=0'), 400, 'BAD_PARAMETER', /limit must be a whole number from 1 to 1000/],
  ['bad depth', () => get('/v1/book/BTC-USD?depth=1e3'), 400, 'BAD_PARAMETER', /depth must be/],
  ['broken escape', () => get('/v1/symbols/%zz'), 400, 'BAD_PATH', /percent-encoding/],
  ['not JSON', () => post('/v1/accounts', '{'), 400, 'BAD_JSON', /not JSON/],
  ['a list', () => post('/v1/accounts', '[]'), 400, 'BAD_JSON', /must be a JSON object/],
  [
    'other content',
    () => post('/v1/accounts', 'id=1', { 'content-type': 'text/plain' }),
    415,
    'NOT_JSON',
    /content-type: application\/json/,
  ],
  ['unknown key', () => post('/v1/accounts', { id: 60, name: 'a', balance: 1 }), 400, 'BAD_PARAMETER', /balance: unknown key/],
  ...['.', '..'].flatMap((name): Rejected[] => [
    [`asset ${name}`, () => post('/v1/assets', { id: 60, name, decimals: 2 }), 400, 'BAD_PARAMETER', /^name: .* but not \. or \.\. alone/],
    [
      `symbol ${name}`,
      () => post('/v1/symbols', { id: 60, name, base: 'BTC', quote: 'USD', tick: '0.01', lot: '0.0001' }),
      400,
      'BAD_PARAMETER',
      /^name: .* but not \. or \.\. alone/,
    ],
  ]),
  ['missing keys', () => post('/v1/symbols', { id: 9 }), 400, 'BAD_PARAMETER', /name: is missing.*base: is missing.*tick: is missing/],
  ['id that is taken', () => post('/v1/accounts', { id: 1, name: 'again' }), 409, 'ALREADY_DEFINED', /taken/],
  ['id above the capacity', () => post('/v1/accounts', { id: 20_000, name: 'far' }), 400, 'CAPACITY', /capacities/],
  ['too much', () => post('/v1/accounts/1/withdraw', { asset: 'USD', amount: '99999999' }), 409, 'INSUFFICIENT_FUNDS', /less/],
  ['nothing', () => post('/v1/accounts/1/deposit', { asset: 'USD', amount: '0' }), 400, 'BAD_PARAMETER', /above 0/],
  ['between units', () => post('/v1/accounts/1/deposit', { asset: 'USD', amount: '0.0000001' }), 400, 'BAD_PARAMETER', /not a multiple/],
  ['both amounts', () => post('/v1/accounts/1/deposit', { asset: 'USD', amount: '1', units: 1 }), 400, 'BAD_PARAMETER', /either/],
  ['unknown asset', () => post('/v1/accounts/1/deposit', { asset: 'EUR', amount: '1' }), 404, 'UNKNOWN_ASSET', /no asset EUR/],
  ['no such phase', () => post('/v1/symbols/BTC-USD/phase', { phase: 'open' }), 400, 'BAD_PARAMETER', /must be one of halted/],
  ['no such phase is one problem', () => post('/v1/symbols/BTC-USD/phase', { phase: 'open' }), 400, 'BAD_PARAMETER', /not open$/],
  ['no phase', () => post('/v1/symbols/BTC-USD/phase', {}), 400, 'BAD_PARAMETER', /^phase: is missing$/],
  ['no amount', () => post('/v1/accounts/1/deposit', { asset: 'USD', amount: '1e9' }), 400, 'BAD_PARAMETER', /12\.34$/],
  ['number for a text', () => post('/v1/accounts', { id: 60, name: 7 }), 400, 'BAD_PARAMETER', /^name: must be text, not the number 7$/],
  [
    'text for true',
    () => post('/v1/accounts', { id: 60, name: 'a', suspended: 'yes' }),
    400,
    'BAD_PARAMETER',
    /^suspended: must be true or false, not the text "yes"$/,
  ],
  [
    'list for an object',
    () => post('/v1/symbols/BTC-USD/parameters', { limits: [] }),
    400,
    'BAD_PARAMETER',
    /^limits: must be a JSON object/,
  ],
  [
    'null',
    () => post('/v1/accounts/1/deposit', { asset: 'USD', amount: null }),
    400,
    'BAD_PARAMETER',
    /^amount: must be a number.*not null$/,
  ],
  [
    'both ways of writing a key',
    () => post('/v1/accounts/1/limits', { maxOpenOrders: 1, 'max-open-orders': 2 }),
    400,
    'BAD_PARAMETER',
    /^max-open-orders: gives max-open-orders a second time; give it once$/,
  ],
  [
    'unknown key inside, and a number that is not exact',
    () => post('/v1/symbols/BTC-USD/parameters', '{"limits": {"maxPrice": 1234567890123456.789, "maxprice": 1}}'),
    400,
    'BAD_PARAMETER',
    /^limits\.maxPrice: .*write it as text: "1234567890123456\.789"; limits\.maxprice: unknown key; use one of max-price, /,
  ],
  ...['/v1/symbols/BTC-USD/uncross', '/v1/accounts/1/resume', '/v1/snapshot'].map(
    (path): Rejected => [
      `a key of an action without parameters: ${path}`,
      () => post(path, { a: 1 }),
      400,
      'BAD_PARAMETER',
      /^a: unknown key; this action has no parameters$/,
    ],
  ),
  ['no auction', () => post('/v1/symbols/BTC-USD/uncross'), 409, 'WRONG_PHASE', /set phase auction first/],
];

for (const [name, send, status, code, message] of REJECTED) {
  test(`rejected: ${name}`, async () => {
    const answer = await send();
    assert.deepEqual([answer.status, answer.json.name], [status, code]);
    assert.match(answer.json.message, message);
    assert.equal(answer.json.code, (Code as Record<string, number>)[code] ?? 0);
  });
}

test('limits that exclude every order are rejected in two requests as in one; those in force block no other change', async () => {
  const name = 'LIMITED';
  const made = await post('/v1/symbols', { id: 61, name, base: 'BTC', quote: 'USD', tick: '0.01', lot: '0.01', referencePrice: '100' });
  assert.equal(made.status, 201);
  const path = `/v1/symbols/${name}/parameters`;
  const set = (limits: object) => post(path, { limits });
  const rejects = async (limits: object, message: RegExp): Promise<void> => {
    const { status, json } = await set(limits);
    assert.deepEqual([status, json.name], [400, 'BAD_PARAMETER'], JSON.stringify(json));
    assert.match(json.message, message);
  };
  for (const [low, high] of [
    ['minQuantity', 'maxQuantity'],
    ['minNotional', 'maxNotional'],
  ]) {
    const [lowKey, highKey] = [low, high].map((key) => key.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`));
    assert.equal((await set({ [low]: '5' })).status, 200);
    await rejects({ [high]: '1' }, new RegExp(`^limits\\.${high}: is below limits\\.${lowKey}, which is 5\\.0+; lower that one too$`));
    assert.equal((await set({ [high]: '6' })).status, 200);
    await rejects({ [low]: '7' }, new RegExp(`^limits\\.${low}: is above limits\\.${highKey}, which is 6\\.0+; raise that one too$`));
    assert.equal((await set({ [low]: '7', [high]: '8' })).status, 200);
  }
  await rejects({ lotStep: '9' }, /^limits\.lotStep: is above limits\.max-quantity, which is 8\.00; raise that one too$/);
  await rejects({ lotStep: '5' }, /^limits\.lotStep: leaves no quantity .* \(7\.00\) .* \(8\.00\) .* limits\.lot-step \(5\.00\)$/);
  await rejects(
    { maxPrice: '0.01' },
    /^limits\.maxPrice: is below the reference price, which is 100\.00; give a lower reference-price too$/,
  );
  assert.equal((await post(path, { limits: { maxPrice: '0.01' }, referencePrice: '0.01' })).status, 200);
  await rejects({ tickStep: '0.02' }, /^limits\.tickStep: is above limits\.max-price, which is 0\.01; raise that one too$/);
  await exchange.commands.submit(setSymbol(61, 'MinQuantity', 900));
  assert.equal((await post(path, { priceBand: '5%', limits: { minNotional: '6', minQuantity: '9' } })).status, 200, 'a log may hold them');
  assert.equal((await set({ minQuantity: '8' })).json.limits.minQuantity, '8.00');
});

test('a rejected body lists each problem with the key as it was sent; a key that names no asset is not renamed', async () => {
  const { json } = await post('/v1/symbols/BTC-USD/parameters', { priceBand: '5', fees: { maker: '200%' } });
  assert.deepEqual([json.code, json.problems.map(({ path }: { path: string }) => path)], [Code.BAD_PARAMETER, ['priceBand', 'fees.maker']]);
  assert.equal(json.message, json.problems.map(({ path, problem }: Record<string, string>) => `${path}: ${problem}`).join('; '));
  const { json: account } = await post('/v1/accounts', { id: 60, name: 'a', deposits: { tickSize: '1' } });
  const { problems } = (await post('/v1/symbols', { id: 9, name: 'XY' })).json;
  assert.deepEqual(
    problems.map(({ path }: { path: string }) => path),
    ['base', 'quote', 'tick', 'lot'],
    'a missing key has its path',
  );
  assert.match(account.message, /^deposits\.tickSize: no asset has this name/);
});

test('amounts as JSON numbers count exactly as they are written, or are rejected', async () => {
  const { json: before } = await get('/v1/accounts/3');
  const deposit = (amount: string) => post('/v1/accounts/3/deposit', `{"asset": "USD", "amount": ${amount}}`);
  for (const [amount, units] of [
    ['0.10', 100_000],
    ['1e2', 100_000_000],
    ['2500000.000001', 2_500_000_000_001],
    ['"2500000.000001"', 2_500_000_000_001],
  ] as const)
    assert.equal((await deposit(amount)).json.units, units, amount);
  // As floats: 4503599627.3704953 would be 4503599627.370495.
  for (const amount of ['4503599627.37049530000000001', '9007199254740993', '1e999', '0.30000000000000001'])
    assert.match((await deposit(amount)).json.message, /^amount: a JSON number cannot hold this exactly; write it as text: "/, amount);
  const { json: now } = await get('/v1/accounts/3');
  assert.equal(now.balances[0].availableUnits - before.balances[0].availableUnits, 100_000 + 100_000_000 + 2 * 2_500_000_000_001);
});

test('an amount of one unit of an asset with many decimals may be a JSON number', async () => {
  assert.equal((await post('/v1/assets', { id: 30, name: 'SMALL', decimals: 12 })).status, 201);
  for (const [amount, units] of [
    ['0.0000001', 100_000],
    ['1e-7', 100_000],
    ['1.25e-10', 125],
    ['1e-12', 1],
    ['1.5e3', 1_500_000_000_000_000],
  ] as const) {
    const { json } = await post('/v1/accounts/3/deposit', `{"asset": "SMALL", "amount": ${amount}}`);
    assert.equal(json.units, units, amount);
  }
  for (const amount of ['1e-13', '1e22', '-1', '-1e-7'])
    assert.equal((await post('/v1/accounts/3/deposit', `{"asset": "SMALL", "amount": ${amount}}`)).json.name, 'BAD_PARAMETER', amount);
});

test('the list of accounts is paged by `limit` and `after`', async () => {
  const { json: all } = await get('/v1/accounts');
  assert.ok(all.length > 3);
  assert.deepEqual((await get('/v1/accounts?limit=2')).json, all.slice(0, 2));
  assert.deepEqual((await get(`/v1/accounts?limit=2&after=${all[1]}`)).json, all.slice(2, 4));
  assert.deepEqual((await get(`/v1/accounts?after=${all.at(-1)}`)).json, []);
});

test('a body that is too large is not read to the end', async () => {
  const answer = await post('/v1/accounts', `{"name": "${'x'.repeat(200_000)}"}`).catch((error: NodeJS.ErrnoException) => error.code);
  // The connection may be reset before the answer is read, as it should be.
  if (typeof answer === 'object') assert.deepEqual([answer.status, answer.json.name], [413, 'BODY_TOO_LARGE']);
  else assert.match(String(answer), /ECONNRESET|EPIPE/);
});

test('a body that is too deep or too wide is rejected before it is parsed as a configuration', async () => {
  const deep = `{"id":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
  const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, 1]));
  for (const [body, text] of [
    [deep, /nested deeper than/],
    [wide, /more than 1024 keys/],
  ] as const) {
    const { status, json } = await post('/v1/assets', body);
    assert.deepEqual([status, json.name], [400, 'BAD_PARAMETER']);
    assert.match(json.message, text);
  }
});
