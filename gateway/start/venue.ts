import { listSegments } from '../../engine/journal/log-format.ts';
import type { Engine } from '../../engine/threads/engine.ts';
import type { VenueConfig } from '../config/config-file.ts';
import type { AdminCommands } from '../venue/admin-commands.ts';
import { applyVenue, beginGenesis, type GenesisResult } from '../venue/genesis.ts';
import { GenesisMarker } from '../venue/genesis-marker.ts';
import { chooseVenue } from '../venue/venue-choice.ts';
import { allDurable } from './engine-waits.ts';
import type { StartContext } from './start-context.ts';

/** The venue of the configuration, or that of the log where the configuration has none. It does not fit: an error, and the log is as it was. */
export function acceptVenue({ config, undo }: StartContext, { directory, limits }: Engine, seq: number): VenueConfig {
  const venue = chooseVenue(config, directory, limits, seq);
  undo.push(() => {
    if (listSegments(config.data).length === 0) new GenesisMarker(config.data).clear();
  });
  // A kill before the first definition must not leave a log without its venue.
  beginGenesis(venue, directory, config.data, config.file === undefined ? 'demo' : 'file');
  return venue;
}

/** Submits what the venue defines and the log does not have yet. @throws GenesisError */
export async function defineVenue(
  { config, log }: StartContext,
  venue: VenueConfig,
  engine: Engine,
  commands: AdminCommands,
): Promise<GenesisResult> {
  const genesis = await applyVenue(venue, engine.directory, commands, config.data, () => allDurable(engine));
  if (venue !== config) log.info('no configuration file: the venue stays as it is in the log');
  for (const warning of genesis.warnings) log.warn(warning);
  return genesis;
}
