import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from './command-line.ts';
import { RESULT_FORMAT, type RunResult } from './result.ts';

const RESULT = 'result.json';
const PREVIOUS = 'previous.json';

/** @throws UsageError when it is not the result of a run */
export function readRun(file: string): RunResult {
  let found: Partial<RunResult> | null;
  try {
    found = JSON.parse(readFileSync(file, 'utf8')) as Partial<RunResult> | null;
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`);
  }
  if ((found?.format !== 1 && found?.format !== RESULT_FORMAT) || !Array.isArray(found.scopes))
    throw new UsageError(`${file} is not a result.json of format 1 or ${RESULT_FORMAT}`);
  return found as RunResult;
}

/** The result of the last run in the output folder; undefined if there is none. */
export function readLastRun(out: string): RunResult | undefined {
  const file = join(out, RESULT);
  return existsSync(file) ? readRun(file) : undefined;
}

/** The last run becomes the previous one. */
export function writeRun(out: string, run: RunResult, summary: string, report: string): void {
  mkdirSync(out, { recursive: true });
  if (existsSync(join(out, RESULT))) renameSync(join(out, RESULT), join(out, PREVIOUS));
  writeFileSync(join(out, RESULT), `${JSON.stringify(run)}\n`);
  writeFileSync(join(out, 'summary.md'), summary);
  writeFileSync(join(out, 'report.html'), report);
}
