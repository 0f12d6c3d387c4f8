import { DecimalError, textToUnits, unitsToDecimal } from '../decimal.ts';
import type { Money, PriceTicks, QtyLots } from '../units.ts';
import { badRange, EmbedError } from './embed-error.ts';

/** A price: decimal text in the quote asset, such as `'50000.00'`, or an integer, which counts ticks. */
export type Price = string | PriceTicks;
/** A quantity: decimal text in the base asset, such as `'0.5'`, or an integer, which counts lots. */
export type Quantity = string | QtyLots;
/** Money: decimal text in the asset, or an integer, which counts its smallest units. */
export type Amount = string | Money;

/** A step of decimal numbers: mantissa * 10^-decimals. */
export interface Unit {
  readonly mantissa: number;
  readonly decimals: number;
}

/** Decimal text and counts of units of one symbol, exactly. */
export class SymbolUnits {
  readonly id: number;
  readonly name: string;
  readonly base: string;
  readonly quote: string;
  readonly tick: Unit;
  readonly lot: Unit;
  /** Decimals of the quote asset: fees are in its smallest unit. */
  readonly quoteDecimals: number;

  constructor(fields: Pick<SymbolUnits, 'id' | 'name' | 'base' | 'quote' | 'tick' | 'lot' | 'quoteDecimals'>) {
    this.id = fields.id;
    this.name = fields.name;
    this.base = fields.base;
    this.quote = fields.quote;
    this.tick = fields.tick;
    this.lot = fields.lot;
    this.quoteDecimals = fields.quoteDecimals;
  }

  /** @throws EmbedError if it is no whole number of ticks in [0, 2^53) */
  ticks(price: Price): PriceTicks {
    return typeof price === 'string' ? textOf(price, this.tick, 'price') : countOf(price, 'price');
  }

  /** @throws EmbedError if it is no whole number of lots in [0, 2^53) */
  lots(quantity: Quantity): QtyLots {
    return typeof quantity === 'string' ? textOf(quantity, this.lot, 'quantity') : countOf(quantity, 'quantity');
  }

  /** Ticks as decimal text. */
  price(ticks: PriceTicks): string {
    return unitsToDecimal(ticks, this.tick.mantissa, this.tick.decimals);
  }

  /** Lots as decimal text. */
  quantity(lots: QtyLots): string {
    return unitsToDecimal(lots, this.lot.mantissa, this.lot.decimals);
  }

  /** Money of the quote asset as decimal text. */
  money(units: Money): string {
    return unitsToDecimal(units, 1, this.quoteDecimals);
  }
}

/** A count of units, from decimal text or an integer. @param what for the message @throws EmbedError */
export function unitsOf(value: string | number, unit: Unit, what: string): number {
  if (typeof value !== 'string') return countOf(value, what);
  return textOf(value, unit, what);
}

/** {@link unitsOf} of text, in units of a definition. */
function textOf(text: string, unit: Unit, what: string): number {
  try {
    return textToUnits(text, unit.mantissa, unit.decimals);
  } catch (error) {
    if (error instanceof DecimalError) throw new EmbedError(error.code, `${what}: ${error.message}`);
    throw error;
  }
}

/** Checks an integer in [0, 2^53). @throws EmbedError */
export function countOf(value: number, what: string): number {
  return value >>> 0 === value ? value : largeCount(value, what);
}

function largeCount(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  if (typeof value !== 'number') badRange(`a ${what} is decimal text or an integer, not ${typeof value}`);
  badRange(
    `a ${what} that is a number counts units: an integer in [0, 2^53), not ${value}; write a decimal number as text, such as '${value}'`,
  );
}

/** The step that decimal text such as `0.025` names. @throws EmbedError */
export function unitFrom(text: string, what: string): Unit {
  const point = text.indexOf('.');
  const decimals = point === -1 ? 0 : text.length - point - 1;
  const mantissa = unitsOf(text, { mantissa: 1, decimals: Math.min(decimals, 18) }, what);
  if (mantissa === 0) badRange(`a ${what} is above 0`);
  return { mantissa, decimals };
}
