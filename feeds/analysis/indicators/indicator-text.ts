import { CATALOG, type IndicatorSpec, MAX_WARM_UP, type Parameter, warmUpOf } from './catalog.ts';

/** Indicators of one request, at most. */
export const MAX_INDICATORS = 16;

/** An indicator that does not exist, or with wrong parameters. The message says what would be right. */
export class IndicatorError extends Error {
  readonly code = 'BAD_INDICATOR';

  constructor(message: string) {
    super(message);
    this.name = 'IndicatorError';
  }
}

/**
 * Reads indicators: `rsi:14`, `macd:12:26:9`. Parameters that are left out at the end have their usual values.
 * @param intervalUs length of a bar, microseconds
 * @throws IndicatorError
 */
export function readIndicators(texts: readonly string[], intervalUs: number): IndicatorSpec[] {
  if (texts.length === 0) throw new IndicatorError(`no indicator is given; give one, such as rsi:14, of ${names()}`);
  if (texts.length > MAX_INDICATORS)
    throw new IndicatorError(`${texts.length} indicators are given; at most ${MAX_INDICATORS} are possible`);
  const specs = texts.map(readIndicator);
  const twice = texts.find((text, i) => texts.indexOf(text) !== i);
  if (twice !== undefined) throw new IndicatorError(`${twice} is given twice; give it once`);
  const long = specs.find((spec) => warmUpOf(spec, intervalUs) > MAX_WARM_UP);
  if (long !== undefined)
    throw new IndicatorError(
      `${long.text} needs bars of a whole day: give an interval of one minute or longer, or a number of bars, such as vwap:20`,
    );
  return specs;
}

function readIndicator(text: string): IndicatorSpec {
  if (text.length > MAX_TEXT) throw new IndicatorError(`an indicator has at most ${MAX_TEXT} characters, such as macd:12:26:9`);
  const [name, ...given] = text.split(':');
  const definition = CATALOG.find((known) => known.name === name);
  if (definition === undefined) throw new IndicatorError(`there is no indicator ${name}; there are: ${names()}`);
  if (given.length > definition.parameters.length)
    throw new IndicatorError(`${text}: ${name} has ${parametersOf(definition.parameters.length)}, not ${given.length}`);
  const parameters = definition.parameters.map((parameter, i) =>
    i < given.length ? readParameter(text, parameter, given[i]) : parameter.usual,
  );
  const [fast, slow] = parameters;
  if (name === 'macd' && fast >= slow) throw new IndicatorError(`${text}: fast must be below slow (${slow}), not ${fast}`);
  if (name === 'psar' && fast > slow) throw new IndicatorError(`${text}: step must not be above most (${slow})`);
  return { text, definition, parameters };
}
const MAX_TEXT = 40;

function readParameter(text: string, { name, least, most, decimal }: Parameter, given: string): number {
  const value = Number(given);
  // Each value has one text, so that an indicator has one name.
  if (/^0\d/.test(given)) throw new IndicatorError(`${text}: write ${name} without zeros in front, not ${given}`);
  if ((decimal ? /^\d{1,3}(\.\d{1,6})?$/ : /^\d{1,4}$/).test(given) && value >= least && value <= most) return value;
  throw new IndicatorError(
    `${text}: ${name} must be a ${decimal ? '' : 'whole '}number from ${least} to ${most}, not ${given || 'nothing'}`,
  );
}

function parametersOf(count: number): string {
  if (count === 0) return 'no parameters';
  return `${count} parameter${count === 1 ? '' : 's'}`;
}

function names(): string {
  return CATALOG.map(({ name }) => name).join(', ');
}
