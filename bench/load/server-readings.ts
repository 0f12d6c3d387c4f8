import { setTimeout as sleep } from 'node:timers/promises';
import type { ExchangeProcess } from './exchange-process.ts';
import type { LoadClient } from './load-client.ts';
import type { LoadResult, RunRequest } from './load-protocol.ts';
import { cpuSeconds } from './process-usage.ts';
import {
  addHistograms,
  histogramPercentile,
  histogramSince,
  type PrometheusHistogram,
  readHistogram,
  readValue,
  shareBelow,
} from './prometheus.ts';
import { addUsage, type RoleUsage, THREAD_ROLES, type ThreadRole, type ThreadUsage, threadUsage, usageSince } from './thread-usage.ts';

const SERVICE_TIME = 'openbell_order_residence_seconds';
const COMMANDS = 'openbell_commands_total';
const ONE_MS = 0.001;
/** The exchange writes its history with a delay, which belongs to the orders. */
const SETTLE_MS = 50;

/** The exchange's own figures for one window. */
export interface ServerWindow {
  /** Socket read to socket write, ms: inside the histogram's buckets by interpolation. */
  readonly serviceTimeP50: number;
  readonly serviceTimeP99: number;
  /** Percentage of orders with a service time of at most 1 ms. */
  readonly withinMs: number;
  /** CPU time of all its threads, microseconds per command. */
  readonly cpuPerOrder: number;
  /** The same by thread. */
  readonly cpuByRole: Readonly<Record<ThreadRole, number>>;
  /** Percentage of the time in which the I/O thread was ready and another thread had its core. */
  readonly waited: number;
}

/** What a load made the exchange do. */
export interface ServerUsage {
  readonly serviceTime: PrometheusHistogram;
  readonly commands: number;
  readonly cpu: number;
  readonly threads: RoleUsage;
  readonly seconds: number;
}

interface Reading {
  readonly atMs: number;
  readonly serviceTime: PrometheusHistogram;
  readonly commands: number;
  readonly cpu: number;
  readonly threads: readonly ThreadUsage[];
}

async function read(exchange: ExchangeProcess): Promise<Reading> {
  const text = await exchange.get('/metrics');
  return {
    atMs: performance.now(),
    serviceTime: readHistogram(text, SERVICE_TIME),
    commands: readValue(text, COMMANDS),
    cpu: cpuSeconds(exchange.pid),
    threads: threadUsage(exchange.pid),
  };
}

/**
 * Runs the load, one window, and reads the exchange's own figures before its warm-up and after its last answer: a reading costs a
 * millisecond of the I/O thread, and several of the generator's core. Of a load that failed there may be no figures.
 */
export async function runWithReadings(
  exchange: ExchangeProcess,
  load: LoadClient,
  request: Omit<RunRequest, 'op' | 'windows'>,
): Promise<{ readonly result: LoadResult; readonly usage: ServerUsage | undefined }> {
  const before = await read(exchange);
  const result = await load.run({ ...request, windows: 1 });
  await sleep(SETTLE_MS);
  try {
    return { result, usage: between(before, await read(exchange)) };
  } catch (error) {
    // After a load that broke off there may be nothing to read, for instance because the exchange has ended.
    if (result.faults[0].failed === undefined) throw error;
    return { result, usage: undefined };
  }
}

function between(before: Reading, after: Reading): ServerUsage {
  return {
    serviceTime: histogramSince(before.serviceTime, after.serviceTime),
    commands: after.commands - before.commands,
    cpu: after.cpu - before.cpu,
    threads: usageSince(before.threads, after.threads),
    seconds: (after.atMs - before.atMs) / 1000,
  };
}

/** The figures of a window that consists of these turns; undefined if nothing was done in them. */
export function serverWindow(turns: readonly ServerUsage[]): ServerWindow | undefined {
  if (turns.every((turn) => turn.commands === 0)) return undefined;
  const serviceTime = addHistograms(turns.map((turn) => turn.serviceTime));
  const threads = addUsage(turns.map((turn) => turn.threads));
  const sum = (read: (turn: ServerUsage) => number): number => turns.reduce((total, turn) => total + read(turn), 0);
  const commands = sum((turn) => turn.commands);
  const perOrder = (seconds: number): number => (seconds * 1e6) / commands;
  return {
    serviceTimeP50: histogramPercentile(serviceTime, 50) * 1000,
    serviceTimeP99: histogramPercentile(serviceTime, 99) * 1000,
    withinMs: shareBelow(serviceTime, ONE_MS) * 100,
    cpuPerOrder: perOrder(sum(({ cpu }) => cpu)),
    cpuByRole: Object.fromEntries(THREAD_ROLES.map((role) => [role, perOrder(threads[role].cpu)])) as Record<ThreadRole, number>,
    waited: (threads.main.waited / sum(({ seconds }) => seconds)) * 100,
  };
}
