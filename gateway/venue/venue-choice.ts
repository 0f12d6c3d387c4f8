import type { Limits } from '../../engine/limits.ts';
import type { Config } from '../config/config.ts';
import type { VenueConfig } from '../config/config-file.ts';
import { readConfigured } from './configured-values.ts';
import { GenesisMarker, isUnfinished } from './genesis-marker.ts';
import { ValuePolicy } from './value-policy.ts';
import { contradictions, type Defined, holdsVenue, VenueContradictionError } from './venue-check.ts';

/** The first start of the directory was interrupted while it applied a configuration file, and this start has none. Nothing was changed. */
export class GenesisUnfinishedError extends Error {
  readonly code = 'GENESIS_UNFINISHED';

  constructor(dataDir: string) {
    super(
      `A start of ${dataDir} was interrupted while it applied its configuration file: definitions or deposits may be missing. ` +
        'Nothing was changed. Start once more with the same file (--config) to complete them.',
    );
    this.name = 'GenesisUnfinishedError';
  }
}

/**
 * The venue that a start applies: that of its file, or the demo venue in a new directory. Without a file, a directory with a log keeps the
 * venue in the log.
 * @param seq last command of the log
 * @throws VenueContradictionError, GenesisUnfinishedError
 */
export function chooseVenue(config: Config, defined: Defined, limits: Limits, seq: number): VenueConfig {
  const { file, data, simulate } = config;
  if (file !== undefined || seq === 0) return mustHold(config, file ?? 'The demo venue', data, defined, limits);
  const beginning = new GenesisMarker(data).read();
  if (isUnfinished(beginning)) {
    // A release without `source` did not record which venue it was.
    if (beginning.source === 'file' || contradictions(config, defined, limits).length > 0) throw new GenesisUnfinishedError(data);
    return config;
  }
  if (simulate && !holdsVenue(config, defined, limits)) {
    const problem = 'the accounts of the demo simulator are not those of the log; give --config with a file that has a simulator section';
    throw new VenueContradictionError('--simulate', data, [problem]);
  }
  return { ...config, assets: [], symbols: [], accounts: [] };
}

function mustHold(config: Config, source: string, data: string, defined: Defined, limits: Limits): VenueConfig {
  const policy = new ValuePolicy(readConfigured(data), config.applyConfig);
  const problems = contradictions(config, defined, limits, policy);
  if (problems.length > 0) throw new VenueContradictionError(source, data, problems);
  return config;
}
