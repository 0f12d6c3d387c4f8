import { basename } from 'node:path';
import { FlowFileError, readFlowFile } from '../../feeds/files/flow-file.ts';
import { runFlow } from './flow-run.ts';

/**
 * npm run -s bench:flow -- FILE [FILE ...]
 *
 * Runs each order flow file through the production book. The reports go through
 * the production ring to a consuming thread. Prints one JSON line
 * per file. Exit code 1 if a file cannot be read, 2 without files.
 */
const WARM_UP_MESSAGES = 4_000_000;
const TIMED_MESSAGES = 20_000_000;
const MIN_RUNS = 5;

const files = process.argv.slice(2);
if (files.length === 0) {
  process.stderr.write('usage: npm run -s bench:flow -- FILE [FILE ...]   order flow files, .bin or .bin.gz\n');
  process.exit(2);
}

for (const file of files) {
  try {
    await benchFile(file);
  } catch (error) {
    if (!(error instanceof FlowFileError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

async function benchFile(file: string): Promise<void> {
  const flow = await readFlowFile(file);
  const passes = (messages: number): number => Math.ceil(messages / Math.max(1, flow.count));
  globalThis.gc?.();
  const result = await runFlow(flow, {
    warmUp: Math.min(20, passes(WARM_UP_MESSAGES)),
    runs: Math.max(MIN_RUNS, Math.min(50, passes(TIMED_MESSAGES))),
  });
  const rates = result.seconds.map((seconds) => Math.round(result.messages / seconds)).sort((a, b) => a - b);
  const line = {
    file: basename(file),
    messages: result.messages,
    reports: result.reports,
    sha256: result.sha256,
    msgs_per_s: { median: rates[rates.length >> 1], min: rates[0], max: rates[rates.length - 1] },
    runs: rates.length,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
