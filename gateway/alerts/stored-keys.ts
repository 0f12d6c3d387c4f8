import type { Condition, WindowName } from './alert.ts';

/** The symbol whose trades and quotes set the gauge of a condition; undefined: they do not. */
export function tradedSymbol(condition: Condition): number | undefined {
  return condition.kind !== 'fill' && condition.kind !== 'indicator' && 'symbol' in condition ? condition.symbol : undefined;
}

/** Where the last bar that was evaluated for a gauge is stored, among the values. */
export function barKey(gauge: string): string {
  return `bar:${gauge}`;
}

/** The gauge of such a key. */
export function gaugeOfBar(key: string): string | undefined {
  return key.startsWith('bar:') ? key.slice('bar:'.length) : undefined;
}

/** Where the last trade of a symbol that was evaluated is stored, among the values. */
export function tradeKey(symbol: number): string {
  return `trade:${symbol}`;
}

/** The symbol of such a key. */
export function symbolOf(key: string): number | undefined {
  return key.startsWith('trade:') ? Number(key.slice('trade:'.length)) : undefined;
}

/** Where a window of a symbol is stored. */
export function windowKey(symbol: number, name: WindowName): string {
  return `${symbol}:${name}`;
}

/** Whether the value of a gauge is stored, so that an edge over a restart is found. Those of windows follow from the windows. */
export function isKept(gauge: string): boolean {
  return /^(price|spread|indicator|position|exposure|feed-stale):/.test(gauge);
}
