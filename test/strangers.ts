/**
 * A soak: one client trades while strangers, and one account, attack every port at once. `npm run test:strangers -- --minutes 10`
 *
 * test/support/soak.ts says what is compared. There are targets and limits. A limit that is exceeded fails the soak; a target that is missed is shown, and fails it with `--strict`.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandBatch, connect, type OpenbellClient, Side, TimeInForce } from '../gateway/client/index.ts';
import { ExchangeProcess } from './support/exchange-process.ts';
import { AUDIENCE, ISSUER, Issuer } from './support/issuer.ts';
import { longest, printMetrics, type SoakLimits, type SoakOptions, soak } from './support/soak.ts';
import { SoakProcess } from './support/soak-process.ts';
import type { StrangersStart } from './support/strangers.ts';

const LIMITS: SoakLimits = { ratio: 3, targetWait: 50, mostWait: 500, mostHealth: 1000, mostGrowth: 768 };
const TRADER = 1;
const VICTIM = 3;

export interface StrangersOptions extends SoakOptions {
  /** Orders in the book that the attackers ask for. */
  readonly orders: number;
  /** Only attackers with this text in their names; empty: all. */
  readonly only: string;
}

/** @throws AssertionError naming the limit that was exceeded, also in the further looks */
export async function withstandStrangers({ orders, only, ...options }: StrangersOptions): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-strangers-'));
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  writeFileSync(join(dir, 'jwks.json'), issuer.jwks);
  const auth = ['--auth-jwks', join(dir, 'jwks.json'), '--auth-issuer', ISSUER, '--auth-audience', AUDIENCE];
  const exchange = await ExchangeProcess.start(join(dir, 'data'), ['--durability', 'fast', '--log-level', 'error', ...auth]);
  const ended: (() => Promise<unknown>)[] = [
    async () => void (await exchange.end('SIGTERM')),
    async () => rmSync(dir, { recursive: true, force: true }),
  ];
  try {
    const exp = Math.floor((Date.now() + longest(options)) / 1000) + 3600;
    const tokenOf = (account: number) => issuer.token({ sub: `trader ${account}`, openbell_accounts: String(account), exp });
    const trader = await client(exchange, TRADER, await tokenOf(TRADER));
    ended.unshift(() => trader.close());
    const victim = await client(exchange, VICTIM, await tokenOf(VICTIM));
    await fill(victim, orders);
    await victim.close();

    const token = await tokenOf(VICTIM);
    const start = { ports: exchange.ports, token, account: VICTIM, forged: `${token.slice(0, -8)}AAAAAAAA`, only };
    const strangers = new SoakProcess<StrangersStart>(new URL('support/strangers.ts', import.meta.url), start, longest(options));
    ended.unshift(async () => strangers.end());
    try {
      await soak(exchange, trader, strangers, LIMITS, options);
    } finally {
      await printMetrics(exchange, /^openbell_(limited|newcomers_cut)_total.*$/gm, options);
      options.print(`rounds: ${JSON.stringify(strangers.rounds)}`);
    }
    for (const [attacker, count] of Object.entries(strangers.rounds)) assert.ok(count > 0, `${attacker} did nothing`);
  } finally {
    for (const end of ended) await end();
  }
}

/** Fills the book of BTC-USD around its reference price. */
async function fill({ orders }: OpenbellClient, count: number): Promise<void> {
  await orders.ready();
  const batch = new CommandBatch(1000);
  for (let i = 0; i < count; ) {
    for (; !batch.full && i < count; i++) {
      const away = 100_000 + 10 * ((i >> 1) % 10_000);
      const side = i % 2 === 0 ? Side.Buy : Side.Sell;
      batch.place(1, side, TimeInForce.GoodTillCancel, 6_000_000 + (side === Side.Buy ? -away : away), 1, i + 1);
    }
    orders.send(batch);
    // One order with an answer per batch: the account's reports are read as fast as they come.
    const { orderId } = await orders.place({ symbol: 'ETH-USD', side: 'buy', price: '2500.00', quantity: '0.01' });
    await orders.cancel({ symbol: 'ETH-USD', orderId });
  }
}

function client({ ports }: ExchangeProcess, account: number, token: string): Promise<OpenbellClient> {
  return connect({ grpcPort: ports.grpc, wsPort: ports.ws, httpPort: ports.http, account, token });
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      orders: { type: 'string', default: '20000' },
      window: { type: 'string', default: '5' },
      only: { type: 'string', default: '' },
      strict: { type: 'boolean', default: false },
    },
  });
  const { minutes, orders, window, only, strict } = values;
  await withstandStrangers({
    minutes: Number(minutes),
    orders: Number(orders),
    windowMs: Number(window) * 1000,
    only,
    strict,
    print: (line) => console.log(line),
  });
}
