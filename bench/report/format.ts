import type { Unit } from '../suite/result.ts';

/** Without the unit: three significant digits; whole numbers below a million in full. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  if (!Number.isFinite(value)) return '∞';
  if (Math.abs(value) >= 1e6) return `${formatNumber(value / 1e6)} M`;
  const digits = Math.floor(Math.log10(Math.abs(value)));
  const decimals = Math.min(4, Math.max(0, 2 - digits));
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Without the trailing zeros that align a table's columns. */
export function formatPlain(value: number): string {
  const text = formatNumber(value);
  return text.replace(/(\.\d*?)0+(?=$| )/, '$1').replace(/\.(?=$| )/, '');
}

export function formatValue(value: number, unit: Unit, format = formatNumber): string {
  if (unit === 'count') return value.toLocaleString('en-US', { maximumFractionDigits: 1 });
  const space = unit === '/s' || unit === 'x' ? '' : ' ';
  return `${format(value)}${space}${unit === 'us' ? 'µs' : unit}`;
}

/** A fraction as a percentage, without its sign. */
export function formatPart(part: number): string {
  if (!Number.isFinite(part)) return '∞ %';
  const percent = Math.abs(part) * 100;
  return `${percent >= 10 || percent === 0 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}

export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
