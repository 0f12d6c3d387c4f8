/** The thread of the scope `pipeline`, which stands for the I/O thread. */
import { type Attempt, eachWindow } from '../suite/each-window.ts';
import { serveRoomyThread } from '../suite/roomy-thread.ts';
import { type PipelinePlan, runVariant, type VariantFigures } from './pipeline-run.ts';

export interface PipelineAssignment {
  readonly plan: PipelinePlan;
  readonly windows: number;
  /** Empty folder on the measured disk. */
  readonly dir: string;
}

/** By variant. */
export type PipelineFigures = readonly Attempt<VariantFigures>[];

await serveRoomyThread(({ plan, windows, dir }: PipelineAssignment, progress): Promise<PipelineFigures> => {
  const { variants } = plan;
  // The scope ends the thread when it is aborted.
  const { signal } = new AbortController();
  return eachWindow(variants.length, signal, (index) =>
    runVariant(plan, variants[index], windows, dir, (what, done) => progress(what, (index + done) / variants.length)),
  );
});
