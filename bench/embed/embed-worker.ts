/** A thread of the scope `embed`: one way to use the exchange, so that the compiler sees the calls of a program that uses it so. */
import { serveRoomyThread } from '../suite/roomy-thread.ts';
import { type EmbedPlan, runEmbed } from './embed-run.ts';
import type { Use } from './embedded-flow.ts';

export interface EmbedAssignment {
  readonly use: Use;
  readonly plan: EmbedPlan;
  readonly windows: number;
}

await serveRoomyThread(({ use, plan, windows }: EmbedAssignment, progress) => runEmbed(use, plan, windows, progress));
