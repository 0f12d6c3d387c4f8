import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AccountParam } from '../engine/params.ts';
import { withDepositKeys } from '../gateway/endpoints/http/idempotency.ts';
import { withTags } from '../gateway/endpoints/http/logged-requests.ts';
import { makeAccount, setAccount } from '../gateway/venue/venue-commands.ts';
import { ExchangeProcess } from './support/exchange-process.ts';
import { deposits, smallConfig, withSmallExchange } from './support/small-venue.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-keyed-accounts-'));
after(() => rmSync(base, { recursive: true, force: true }));

interface Made {
  readonly status: number;
  readonly name: string;
  readonly repeated: boolean | undefined;
  readonly text: string;
}

/** Account `id` with 10.00 USD and 1 BTC, suspended. */
const bodyOf = (id: number, usd = '10.00') => ({ id, name: `made-${id}`, suspended: true, deposits: { USD: usd, BTC: '1' } });

async function make(http: number, body: object, key: string): Promise<Made> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  const answer = await fetch(`http://127.0.0.1:${http}/v1/accounts`, { method: 'POST', headers, body: JSON.stringify(body) });
  const { name, repeated, suspended, maxOpenOrders, balances } = (await answer.json()) as Record<string, unknown>;
  const held = (balances as { asset: string; available: string }[] | undefined)?.map(({ asset, available }) => `${asset} ${available}`);
  return {
    status: answer.status,
    name: String(name),
    repeated: repeated as boolean | undefined,
    text: `${suspended} ${maxOpenOrders} ${held}`,
  };
}

const WHOLE = /^true \d+ USD 10.00,BTC 1.00000000$/;

test('a keyed request for an account that a stop interrupted after any of its commands is completed by its repeat, once', async () => {
  const dir = mkdtempSync(join(base, 'cut-'));
  const key = 'open-it';
  const commandsOf = (id: number, maxOpenOrders: number) => {
    const [usd, btc] = [
      { id: 1, name: 'USD', decimals: 2 },
      { id: 2, name: 'BTC', decimals: 8 },
    ];
    const wanted = {
      id,
      name: `made-${id}`,
      maxOpenOrders,
      suspended: true,
      feeTiers: [],
      deposits: [
        { asset: usd, amount: 1000 },
        { asset: btc, amount: 1e8 },
      ],
    };
    const made = makeAccount(wanted);
    return withTags(withDepositKeys(made, key), key, JSON.stringify(made));
  };
  const accounts = [1, 2, 3, 4, 5].map((cut) => ({ cut, id: 4 + cut }));
  await withSmallExchange(dir, async (exchange) => {
    // An earlier request of this process states how the exchange itself writes it.
    assert.equal((await make(exchange.ports.http, bodyOf(14), key)).status, 201);
    const limit = exchange.engine.directory.account(14)?.maxOpenOrders ?? 0;
    for (const { cut, id } of accounts) {
      for (const command of commandsOf(id, limit).slice(0, cut)) assert.equal((await exchange.commands.submit(command)).code, 0);
    }
    await deposits(exchange, 1500);
  });
  await withSmallExchange(dir, async ({ ports, commands }) => {
    assert.equal((await make(ports.http, bodyOf(9), 'another-key')).name, 'ALREADY_DEFINED');
    assert.equal((await make(ports.http, { ...bodyOf(9), name: 'other' }, key)).name, 'IDEMPOTENCY_KEY_REUSED');
    for (const { cut, id } of accounts) {
      const made = await make(ports.http, bodyOf(id), key);
      assert.deepEqual([made.status, made.repeated], [201, cut === 5 ? true : undefined], `after ${cut} commands`);
      assert.match(made.text, WHOLE);
    }
    await commands.submit(setAccount(5, AccountParam.Suspended, 0));
  });
  await withSmallExchange(dir, async ({ ports }) => {
    const later = await make(ports.http, bodyOf(5), key);
    assert.deepEqual([later.status, later.repeated], [201, true]);
    assert.match(later.text, /^false \d+ USD 10.00,BTC 1.00000000$/, 'what the operator changed since stays');
    assert.equal((await make(ports.http, bodyOf(6, '11.00'), key)).name, 'IDEMPOTENCY_KEY_REUSED');
  });
});

test('a keyed request for an account is repeated after kill -9', async () => {
  const dir = mkdtempSync(join(base, 'kill-'));
  smallConfig(dir);
  const start = () => ExchangeProcess.start(join(dir, 'data'), ['--config', join(dir, 'venue.yaml')]);
  const first = await start();
  try {
    const made = await make(first.ports.http, bodyOf(7), 'key');
    assert.deepEqual([made.status, made.repeated], [201, undefined]);
  } finally {
    await first.end('SIGKILL');
  }
  const second = await start();
  try {
    const again = await make(second.ports.http, bodyOf(7), 'key');
    assert.deepEqual([again.status, again.repeated], [201, true]);
    assert.match(again.text, WHOLE);
    assert.equal((await make(second.ports.http, bodyOf(7), 'other')).name, 'ALREADY_DEFINED');
  } finally {
    await second.end('SIGKILL');
  }
});
