/** A process for the group commit of the disk alone, on the exchange's cores. It ends with its parent process. */
import { mkdirSync } from 'node:fs';
import { DiskReference } from '../durable/disk-reference.ts';
import type { ProcessReply } from '../load/process-client.ts';
import { Recorder } from '../suite/recorder.ts';
import type { DiskAnswer, DiskRequest } from './disk-client.ts';

let reference: DiskReference | undefined;

function measure({ dir, ...slice }: DiskRequest): DiskAnswer {
  if (reference === undefined) {
    mkdirSync(dir, { recursive: true });
    reference = new DiskReference(dir);
  }
  const recorder = new Recorder();
  reference.blocking(slice, recorder);
  return { latency: recorder.take() };
}

process.on('disconnect', () => process.exit());
process.on('message', (request: DiskRequest) => {
  let reply: ProcessReply<DiskAnswer>;
  try {
    reply = measure(request);
  } catch (error) {
    reply = { error: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(reply);
});
