import { existsSync } from 'node:fs';
import { listSegments } from '../../../engine/journal/log-format.ts';
import { logTip } from '../../../engine/journal/log-lookup.ts';
import { resolveLimits } from '../../../engine/limits.ts';
import { Exchange } from '../../../engine/machine/exchange.ts';
import { loadSnapshot } from '../../../engine/threads/engine-core.ts';
import { lastConfiguration } from '../../../engine/threads/logged-configurations.ts';
import { replayLog } from '../../../engine/threads/replay-log.ts';
import type { Seq } from '../../../engine/units.ts';
import { type Config, limitsOf } from '../../config/config.ts';
import type { StartChanges } from '../../start/venue-changes.ts';
import { readConfigured } from '../../venue/configured-values.ts';
import { GenesisMarker } from '../../venue/genesis-marker.ts';
import { optionChanges, optionValues } from '../../venue/option-values.ts';
import { ValuePolicy } from '../../venue/value-policy.ts';
import { chooseVenue } from '../../venue/venue-choice.ts';
import { planVenue } from '../../venue/venue-plan.ts';
import { print, printJson } from './connection.ts';
import { ExitCode } from './exit.ts';
import { directoryOf } from './state-directory.ts';

/**
 * What a start with this configuration would change, from its newest snapshot and the log after it, up to the last command that the log has
 * now. Needs the memory of a state. Blocks.
 * @throws VenueContradictionError as the start would, and the errors of a log that cannot be read
 */
export function changesOfStart(config: Config, onProgress: (seq: Seq) => void): StartChanges {
  const { data, applyConfig } = config;
  const isNew = !existsSync(data) || listSegments(data).length === 0;
  const logged = isNew ? undefined : lastConfiguration(data);
  const seq = isNew ? 0 : logTip(data).seq;
  const exchange = new Exchange(resolveLimits(limitsOf(config, logged)));
  if (!isNew) replayLog(exchange, data, loadSnapshot(exchange, data, seq, []) + 1, seq, onProgress);
  const directory = directoryOf(exchange);
  const venue = chooseVenue(config, directory, exchange.limits, seq);
  const recorded = readConfigured(data);
  return {
    options: optionChanges(optionValues(config, logged), recorded),
    plan: planVenue(venue, directory, new GenesisMarker(data).read(), new ValuePolicy(recorded, applyConfig)),
  };
}

/** Prints them. @returns 1 if there are any */
export function printChanges({ options, plan }: StartChanges, json: boolean): ExitCode {
  const { defined, changed, kept } = plan;
  if (json) printJson({ defined, options, changed, kept });
  else {
    for (const item of defined) print(`new      ${item}`);
    for (const { item, key, now, file } of [...options, ...changed]) print(`changes  ${key} of ${item}: ${now} -> ${file}`);
    for (const { item, key, now, file } of kept)
      print(`stays    ${key} of ${item}: ${now}, set while the exchange ran; the file has ${file} (--apply-config sets it)`);
  }
  const count = defined.length + options.length + changed.length + kept.length;
  if (count === 0 && !json) print('nothing changes');
  return count === 0 ? ExitCode.Ok : ExitCode.Failed;
}
