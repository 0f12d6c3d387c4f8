import type { Capacities, Shares } from '../../engine/limits.ts';
import { type Config, capacitiesInForce, OPTIONS } from '../config/config.ts';
import type { ConfiguredValues } from './configured-values.ts';
import type { ValueChange } from './venue-plan.ts';

const PREFIX = 'option ';
/** These concern one start only. */
const OF_ONE_START: readonly string[] = ['data', 'apply-config'];

/** The options of an exchange and its capacities, by their keys in the record of configured values. Paths of keys are in it, no secrets. */
export function optionValues(config: Config, logged: Partial<Capacities & Shares> | undefined): ReadonlyMap<string, string> {
  const options = Object.entries(OPTIONS).flatMap(([name, { key }]): [string, string][] =>
    OF_ONE_START.includes(name) ? [] : [[`${PREFIX}${name}`, textOf(config[key])]],
  );
  const capacities = Object.entries(capacitiesInForce(config, logged)).map(([name, value]): [string, string] => {
    return [`${PREFIX}capacities.${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, String(value)];
  });
  return new Map([...options, ...capacities]);
}

/** Options that differ from those of the last start; none if that is not known. */
export function optionChanges(values: ReadonlyMap<string, string>, recorded: ConfiguredValues | undefined): ValueChange[] {
  return [...values].flatMap(([key, file]) => {
    const now = recorded?.get(key);
    return now === undefined || now === file ? [] : [{ item: 'exchange', key: key.slice(PREFIX.length), now: String(now), file }];
  });
}

function textOf(value: unknown): string {
  if (value === undefined) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
