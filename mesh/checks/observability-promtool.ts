import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';

/** `PROMTOOL`, or the one on the path; Debian has it in the package `prometheus`. */
const PROMTOOL = process.env.PROMTOOL ?? 'promtool';

/** Why promtool cannot be run; undefined when it can. */
export function whyNoPromtool(): string | undefined {
  return spawnSync(PROMTOOL, ['--version']).status === 0
    ? undefined
    : `SKIPPED: no ${PROMTOOL} (Debian package prometheus, or PROMTOOL=PATH)`;
}

/** @throws Error with its output when promtool reports a problem */
export function promtool(...args: readonly string[]): string {
  return execFileSync(PROMTOOL, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Checks the syntax of expressions: each becomes a rule of a temporary file. @throws Error with promtool's output */
export function checkSyntax(expressions: readonly string[]): void {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-promql-'));
  try {
    const file = join(dir, 'expressions.yaml');
    const rules = expressions.map((expr, i) => ({ record: `expression:number_${i}`, expr }));
    writeFileSync(file, stringify({ groups: [{ name: 'expressions', rules }] }, { lineWidth: 0 }));
    promtool('check', 'rules', file);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
