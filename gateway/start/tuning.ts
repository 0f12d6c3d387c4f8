import { HostTuning } from '../host-tuning.ts';
import type { StartContext } from './start-context.ts';

/** Comes before all that takes time, so that a start on a host that does not permit it ends at once. @throws TuningError */
export function tuneHost({ config, undo }: StartContext): HostTuning | undefined {
  if (!config.tune) return undefined;
  const tuning = HostTuning.hold();
  undo.push(() => tuning.release());
  return tuning;
}
