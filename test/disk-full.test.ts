import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { resolveLimits } from '../engine/limits.ts';
import { verifyDataDirectory } from '../engine/threads/verify.ts';
import { Side, TimeInForce } from '../engine/wire/layout.ts';
import { CommandBatch, connect } from '../gateway/client/index.ts';
import { ExchangeProcess } from './support/exchange-process.ts';
import { smallDisk } from './support/small-disk.ts';
import { until } from './support/until.ts';

const BATCH = 500;

async function readiness(exchange: ExchangeProcess): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://127.0.0.1:${exchange.ports.http}/health/ready`);
  return { status: response.status, body: await response.text() };
}

it('a full disk: commands are rejected with DISK_FULL, not ready, nothing lost; it resumes when there is room', {
  timeout: 300_000,
}, async (t) => {
  const dir = smallDisk(t, '48m');
  if (dir === undefined) return;
  const data = join(dir, 'data');
  const exchange = await ExchangeProcess.start(data);
  t.after(() => exchange.child.kill('SIGKILL'));
  const client = await connect({ account: 1, grpcPort: exchange.ports.grpc, httpPort: exchange.ports.http, wsPort: exchange.ports.ws });
  t.after(() => client.close());
  const ballast = join(dir, 'ballast');
  const { bavail, bsize } = statfsSync(dir);
  writeFileSync(ballast, Buffer.alloc(bavail * bsize - 256 * 1024));

  const batch = new CommandBatch(BATCH);
  let id = 1;
  let acknowledged = 0;
  const submit = async (): Promise<number> => {
    batch.clear();
    const price = 1_000_000;
    for (let i = 0; i < BATCH; i++, id++) batch.place(1, Side.Buy, TimeInForce.ImmediateOrCancel, price, 100, id);
    const { reports, refusals } = await client.orders.submit(batch);
    acknowledged += reports.length;
    for (const refusal of refusals) assert.equal(refusal.code, 'DISK_FULL');
    return refusals.length;
  };
  let rejected = 0;
  for (let i = 0; i < 600 && rejected === 0; i++) rejected = await submit();
  assert.ok(rejected > 0, 'the disk never filled');
  const full = await readiness(exchange);
  assert.equal(full.status, 503);
  assert.match(full.body, /disk-full/);

  unlinkSync(ballast);
  const before = acknowledged;
  await until(async () => (await readiness(exchange)).status === 200, 'it is ready again');
  assert.equal(await submit(), 0);
  assert.equal(acknowledged, before + BATCH);
  const exited = once(exchange.child, 'exit');
  exchange.child.kill('SIGKILL');
  await exited;
  const { imbalances, seq } = verifyDataDirectory(data, { limits: resolveLimits() });
  assert.deepEqual(imbalances, []);
  assert.ok(seq >= acknowledged);
});
