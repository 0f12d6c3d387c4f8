/** Maps values to pixels, and places the ticks. */
import { formatPlain } from './format.ts';

export interface Tick {
  readonly at: number;
  readonly label: string;
}

export interface Scale {
  /** @returns pixels; outside of the domain it is clamped to the edge */
  at(value: number): number;
  readonly ticks: readonly Tick[];
}

type Range = readonly [from: number, to: number];

/** @param domain of the data, widened to round numbers; a range of latencies or rates begins at zero */
export function linearScale([low, high]: Range, range: Range, wanted: number, fromZero: boolean): Scale {
  const bottom = fromZero && low >= 0 ? 0 : low;
  const step = niceStep((high - bottom || high || 1) / wanted);
  const first = Math.floor(bottom / step);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
  return scale((value) => value, [first * step, last * step], range, ticks, formatPlain);
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const part = rough / power;
  return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

/** @param domain of the data; values not above zero are drawn at the bottom */
export function logScale([low, high]: Range, range: Range): Scale {
  const steps: number[] = [];
  const top = Math.max(high, low * 1.01);
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(top)); power++)
    for (const digit of [1, 2, 5]) steps.push(Number(`${digit}e${power}`));
  const first = steps.findLastIndex((step) => step <= low * (1 + 1e-9));
  const last = steps.findIndex((step) => step >= top * (1 - 1e-9));
  const within = steps.slice(first, last + 1);
  const wide = Math.log10(within[within.length - 1] / within[0]) > 2.4;
  const ticks = wide ? within.filter((step) => Number.isInteger(Number(Math.log10(step).toFixed(9)))) : within;
  return scale(Math.log10, [within[0], within[within.length - 1]], range, ticks, formatPlain);
}

/** The tail stretched: 90 %, 99 %, 99.9 % are equally far apart. The value is 1 / (1 - part). @param decades end of the axis: 2.5 is halfway from 99 to 99.9 % */
export function percentileScale(decades: number, range: Range): Scale {
  const ticks = [1, 2, ...Array.from({ length: Math.floor(decades + 1e-9) }, (_, index) => 10 ** (index + 1))];
  return scale(Math.log10, [1, 10 ** decades], range, ticks, (value) => {
    const digits = Math.max(0, Math.round(Math.log10(value)) - 2);
    return value === 1 ? '0' : `${((1 - 1 / value) * 100).toFixed(digits)} %`;
  });
}

function scale(
  warp: (value: number) => number,
  [low, high]: Range,
  [from, to]: Range,
  ticks: readonly number[],
  label: (value: number) => string,
): Scale {
  const at = (value: number): number => {
    const inside = Math.min(high, Math.max(low, value));
    return from + ((warp(inside) - warp(low)) / (warp(high) - warp(low))) * (to - from);
  };
  return { at, ticks: ticks.map((value) => ({ at: at(value), label: label(value) })) };
}
