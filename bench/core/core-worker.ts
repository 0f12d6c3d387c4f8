/** The thread of the scope `core`. */
import { serveRoomyThread } from '../suite/roomy-thread.ts';
import { type CorePlan, runCore } from './core-run.ts';

export interface CoreAssignment {
  readonly plan: CorePlan;
  readonly windows: number;
}

await serveRoomyThread(({ plan, windows }: CoreAssignment, progress) => runCore(plan, windows, progress));
