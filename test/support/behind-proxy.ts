import type { TestContext } from 'node:test';
import { connect, type OpenbellClient } from '../../gateway/client/index.ts';
import { ExchangeProcess } from './exchange-process.ts';
import { FlakyProxy } from './flaky-proxy.ts';

/** An exchange whose WebSocket port is behind a proxy, and a client of account 1. All end with the test. */
export async function behindProxy(
  t: TestContext,
  data: string,
): Promise<{ readonly exchange: ExchangeProcess; readonly proxy: FlakyProxy; readonly client: OpenbellClient }> {
  const exchange = await ExchangeProcess.start(data);
  t.after(() => exchange.end('SIGKILL'));
  const proxy = await FlakyProxy.start(exchange.ports.ws);
  t.after(() => proxy.stop());
  const { grpc: grpcPort, http: httpPort } = exchange.ports;
  const client = await connect({ grpcPort, httpPort, account: 1 });
  t.after(() => client.close());
  return { exchange, proxy, client };
}
