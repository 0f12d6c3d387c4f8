import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { guardChild } from '../load/guarded-child.ts';
import { type Both, type Figures, ratiosInTurns, SIDES, type Side } from './turns.ts';

const CHILD = fileURLToPath(new URL('checkout-child.ts', import.meta.url));

/** A measurement of checkout-child.ts in both checkouts, in turns. @param work `core`, or an order flow file */
export async function checkoutPair(
  name: string,
  work: string,
  checkouts: Both<string>,
  turns: number,
  signal: AbortSignal,
): Promise<Figures> {
  const children: Partial<Record<Side, ChildProcess>> = {};
  try {
    for (const side of SIDES) {
      children[side] = fork(CHILD, [checkouts[side], work]);
      guardChild(children[side], signal);
      await answer(children[side]);
    }
    return await ratiosInTurns(turns, async (side) => {
      const child = children[side] as ChildProcess;
      child.send('measure');
      return { [name]: (await answer(child)) as number };
    });
  } finally {
    for (const child of Object.values(children)) child.kill('SIGKILL');
  }
}

/** Its next message. @throws Error when it ends before */
async function answer(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const exit = once(child, 'exit', { signal: ended.signal }).then(
    () => Promise.reject(new Error('a measuring process ended before its answer; its output is above')),
    () => undefined,
  );
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal: ended.signal }), exit])) as unknown[];
    return message;
  } finally {
    ended.abort();
  }
}
