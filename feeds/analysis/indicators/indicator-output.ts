import { type IndicatorSpec, warmUpOf } from './catalog.ts';
import { IndicatorError, readIndicators } from './indicator-text.ts';

/** One number of an indicator. */
export interface IndicatorOutput {
  /** With all parameters, and the name of the output where there are several: `rsi:14`, `bb:20:2.upper`. Equal numbers have equal texts. */
  readonly text: string;
  /** Its `text` has all parameters and no output. */
  readonly spec: IndicatorSpec;
  /** Index in the values of the indicator. */
  readonly output: number;
}

/**
 * Reads one number of an indicator: `rsi`, `rsi:14`, `macd:12:26:9.signal`. The output is needed where the indicator has several.
 * @param intervalUs length of a bar, microseconds
 * @throws IndicatorError
 */
export function readIndicatorOutput(text: string, intervalUs: number): IndicatorOutput {
  const [, indicator, name] = /^(.*?)(?:\.([a-zA-Z]+))?$/s.exec(text) as RegExpExecArray;
  const [{ definition, parameters }] = readIndicators([indicator], intervalUs);
  const { outputs } = definition;
  const canonical = [definition.name, ...parameters].join(':');
  const spec = { text: canonical, definition, parameters };
  if (outputs.length === 1) {
    if (name !== undefined && name !== outputs[0])
      throw new IndicatorError(`${text}: ${definition.name} has one value: write ${indicator}`);
    return { text: canonical, spec, output: 0 };
  }
  const choices = outputs.map((output) => `${indicator}.${output}`).join(', ');
  if (name === undefined) throw new IndicatorError(`${text} has several values; give one of ${choices}`);
  const output = outputs.indexOf(name);
  if (output === -1) throw new IndicatorError(`${text}: ${definition.name} has no value ${name}; give one of ${choices}`);
  return { text: `${canonical}.${name}`, spec, output };
}

/**
 * Whether the number depends on the bar that a series begins with, however long ago that was: two series that begin at different bars never have the same.
 */
export function dependsOnBegin({ spec }: IndicatorOutput): boolean {
  return spec.definition.name === 'obv';
}

/** Bars that give the value of one bar: those before it, and itself. */
export function barsOf(spec: IndicatorSpec, intervalUs: number): number {
  return warmUpOf(spec, intervalUs) + 1;
}
