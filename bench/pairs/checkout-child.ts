/**
 * One checkout's side of a pair, as a process. Arguments: the checkout, and `core` or an order
 * flow file. Each message from the parent is a request to measure; the answer is commands a second.
 */
import { pathToFileURL } from 'node:url';
import { readFlowFile } from '../../feeds/files/flow-file.ts';
import { median } from '../suite/result.ts';

const WARM_UP_COMMANDS = 1_500_000;
const COMMANDS = 400_000;
const FLOW_WARM_UP = 20;
const FLOW_RUNS = 5;

const [, , checkout, work] = process.argv;
// The modules of that checkout, which may be older: only what both have is used.
const load = (file: string) => import(pathToFileURL(`${checkout}/${file}`).href);

const measure = await (work === 'core' ? core() : flow(work));
process.on('message', () => measure().then((rate) => process.send?.(rate)));
process.on('disconnect', () => process.exit());
process.send?.('ready');

/** The state machine with its rings at its maximum rate, as in scope `core`. */
async function core(): Promise<() => Promise<number>> {
  const { resolveLimits } = await load('engine/limits.ts');
  const { CommandMaker } = await load('bench/core/command-maker.ts');
  const { MeasuredCore } = await load('bench/core/measured-core.ts');
  const limits = resolveLimits({ orders: 2 ** 16, rememberedOrders: 2 ** 16 });
  const maker = new CommandMaker(limits, COMMANDS);
  const machine = new MeasuredCore(limits, maker);
  machine.closedLoop((await maker.setUp()).count);
  const run = async (): Promise<number> => {
    await maker.make(COMMANDS);
    const { fromMs, toMs } = machine.closedLoop(COMMANDS);
    return (COMMANDS / (toMs - fromMs)) * 1000;
  };
  for (let done = 0; done < WARM_UP_COMMANDS; done += COMMANDS) await run();
  return run;
}

/** The book with its consumer on another thread, as in `npm run bench:flow`. */
async function flow(file: string): Promise<() => Promise<number>> {
  const { runFlow } = await load('bench/book/flow-run.ts');
  const messages = await readFlowFile(file);
  const run = async (warmUp: number): Promise<number> => {
    const { seconds } = await runFlow(messages, { warmUp, runs: FLOW_RUNS });
    return messages.count / median(seconds);
  };
  await run(FLOW_WARM_UP);
  return () => run(1);
}
