import { parentPort, workerData } from 'node:worker_threads';
import { post } from '../webhooks/post.ts';
import { nameServers } from '../webhooks/resolve-target.ts';
import { readTarget, TargetError } from '../webhooks/target.ts';
import { AlertStore } from './alert-store.ts';
import { type AlertRequest, AlertThread, answer } from './alert-thread.ts';
import { AlertStat, type AlertWorkerData } from './alert-worker-data.ts';
import { Webhooks } from './webhooks.ts';

function run({ dataDir, loopback, stats }: AlertWorkerData): void {
  const port = parentPort;
  if (port === null) return;
  const store = new AlertStore(dataDir);
  const lookup = nameServers();
  const before = stats.slice();
  const webhooks = new Webhooks(store, {
    send: async (url, headers, body) => {
      try {
        return await post(readTarget(url, loopback), headers, body, { lookup, loopback });
      } catch (error) {
        // It was allowed when it was defined: the exchange was started with other options then.
        if (error instanceof TargetError) return { status: 0, reason: 'ADDRESS_REFUSED', retryAfterMs: 0 };
        throw error;
      }
    },
    onCount: () => count(),
    onFailing: (error) => {
      stats[AlertStat.failing] = error === undefined ? 0 : 1;
    },
  });
  const count = (): void => {
    const { delivered, failed, dead } = webhooks.counters;
    stats[AlertStat.endpoints] = webhooks.endpoints;
    stats[AlertStat.pending] = webhooks.pending;
    stats[AlertStat.delivered] = before[AlertStat.delivered] + delivered;
    stats[AlertStat.failed] = before[AlertStat.failed] + failed;
    stats[AlertStat.dead] = before[AlertStat.dead] + dead;
  };
  const thread = new AlertThread(store, webhooks);
  count();
  webhooks.run();
  port.on('message', async (request: AlertRequest) => {
    const reply = await answer(thread, request);
    count();
    port.postMessage(reply);
    if (request.method === 'stop') port.close();
  });
}

if (parentPort !== null) run(workerData as AlertWorkerData);
