/**
 * The load generator's process, forked by a scope. It connects to loopback only,
 * and ends with its parent process.
 */
import { Violation } from '../suite/each-window.ts';
import { Load } from './load.ts';
import type { LoadReply, LoadRequest, LoadResult, OpenRequest } from './load-protocol.ts';
import { LoadSession } from './load-session.ts';
import { OrderFlow } from './order-flow.ts';

/** Ids of a later generator are above those of an earlier one. */
const FIRST_CLIENT_ORDER_ID = Date.now() * 1000;

/** State that outlives a connection, by account. */
const flows = new Map<number, OrderFlow>();
const lastReports = new Map<number, number | undefined>();
let sessions: LoadSession[] = [];
let load = new Load([]);

async function open({ transport, port, accounts, symbols, named, resting, caller }: OpenRequest): Promise<void> {
  await close();
  for (const account of accounts) {
    const flow = flows.get(account) ?? new OrderFlow(symbols, resting, flows.size, FIRST_CLIENT_ORDER_ID);
    flows.set(account, flow);
    sessions.push(await LoadSession.open(transport, port, account, flow, lastReports.get(account), caller, named));
  }
  load = new Load(sessions);
}

async function close(): Promise<void> {
  await load.close();
  for (const { account, lastReport } of sessions) lastReports.set(account, lastReport);
  sessions = [];
  load = new Load(sessions);
}

async function answer(request: LoadRequest): Promise<LoadResult | undefined> {
  switch (request.op) {
    case 'open':
      await open(request);
      return undefined;
    case 'close':
      await close();
      return undefined;
    case 'run':
      return await load.run(request);
    case 'ping-pong':
      return await load.pingPong(request);
    case 'saturate':
      return await load.saturate(request);
    case 'spin':
      await load.spin(request.ms);
      return undefined;
  }
}

function reply(message: LoadReply): void {
  process.send?.(message);
}

process.on('disconnect', () => process.exit());
process.on('message', (request: LoadRequest) => {
  answer(request).then(
    (result) => reply({ result }),
    (error: unknown) => reply({ error: error instanceof Error ? error.message : String(error), violation: error instanceof Violation }),
  );
});
