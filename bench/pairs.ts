/**
 * Compares two checkouts on one machine, in turns:
 *
 *   node bench/pairs.ts OLD_CHECKOUT [PAIRS] [FLOW_FILE ...]
 *
 * Each pair runs the same measurement in OLD_CHECKOUT and here, one after the
 * other, with the order changed from pair to pair. What counts is the ratio of a
 * pair, here over old, where above 1 is faster here: both halves of a pair meet
 * much the same machine. Both checkouts are installed and built (`npm ci`).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { figureOf, isLatency } from './suite/figures.ts';
import type { RunResult } from './suite/result.ts';

interface Measurement {
  /** Scope and options of bench/run.ts. */
  readonly args: readonly string[];
  /** Metrics of it that are compared. */
  readonly metrics: readonly string[];
}

const MEASUREMENTS: readonly Measurement[] = [
  { args: ['core'], metrics: ['core.maximum'] },
  // Single orders, each figure as a ratio to an echo of the same run: a ramp moves in steps of half its rate.
  {
    args: ['wire', '-o', 'only=echo'],
    metrics: ['wire.ratio.echo.pingpong.p50', 'wire.ratio.echo.sustained', 'wire.ratio.echo.cpu_per_order'],
  },
  // Batches of ten.
  { args: ['wire', '-o', 'only=target'], metrics: ['wire.cpu_per_order'] },
];

const [oldArgument, pairsArgument = '5', ...flowFiles] = process.argv.slice(2);
if (oldArgument === undefined || !(Number(pairsArgument) >= 1)) {
  process.stderr.write('usage: node bench/pairs.ts OLD_CHECKOUT [PAIRS] [FLOW_FILE ...]\n');
  process.exit(2);
}
const here = resolve(import.meta.dirname, '..');
const old = resolve(oldArgument);
const flows = flowFiles.map((file) => resolve(file));
const scratch = mkdtempSync(join(tmpdir(), 'openbell-pairs-'));
/** Metric -> ratios, one per pair. */
const ratios = new Map<string, number[]>();

try {
  for (let pair = 1; pair <= Number(pairsArgument); pair++) {
    const order = pair % 2 === 1 ? [old, here] : [here, old];
    for (const measurement of MEASUREMENTS)
      note(
        pair,
        order.map((root) => [root, measure(root, measurement)] as const),
      );
    if (flows.length > 0)
      note(
        pair,
        order.map((root) => [root, measureFlows(root)] as const),
      );
  }
  process.stdout.write('\nmetric | median ratio | pairs\n');
  for (const [metric, found] of ratios) {
    const sorted = found.toSorted((a, b) => a - b);
    process.stdout.write(`${metric} | ${sorted[sorted.length >> 1].toFixed(3)} | ${found.map((ratio) => ratio.toFixed(3)).join(' ')}\n`);
  }
} finally {
  rmSync(scratch, { recursive: true });
}

/** Figures by metric, where more is better. */
type Figures = ReadonlyMap<string, number>;

function note(pair: number, sides: readonly (readonly [root: string, figures: Figures])[]): void {
  const by = new Map(sides);
  for (const [metric, before] of by.get(old) ?? []) {
    const now = by.get(here)?.get(metric);
    if (now === undefined) throw new Error(`${metric} was not measured in ${here}`);
    const ratio = now / before;
    ratios.set(metric, [...(ratios.get(metric) ?? []), ratio]);
    process.stdout.write(`pair ${pair}: ${metric} ${ratio.toFixed(3)}\n`);
  }
}

function measure(root: string, { args, metrics }: Measurement): Figures {
  run(root, ['bench/run.ts', ...args, '--profile', 'ci', '--out', scratch]);
  const result = JSON.parse(readFileSync(join(scratch, 'result.json'), 'utf8')) as RunResult;
  const found = new Map<string, number>();
  for (const { metrics: measured } of result.scopes) {
    for (const metric of measured) {
      if (!metrics.includes(metric.id)) continue;
      const { median: figure } = figureOf(metric, isLatency(metric) ? 'p50' : undefined);
      found.set(metric.id, metric.better === 'lower' ? 1 / figure : figure);
    }
  }
  return found;
}

function measureFlows(root: string): Figures {
  const lines = run(root, ['--expose-gc', 'bench/book/flow.ts', ...flows])
    .trim()
    .split('\n');
  return new Map(
    lines.map((line) => {
      const { file, msgs_per_s } = JSON.parse(line) as { file: string; msgs_per_s: { median: number } };
      return [`flow ${basename(file)}`, msgs_per_s.median];
    }),
  );
}

function run(root: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 600_000 });
  if (status !== 0) throw new Error(`node ${args.join(' ')} in ${root} ended with ${status}: ${stderr.slice(-2000)}`);
  return stdout;
}
