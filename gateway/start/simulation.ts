import { MirrorSimulation } from '../venue/mirror-simulation.ts';
import { Simulation } from '../venue/simulation.ts';
import type { Core } from './engine.ts';
import type { OutsidePrices } from './feeds.ts';
import type { Recovered } from './recovery.ts';
import type { StartContext } from './start-context.ts';

/** Starts simulated order flow, or the imitation of an outside market; undefined without `--simulate`. */
export function startSimulation(
  { config, log }: StartContext,
  { engine }: Core,
  { hub }: Recovered,
  { feeds, mirror }: OutsidePrices,
): Simulation | MirrorSimulation | undefined {
  const simulator = config.simulate ? config.simulator : undefined;
  if (simulator === undefined) return undefined;
  const { directory, sequencer, schedule: onPublished } = engine;
  if (feeds === undefined || mirror === undefined) return new Simulation(simulator, directory, sequencer, onPublished);
  return new MirrorSimulation(simulator, { feeds, source: mirror.name, directory, sequencer, hub, onPublished, log });
}
