import { setTimeout as sleep } from 'node:timers/promises';
import type { ExchangeProcess } from './exchange-process.ts';
import type { LoadClient } from './load-client.ts';
import type { LoadResult, RunRequest } from './load-protocol.ts';
import { cpuSeconds } from './process-usage.ts';
import { histogramPercentile, histogramSince, type PrometheusHistogram, readHistogram, readValue, shareBelow } from './prometheus.ts';

const SERVICE_TIME = 'openbell_order_residence_seconds';
const COMMANDS = 'openbell_commands_total';
const ONE_MS = 0.001;

/** The exchange's own figures for one window. */
export interface ServerWindow {
  /** Socket read to socket write, ms: inside the histogram's buckets by interpolation. */
  readonly serviceTimeP50: number;
  readonly serviceTimeP99: number;
  /** Percentage of orders with a service time of at most 1 ms. */
  readonly withinMs: number;
  /** CPU time of all its threads, microseconds per command. */
  readonly cpuPerOrder: number;
}

interface Reading {
  readonly serviceTime: PrometheusHistogram;
  readonly commands: number;
  readonly cpu: number;
}

async function read(exchange: ExchangeProcess): Promise<Reading> {
  const text = await exchange.get('/metrics');
  return { serviceTime: readHistogram(text, SERVICE_TIME), commands: readValue(text, COMMANDS), cpu: cpuSeconds(exchange.pid) };
}

/**
 * Runs the load and reads the exchange's own figures at the start of the
 * windows and at the end of each: undefined for a window that failed before. GET /metrics is part of the load, as with
 * Prometheus in production: it costs about a millisecond of the I/O thread.
 */
export async function runWithReadings(
  exchange: ExchangeProcess,
  load: LoadClient,
  request: Omit<RunRequest, 'op'>,
): Promise<{ readonly result: LoadResult; readonly server: readonly (ServerWindow | undefined)[] }> {
  const startMs = performance.now();
  const running = load.run(request);
  // The await of `running` below reports the failure.
  running.catch(() => undefined);
  const readings: (Reading | Error)[] = [];
  for (let boundary = 0; boundary <= request.windows; boundary++) {
    const atMs = startMs + request.warmupMs + boundary * request.windowMs;
    await sleep(Math.max(0, atMs - performance.now()));
    readings.push(await read(exchange).catch((error: Error) => error));
  }
  const result = await running;
  const server = result.faults.map(({ failed }, window) => {
    const [before, after] = [readings[window], readings[window + 1]];
    try {
      if (before instanceof Error) throw before;
      if (after instanceof Error) throw after;
      return between(before, after);
    } catch (error) {
      // Of a load that broke off there may be nothing to read, for instance because the exchange has ended.
      if (failed === undefined) throw error;
      return undefined;
    }
  });
  return { result, server };
}

function between(before: Reading, after: Reading): ServerWindow {
  const serviceTime = histogramSince(before.serviceTime, after.serviceTime);
  return {
    serviceTimeP50: histogramPercentile(serviceTime, 50) * 1000,
    serviceTimeP99: histogramPercentile(serviceTime, 99) * 1000,
    withinMs: shareBelow(serviceTime, ONE_MS) * 100,
    cpuPerOrder: ((after.cpu - before.cpu) * 1e6) / (after.commands - before.commands),
  };
}
