import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Envoy, EnvoyFiles } from './envoy-fixture.ts';
import { ExchangeProcess } from './exchange-process.ts';

/** Start options of an exchange behind a proxy on the same host. */
export const PROXIED = ['--auth-proxies', '127.0.0.0/8,::1', '--log-level', 'warn'];

export interface EnvoyVenue {
  /** Directory for the files of a test; it is removed. */
  readonly root: string;
  /** The first one. */
  readonly exchange: ExchangeProcess;
  readonly files: EnvoyFiles;
  readonly envoy: Envoy;
  /** Another exchange on the same data and ports, when the one before has ended. */
  readonly restart: () => Promise<ExchangeProcess>;
}

/** The built exchange and Envoy in front of it. @param change Envoy's bootstrap, before it starts */
export async function venue(t: TestContext, change?: Parameters<typeof Envoy.start>[3]): Promise<EnvoyVenue> {
  const root = mkdtempSync(join(tmpdir(), 'openbell-envoy-'));
  t.after(() => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));
  const data = join(root, 'data');
  const start = async (ports: readonly string[]): Promise<ExchangeProcess> => {
    const exchange = await ExchangeProcess.start(data, [...PROXIED, ...ports], t.signal);
    t.after(() => exchange.end('SIGKILL'));
    return exchange;
  };
  const exchange = await start([]);
  const files = await EnvoyFiles.make(root);
  const envoy = await Envoy.start(t, files.dir, exchange.ports, change);
  await envoy.until('cluster.openbell-orders.membership_healthy', (hosts) => hosts === 1);
  await envoy.until('cluster.openbell-market.membership_healthy', (hosts) => hosts === 1);
  return { root, exchange, files, envoy, restart: () => start(exchange.flags) };
}

/** Asks the exchange's own admin port, as its proxy would for an operator. */
export async function ask({ ports }: ExchangeProcess, path: string): Promise<string> {
  const headers = {
    'x-openbell-subject': 'test',
    'x-openbell-roles': 'operator auditor',
    'x-openbell-accounts': '*',
    'x-openbell-expires': '9999999999',
  };
  const answer = await fetch(`http://127.0.0.1:${ports.http}${path}`, { headers });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}: ${text}`);
  return text;
}
