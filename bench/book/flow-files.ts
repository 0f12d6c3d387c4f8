import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../engine/assert.ts';
import { readFlowFile } from '../../feeds/files/flow-file.ts';
import type { ScopeContext } from '../suite/scope.ts';
import { runFlow } from './flow-run.ts';

export interface FlowPlan {
  readonly files: readonly string[];
  readonly warmUpMessages: number;
  /** Of one window; at least one whole pass. */
  readonly windowMessages: number;
}

/** Messages/s of one file, by window: the median of the window's passes. */
export interface FlowFigures {
  readonly file: string;
  readonly rates: readonly number[];
}

/** The recorded data, read in place: OPENBELL_SHARED, or `../shared` next to the repository. */
const FOLDER = join(process.env.OPENBELL_SHARED ?? join(import.meta.dirname, '..', '..', '..', 'shared'), 'data', 'flow');
const HASHES = join(FOLDER, 'SHA256.reports');

/** Why the flow files cannot be measured, or undefined. */
export function flowFilesMissing({ files }: FlowPlan): string | undefined {
  const absent = [HASHES, ...files.map(pathOf)].filter((path) => !existsSync(path));
  if (absent.length === 0) return undefined;
  return `SKIPPED: the order flow files. There is no ${absent.join(', ')}; set OPENBELL_SHARED to the folder that holds data/.`;
}

function pathOf(file: string): string {
  return join(FOLDER, `${file}.bin.gz`);
}

/** @throws InvariantError when the reports of the file do not have the published hash */
export async function runFlowFile(
  file: string,
  plan: FlowPlan,
  context: ScopeContext,
  progress: (what: string, done: number) => void,
): Promise<FlowFigures> {
  const published = readFileSync(HASHES, 'utf8').split('\n');
  const flow = await readFlowFile(pathOf(file));
  const passes = (messages: number): number => Math.max(1, Math.ceil(messages / flow.count));
  const [warmUp, runs] = [passes(plan.warmUpMessages), passes(plan.windowMessages)];
  const rates: number[] = [];
  for (let window = 0; window < context.windows; window++) {
    context.signal.throwIfAborted();
    progress(`flow ${file}, window ${window + 1} of ${context.windows}`, window / context.windows);
    globalThis.gc?.();
    // A new book and a new second thread each time, so that the random placement of ids in buckets differs.
    const { sha256, seconds } = await runFlow(flow, { warmUp, runs });
    assert(published.includes(`${sha256}  ${file}`), `book: the reports of ${file} have a hash that differs from the published one`);
    seconds.sort((a, b) => a - b);
    rates.push(flow.count / seconds[seconds.length >> 1]);
  }
  return { file, rates };
}
