import { readdirSync, readFileSync } from 'node:fs';
import { EchoProcess } from '../../../bench/floors/echo-process.ts';
import { JitterClient } from '../../../bench/floors/jitter-client.ts';
import { LoadClient } from '../../../bench/load/load-client.ts';
import { allowedCores, clientsApart, offTheExchange } from '../../../bench/suite/cores.ts';
import { measured, type Scope } from '../../../bench/suite/scope.ts';

/** Its method is one line of JSON: the cores of each process, one entry for each different list of its threads. */
export const scope: Scope = {
  name: 'placed',
  title: 'where the processes of a load are',
  options: {},
  seconds: () => 5,
  run: ({ signal }) =>
    measured(scope, () =>
      offTheExchange(async () => {
        const { exchange, clients } = clientsApart();
        const echo = await EchoProcess.start('net', signal, exchange);
        const jitter = new JitterClient(signal, exchange);
        const load = new LoadClient(signal, clients);
        try {
          // They answer: by now they are node, and no longer taskset.
          await jitter.ask({ ms: 1 });
          await load.close();
          const pids = { runner: process.ppid, scope: process.pid, generator: load.pid, echo: echo.pid, jitter: jitter.pid };
          const found = Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, coresOf(pid)]));
          return { method: [JSON.stringify(found)], metrics: [], series: [] };
        } finally {
          await load.end();
          await jitter.end();
          await echo.kill();
        }
      }),
    ),
};

export function coresOf(pid: number): string[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  return [...new Set(threads.map((thread) => allowedCores(readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1')).join()))];
}
