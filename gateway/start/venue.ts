import { listSegments } from '../../engine/journal/log-format.ts';
import type { Engine } from '../../engine/threads/engine.ts';
import type { AuditSink } from '../audit/audit-sink.ts';
import type { VenueConfig } from '../config/config-file.ts';
import type { AdminCommands } from '../venue/admin-commands.ts';
import { readConfigured } from '../venue/configured-values.ts';
import { applyVenue, beginGenesis, type GenesisResult } from '../venue/genesis.ts';
import { GenesisMarker } from '../venue/genesis-marker.ts';
import { optionChanges, optionValues } from '../venue/option-values.ts';
import { chooseVenue } from '../venue/venue-choice.ts';
import { allDurable } from './engine-waits.ts';
import type { StartContext } from './start-context.ts';
import { auditChanges, logChanges } from './venue-changes.ts';

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

/** Submits what the venue defines and the log does not have yet. Lists what changes before, and audits it afterwards. @throws GenesisError */
export async function defineVenue(
  { config, log }: StartContext,
  venue: VenueConfig,
  engine: Engine,
  commands: AdminCommands,
  audit: AuditSink,
): Promise<GenesisResult> {
  const optionsNow = optionValues(config, engine.limits);
  const options = optionChanges(optionsNow, readConfigured(config.data));
  const genesis = await applyVenue(venue, engine.directory, commands, {
    dataDir: config.data,
    apply: config.applyConfig,
    options: optionsNow,
    onPlan: (plan) => logChanges(log, { options, plan }),
    durable: () => allDurable(engine),
  });
  const { plan, warnings } = genesis;
  auditChanges(audit, config.file ?? 'without a configuration file', { options, plan });
  if (venue !== config) log.info('no configuration file: the venue stays as it is in the log');
  for (const warning of warnings) log.warn(warning);
  return genesis;
}
