/** Numbers of the operator's actions at their limits: what is refused is refused with a text that names the limit. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Command, Option } from 'commander';
import { cliProgram, runnable } from './support/cli-program.ts';
import { demoExchange } from './support/demo-exchange.ts';

const NUMBERS = ['0', '-1', '0.123456789012', '9007199254740992', '99999999999999999999', 'abc', '1e3', '101%', '-101%', '0.12345%'];

const symbol = (key: string) => (value: string) => ({ [key]: value });
const below = (section: string, key: string) => (value: string) => ({ [section]: { [key]: value } });
type Action = readonly [path: string, key: string, body: (value: string) => object];
const ACTIONS: readonly Action[] = [
  ['/v1/accounts/1/deposit', 'amount', (amount) => ({ asset: 'USD', amount })],
  ['/v1/accounts/1/deposit', 'units', (units) => ({ asset: 'USD', units })],
  ['/v1/accounts/1/withdraw', 'amount', (amount) => ({ asset: 'USD', amount })],
  ['/v1/assets', 'id', (id) => ({ id, name: `A${id.length}`, decimals: '2' })],
  ['/v1/assets', 'decimals', (decimals) => ({ id: '30', name: 'XX', decimals })],
  ['/v1/symbols', 'id', (id) => ({ id, name: 'A-B', base: 'BTC', quote: 'USD', tick: '0.01', lot: '0.0001' })],
  ['/v1/symbols', 'tick', (tick) => ({ id: '30', name: 'A-B', base: 'BTC', quote: 'USD', tick, lot: '0.0001' })],
  ['/v1/symbols', 'lot', (lot) => ({ id: '30', name: 'A-B', base: 'BTC', quote: 'USD', tick: '0.01', lot })],
  ...['referencePrice', 'priceBand', 'collar'].map((key) => ['/v1/symbols/BTC-USD/parameters', key, symbol(key)] satisfies Action),
  ...['maxPrice', 'tickStep', 'lotStep', 'minQuantity', 'maxQuantity', 'minDisplayed', 'minNotional', 'maxNotional'].map(
    (key) => ['/v1/symbols/ETH-USD/parameters', key, below('limits', key)] satisfies Action,
  ),
  ...['maker', 'taker', 'tiers'].map((key) => ['/v1/symbols/ETH-USD/parameters', key, below('fees', key)] satisfies Action),
  ...['staticBand', 'duration', 'extension', 'randomEnd'].map(
    (key) => ['/v1/symbols/ETH-USD/parameters', key, below('volatility', key)] satisfies Action,
  ),
  ...['maxOpenOrders', 'group', 'commandsPerSecond', 'commandBurst', 'orderToTrade'].map(
    (key) => ['/v1/accounts/2/limits', key, symbol(key)] satisfies Action,
  ),
  ...['maxPosition', 'maxExposure'].map(
    (key) => ['/v1/accounts/2/position-limit', key, (value: string) => ({ symbol: 'BTC-USD', [key]: value })] satisfies Action,
  ),
  ['/v1/accounts/2/fee-tier', 'table', (table) => ({ table, tier: '1' })],
  ['/v1/accounts/2/fee-tier', 'tier', (tier) => ({ table: '1', tier })],
  ['/v1/fee-tables/1', 'volume', (volume) => ({ asset: 'USD', tiers: [{ volume, maker: '0.1%', taker: '0.1%' }] })],
  ['/v1/fee-tables/1', 'maker', (maker) => ({ asset: 'USD', tiers: [{ volume: '10', maker, taker: '0.1%' }] })],
  ['/v1/accounts', 'id', (id) => ({ id, name: 'desk' })],
  ['/v1/accounts', 'deposits.USD', (amount) => ({ id: '77', name: 'desk', deposits: { USD: amount } })],
  ['/v1/symbols/BTC-USD/cancel-orders', 'orderId', (orderId) => ({ orderId })],
];

describe('numbers of actions at their limits', () => {
  const demo = demoExchange();

  for (const [path, key, body] of ACTIONS)
    it(`POST ${path}: ${key}`, async () => {
      for (const value of NUMBERS) {
        const { status, json } = await demo.ask(path, body(value));
        const said = `${value}: ${status} ${JSON.stringify(json)}`;
        if (status < 300) continue; // 0 is often "none".
        assert.ok([400, 409].includes(status), said);
        const { detail } = json as { detail: string };
        // The number that was given is no limit.
        assert.match(value === '0' ? detail : detail.replaceAll(value, ''), /\d|fee table/, said);
        assert.doesNotMatch(detail, /out of its range|2\^53 units/, said);
      }
    });

  it('a deposit that would overflow, and more than there is: the largest amount is named, and it is taken', async () => {
    const refused = await demo.ask('/v1/accounts/3/deposit', { asset: 'USD', amount: '9007199254.740991' });
    const most = /at most ([\d.]+) USD can be deposited now/.exec(refused.json.detail)?.[1] ?? '';
    assert.deepEqual([refused.status, refused.json.name, most.length > 10], [400, 'BAD_PARAMETER', true], refused.json.detail);
    const one = await demo.ask('/v1/accounts', { id: 90, name: 'desk', deposits: { USD: '9007199254.740991' } });
    assert.match(one.json.detail, new RegExp(`at most ${most} USD`));
    assert.equal((await demo.ask('/v1/accounts/3/deposit', { asset: 'USD', amount: most })).status, 200);
    const full = await demo.ask('/v1/accounts/3/deposit', { asset: 'USD', amount: '0.000001' });
    assert.match(full.json.detail, /at most 0\.000000 USD can be deposited now/);
    const over = await demo.ask('/v1/accounts/4/withdraw', { asset: 'BTC', amount: '1000.00000001' });
    assert.deepEqual([over.status, over.json.name], [409, 'INSUFFICIENT_FUNDS']);
    assert.match(over.json.detail, /at most 1000\.00000000 BTC are available/);
    assert.equal((await demo.ask('/v1/accounts/4/withdraw', { asset: 'BTC', amount: '1000' })).status, 200);
  });
});

describe('values on the command line', async () => {
  const VALUES = ['', '0', '-1', '1.5', '1.123456789012345678901', '9007199254740993', '99999999999999999999', 'abc', '1e3', '١'];
  const commands = runnable(await cliProgram());
  const parsed = (command: Command): Pick<Option, 'parseArg' | 'defaultValue' | 'flags'>[] =>
    [...command.options, ...command.registeredArguments.map((each) => Object.assign(each, { flags: each.name() }))].filter(
      ({ parseArg }) => parseArg !== undefined,
    );

  it('what is refused is refused with a text that says what is allowed', () => {
    let refused = 0;
    for (const { name, command } of commands)
      for (const { flags, parseArg, defaultValue } of parsed(command))
        for (const value of VALUES) {
          try {
            parseArg?.(value, defaultValue as never);
          } catch (error) {
            const { code, message } = error as Error & { code?: string };
            const said = `openbell ${name} ${flags} ${JSON.stringify(value)}: ${message}`;
            assert.equal(code, 'commander.invalidArgument', said);
            assert.match(message, /such as|Allowed choices are|from \d|above 0|below 2\^53|[Gg]ive|must be|must have/, said);
            refused++;
          }
        }
    assert.ok(refused > 1000);
  });
});
