import { Agent, request } from 'node:http';
import { unitsToDecimal } from '../../engine/decimal.ts';
import type { StageReporter } from '../load/stage-reporter.ts';
import type { Venue } from '../load/venue.ts';
import { eachWindow, windowsOf } from '../suite/each-window.ts';
import type { Metric } from '../suite/result.ts';
import type { WirePlan } from './plan.ts';

/** Connections that are kept, and requests at once: fewer than a caller may have. */
const CONNECTIONS = 16;
/** Lets one address send as fast as it can. */
export const REST_FLAGS = ['--caller-limits', 'http-rate=999999'] as const;
const BELOW_TICKS = 100;

/** Orders over REST, `POST /v1/orders`, each answered with its state. They are immediate-or-cancel and find nothing to trade with. */
export async function restRates({ exchange, symbols }: Venue, plan: WirePlan, stage: StageReporter): Promise<Metric[]> {
  const [{ name, referencePriceTicks, tickSize, lotSize }] = symbols;
  const decimals = tickSize.includes('.') ? tickSize.length - tickSize.indexOf('.') - 1 : 0;
  const price = unitsToDecimal(referencePriceTicks - BELOW_TICKS, Number(tickSize.replace('.', '')), decimals);
  const body = JSON.stringify({ account: 1, symbol: name, side: 'buy', orderQty: lotSize, price, timeInForce: 'ioc' });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const options = { host: '127.0.0.1', port: exchange.ports.http, method: 'POST', path: '/v1/orders', agent, headers };
  const place = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const sent = request(options, (answer) => {
        answer.resume();
        answer.on('end', () =>
          Math.floor((answer.statusCode ?? 0) / 100) === 2 ? resolve() : reject(new Error(`POST ${answer.statusCode}`)),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  /** @returns orders a second */
  const load = async (at: number, ms: number): Promise<number> => {
    const begun = performance.now();
    let orders = 0;
    const one = async (): Promise<void> => {
      for (; performance.now() - begun < ms; orders++) await place();
    };
    // All of them end before an error is thrown: the next window is not beside the rest of this one.
    for (const each of await Promise.allSettled(Array.from({ length: at }, one))) if (each.status === 'rejected') throw each.reason;
    return (orders * 1000) / (performance.now() - begun);
  };
  const { windowMs } = plan.fixed;
  const note = `node:http as client, in the process of the scope, ${CONNECTIONS} connections that are kept.`;
  try {
    stage.begin('REST: warm-up');
    await load(CONNECTIONS, plan.warmupMs);
    const found = await eachWindow(plan.windows, stage.signal, async (window) => {
      stage.begin(`REST: window ${window + 1}`);
      return { rate: await load(CONNECTIONS, windowMs), single: 1000 / (await load(1, windowMs)) };
    });
    const [rates, singles] = [windowsOf(found, ({ rate }) => ({ value: rate })), windowsOf(found, ({ single }) => ({ value: single }))];
    return [
      { id: 'wire.rest.sustained', title: 'REST: orders a second', unit: '/s', better: 'higher', windows: rates, note },
      { id: 'wire.rest.pingpong', title: 'REST: orders one at a time, mean', unit: 'ms', better: 'lower', windows: singles, note },
    ];
  } finally {
    agent.destroy();
  }
}
