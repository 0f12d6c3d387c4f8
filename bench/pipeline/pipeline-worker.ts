/** The thread of the scope `pipeline`, which stands for the I/O thread. */
import { serveRoomyThread } from '../suite/roomy-thread.ts';
import { type PipelinePlan, runVariant, type VariantFigures } from './pipeline-run.ts';

export interface PipelineAssignment {
  readonly plan: PipelinePlan;
  readonly windows: number;
  /** Empty folder on the measured disk. */
  readonly dir: string;
}

await serveRoomyThread(async ({ plan, windows, dir }: PipelineAssignment, progress) => {
  const figures: VariantFigures[] = [];
  for (const [index, variant] of plan.variants.entries()) {
    const parts = plan.variants.length;
    figures.push(await runVariant(plan, variant, windows, dir, (what, done) => progress(what, (index + done) / parts)));
  }
  return figures;
});
