/**
 * Compares two checkouts on one machine, in turns:
 *
 *   node bench/pairs.ts OLD_CHECKOUT [--pairs N] [--turns N] [--only core|wire|flow] [FLOW_FILE ...]
 *
 * A pair starts new processes of both checkouts side by side and gives them turns
 * of about a second, with the order changed from turn to turn. Its figure is the
 * median ratio of its turns, here over old, where above 1 is faster here: the
 * halves of a turn meet much the same machine, and how V8 compiled one process
 * differs from pair to pair. Both checkouts are installed and built (`npm ci`).
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checkoutPair } from './pairs/checkout-pair.ts';
import type { Figures } from './pairs/turns.ts';
import { wirePair } from './pairs/wire-pair.ts';
import { median } from './suite/result.ts';

const USAGE = 'usage: node bench/pairs.ts OLD_CHECKOUT [--pairs N] [--turns N] [--only core|wire|flow] [FLOW_FILE ...]\n';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pairs: { type: 'string', default: '5' }, turns: { type: 'string', default: '15' }, only: { type: 'string' } },
});
const [old, ...flowFiles] = positionals.map((path) => resolve(path));
const [pairs, turns] = [Number(values.pairs), Number(values.turns)];
const known = values.only === undefined || ['core', 'wire', 'flow'].includes(values.only);
if (old === undefined || !known || !(pairs >= 1 && turns >= 1) || (values.only === 'flow' && flowFiles.length === 0)) {
  process.stderr.write(USAGE);
  process.exit(2);
}
for (const path of [join(old, 'dist/gateway/cli.js'), ...flowFiles]) {
  if (existsSync(path)) continue;
  process.stderr.write(`${path} does not exist.\n${USAGE}`);
  process.exit(2);
}

const checkouts = { old, new: resolve(import.meta.dirname, '..') };
const scratch = mkdtempSync(join(tmpdir(), 'openbell-pairs-'));
const aborted = new AbortController();
process.once('SIGINT', () => aborted.abort(new Error('interrupted')));
const { signal } = aborted;

type Measurement = () => Promise<Figures>;
const wire: Measurement = async () => {
  const dir = mkdtempSync(join(scratch, 'wire-'));
  return wirePair({ profile: 'ci', windows: 3, dir, progress: () => undefined, signal, options: {} }, checkouts, turns);
};
const core: Measurement = () => checkoutPair('core: commands/s', 'core', checkouts, turns, signal);
const flows = flowFiles.map((file): Measurement => {
  const name = `flow: ${basename(file)}, messages/s`;
  return () => checkoutPair(name, file, checkouts, turns, signal);
});
const all: Readonly<Record<string, readonly Measurement[]>> = { core: [core], wire: [wire], flow: flows };
const measurements = values.only === undefined ? Object.values(all).flat() : all[values.only];

/** Metric -> ratios, one per pair. */
const ratios = new Map<string, number[]>();
try {
  for (let pair = 1; pair <= pairs; pair++) {
    for (const measurement of measurements) {
      for (const [metric, ratio] of Object.entries(await measurement())) {
        ratios.set(metric, [...(ratios.get(metric) ?? []), ratio]);
        process.stderr.write(`pair ${pair} of ${pairs}: ${metric} ${ratio.toFixed(3)}\n`);
      }
    }
  }
} finally {
  rmSync(scratch, { recursive: true });
}
process.stdout.write('metric | median ratio | pairs\n---|---|---\n');
for (const [metric, found] of ratios) {
  process.stdout.write(`${metric} | ${median(found).toFixed(3)} | ${found.map((ratio) => ratio.toFixed(3)).join(' ')}\n`);
}
