import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until the condition holds; fails with the text when it does not within the time (counted in turns, not by a clock). */
export async function until(condition: () => boolean | Promise<boolean>, what: string, timeoutMs = 60_000): Promise<void> {
  for (let waited = 0; !(await condition()); waited += 5) {
    assert.ok(waited < timeoutMs, `timed out: ${what}`);
    await sleep(5);
  }
}
