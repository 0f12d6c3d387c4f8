import { lockHolder } from '../../../engine/journal/data-lock.ts';
import { lastConfiguration } from '../../../engine/threads/logged-configurations.ts';
import { type Config, capacitiesInForce } from '../../config/config.ts';
import type { Needs } from './finding.ts';

/**
 * What the exchange will need with this configuration: capacities that the file does not give keep their values in the log.
 * Reads the newest snapshot, or the log where there is none. Never throws: a log that cannot be read is the start's subject.
 */
export function needsOf(config: Config): Needs {
  const running = runningOn(config.data);
  try {
    return { ...config, running, capacities: capacitiesInForce(config, lastConfiguration(config.data)) };
  } catch {
    return { ...config, running };
  }
}

function runningOn(data: string): number | undefined {
  try {
    return lockHolder(data) || undefined;
  } catch {
    return undefined;
  }
}
