import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { times } from './support/long-runs.ts';

const COMMANDS = times(1_000_000, 2_000_000);
/** A flow, what it is, and the young generation in MB: of one so small, what 1 in 16 plain commands leaves behind is collected, or two bytes of each command of the mix. */
const FLOWS = [
  ['core', 'plain orders', 1],
  ['mix', 'orders of all kinds', 8],
] as const;

for (const [flow, what, young] of FLOWS)
  it(`the engine thread collects no garbage over ${COMMANDS / 1e6} million commands with ${what} after warm-up`, {
    timeout: 300_000,
  }, async () => {
    const child = join(import.meta.dirname, 'support', 'engine-gc-child.ts');
    const sizes = [`--min-semi-space-size=${young}`, `--max-semi-space-size=${young}`];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...process.execArgv, '--trace-gc', '--expose-gc', ...sizes, child, String(COMMANDS), flow],
      { maxBuffer: 1 << 26 },
    );
    const lines = stdout.split('\n');
    const isolate = (line: string): string | undefined => /^\[\d+:(0x[0-9a-f]+)\]/.exec(line)?.[1];
    const main = lines
      .slice(0, lines.indexOf('MAIN-ISOLATE'))
      .map(isolate)
      .find((id) => id !== undefined);
    const begin = lines.indexOf('ENGINE-BEGIN');
    const end = lines.findIndex((line) => line.startsWith('ENGINE-END'));
    assert.ok(main !== undefined && begin > 0 && end > begin, stdout.slice(-2000));
    assert.equal(lines[end], `ENGINE-END ${COMMANDS}`);
    const ofEngine = (from: number, to: number): string[] => lines.slice(from, to).filter((line) => (isolate(line) ?? main) !== main);
    // The trace includes the engine's isolate: it shows the requested collection before the measured part.
    assert.notEqual(ofEngine(0, begin).length, 0);
    assert.deepEqual(ofEngine(begin, end), []);
  });
