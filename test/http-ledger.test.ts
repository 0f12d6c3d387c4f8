/** The ledger of an account over HTTP and with the typed client, on a running exchange and after it was started again. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { LedgerEntry, LedgerPage } from '../gateway/client/index.ts';
import { LEDGER } from '../gateway/endpoints/json/schemas/ledger.ts';
import { historyPath } from '../gateway/taps/history/store-paths.ts';
import { DemoExchange } from './support/demo-exchange.ts';

const exchange = new DemoExchange();
before(() => exchange.start());
after(() => exchange.stop());

const BILLIONTHS = 9;
/** Of decimal text, exactly. */
function units(text: string): bigint {
  const [whole, part = ''] = text.split('.');
  return BigInt(`${whole}${part.padEnd(BILLIONTHS, '0')}`);
}

async function ask(path: string, body?: object, headers?: Record<string, string>) {
  const post = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
  const response = await fetch(`http://127.0.0.1:${exchange.ports.http}${path}`, body && post);
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

/** An answer whose balances are complete. */
async function ledger(path: string): Promise<LedgerPage> {
  for (;;) {
    const { status, json } = await ask(path);
    assert.equal(status, 200, JSON.stringify(json));
    const { error } = LEDGER.safeParse(json);
    assert.equal(error, undefined, `${JSON.stringify(json)}\n${JSON.stringify(error?.issues)}`);
    if (json.behind === undefined) return json as unknown as LedgerPage;
  }
}

/** Balances by asset, as the account has them. */
async function balances(account: number): Promise<Record<string, bigint>> {
  const { json } = await ask(`/v1/accounts/${account}`);
  const rows = json.balances as { readonly asset: string; readonly available: string; readonly reserved: string }[];
  return Object.fromEntries(rows.map(({ asset, available, reserved }) => [asset, units(available) + units(reserved)]));
}

function sums(entries: readonly LedgerEntry[]): Record<string, bigint> {
  const found: Record<string, bigint> = {};
  for (const { asset, amount } of entries) found[asset] = (found[asset] ?? 0n) + units(amount);
  return Object.fromEntries(Object.entries(found).filter(([, sum]) => sum !== 0n));
}

test('each deposit, withdrawal, fill and fee is an entry with its cause, also after a restart and a new history', {
  timeout: 300_000,
}, async () => {
  const buyer = await exchange.connect(2);
  await exchange.client.orders.place({ symbol: 'ETH-USD', side: 'sell', price: '3000.00', quantity: '2' });
  const bought = await buyer.orders.place({ symbol: 'ETH-USD', side: 'buy', price: '3000.00', quantity: '1.5', clientOrderId: 77 });
  const deposit = await ask('/v1/accounts/2/deposit', { asset: 'USD', amount: '12.5' }, { 'idempotency-key': 'a' });
  assert.equal((await ask('/v1/accounts/2/deposit', { asset: 'USD', amount: '12.5' }, { 'idempotency-key': 'a' })).json.repeated, true);
  const withdrawal = await ask('/v1/accounts/2/withdraw', { asset: 'ETH', amount: '0.25' });

  const all = await ledger('/v1/ledger?account=2');
  const [out, given, fee, paid, got] = all.entries;
  assert.deepEqual([out.kind, out.asset, Number(out.amount), out.cause], ['withdrawal', 'ETH', -0.25, { seq: withdrawal.json.seq }]);
  assert.deepEqual([given.kind, given.asset, Number(given.amount), given.cause], ['deposit', 'USD', 12.5, { seq: deposit.json.seq }]);
  const { seq: _seq, ...fill } = got.cause as { readonly seq: number };
  assert.deepEqual(fill, {
    execId: '2',
    orderId: String(bought.orderId),
    clOrdId: '77',
    tradeId: '1',
    symbol: 'ETH-USD',
    side: 'buy',
    lastPx: '3000.00',
    lastQty: '1.5000',
  });
  assert.deepEqual(
    [fee, paid, got].map(({ kind, asset, amount }) => [kind, asset, Number(amount)]),
    [
      ['fee', 'USD', -2.25],
      ['settlement', 'USD', -4500],
      ['settlement', 'ETH', 1.5],
    ],
  );
  assert.deepEqual(sums(all.entries), await balances(2));
  assert.equal(units(got.balance ?? '0') - 250_000_000n, (await balances(2)).ETH, 'the balance after an entry');
  assert.deepEqual(await ledger('/v1/accounts/2/ledger'), all, 'the same for who may read the account');

  const client = exchange.client.queries;
  assert.deepEqual((await client.ledger({ account: 2, kind: 'fee' })).entries, [fee]);
  const page = await client.ledger({ account: 2, asset: 'USD', limit: 2 });
  assert.deepEqual(page.entries, [given, fee]);
  assert.deepEqual((await client.ledger({ account: 2, asset: 'USD', limit: 1, before: page.next })).entries, [paid]);
  assert.deepEqual((await client.ledger({ account: 2, to: given.transactTimeUs, from: got.transactTimeUs })).entries, [fee, paid, got]);
  for (const wrong of ['before=7', 'kind=gift', 'limit=0', 'from=yesterday', 'colour=red'])
    assert.equal((await ask(`/v1/ledger?account=2&${wrong}`)).status, 400, wrong);
  assert.equal((await ask('/v1/ledger?account=2&asset=GOLD')).status, 404);
  assert.equal((await ask('/v1/accounts/4711/ledger')).status, 404);

  await exchange.restart();
  assert.deepEqual(await ledger('/v1/ledger?account=2'), all, 'after a restart');
  await exchange.restart({}, async () => rmSync(historyPath(exchange.data), { recursive: true }));
  assert.deepEqual(await ledger('/v1/ledger?account=2'), all, 'made again from the log');
});
