/** Random conditions of alerts over the trades of two symbols, with levels that a few trades reach. */
import fc from 'fast-check';
import type { Direction, WindowName } from '../../gateway/alerts/alert.ts';

export const SYMBOL = fc.integer({ min: 1, max: 2 });
export const PRICE = fc.integer({ min: 98, max: 104 });
export const DIRECTION = fc.constantFrom<Direction[]>('up', 'down', 'either');
const WINDOW = fc.constantFrom<WindowName[]>('10s', '1m');

/** One of each kind that is about trades. */
export const TRADE_CONDITIONS = [
  fc.record({ kind: fc.constant('price' as const), symbol: SYMBOL, direction: DIRECTION, level: PRICE }),
  fc.record({
    kind: fc.constant('move' as const),
    symbol: SYMBOL,
    window: WINDOW,
    direction: fc.constantFrom('up' as const, 'down' as const),
    level: fc.integer({ min: 1, max: 60_000 }),
  }),
  fc.record({ kind: fc.constant('volume' as const), symbol: SYMBOL, window: WINDOW, level: fc.integer({ min: 1, max: 40 }) }),
  fc.record({
    kind: fc.constant('volume-ratio' as const),
    symbol: SYMBOL,
    window: fc.constant('10s' as const),
    level: fc.integer({ min: 1, max: 4_000_000 }),
  }),
];
