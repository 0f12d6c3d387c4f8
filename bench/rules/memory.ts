import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CHILD = fileURLToPath(new URL('memory-child.ts', import.meta.url));
/** Arrays that grew leave no room behind in the allocator, so that only memory in use is resident. */
const ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: '65536' };

/** Kinds of orders, as memory-child.ts has them, and their titles. */
export const MEMORY_KINDS = {
  limit: 'a resting limit order',
  stop: 'a stop that waits',
  trailing: 'a trailing stop that follows',
  dated: 'an order with an end',
  iceberg: 'an iceberg',
  list: 'an order of a list, half of them stops',
} as const;
export type MemoryKind = keyof typeof MEMORY_KINDS;

/** Bytes of resident memory per order of a kind, its client order id included; in a new process. @throws Error if the process fails */
export async function bytesPerOrder(kind: MemoryKind, orders: number, signal: AbortSignal): Promise<number> {
  const flags = [...process.execArgv.filter((flag) => flag !== '--expose-gc'), '--expose-gc'];
  const child = promisify(execFile)(process.execPath, [...flags, CHILD, kind, String(orders)], {
    env: { ...process.env, ...ENVIRONMENT },
    signal,
  });
  return Number((await child).stdout);
}
