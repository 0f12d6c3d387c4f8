import { POWERS } from '../text/decimal.ts';

/** A symbol of the exchange that is to have the market of an outside instrument. */
export interface MirroredSymbol {
  readonly id: number;
  readonly name: string;
  /** A tick is tickMantissa x 10^-tickDecimals of the quote asset, a lot lotMantissa x 10^-lotDecimals of the base asset. */
  readonly tickMantissa: number;
  readonly tickDecimals: number;
  readonly lotMantissa: number;
  readonly lotDecimals: number;
  /** Smallest units of the quote asset in one tick times one lot; of the base asset in one lot. */
  readonly quotePerTickLot: number;
  readonly basePerLot: number;
  /** Ticks: prices are multiples of `tickStep` up to `maxPrice`. */
  readonly tickStep: number;
  readonly maxPrice: number;
  /** Lots: quantities are multiples of `lotStep`, at least `minQuantity` and at most `maxQuantity`. */
  readonly lotStep: number;
  readonly minQuantity: number;
  readonly maxQuantity: number;
  /** Smallest units of the quote asset. */
  readonly minNotional: number;
  readonly maxNotional: number;
  /** Ticks: the price around which the price band lies; 0 = none. */
  readonly reference: number;
  /** Width of the price band in millionths of the reference; 0 = no band. */
  readonly bandPpm: number;
}

/** Most units of an asset that a level, or a take, is worth: with all of them, the funds of the accounts stay far below 2^53. */
const MOST_UNITS = 2 ** 41;
/** Prices of fewer steps than this are too coarse. */
const FEWEST_STEPS = 50;
/** Room above the price for its moves. */
const HEADROOM = 1.25;
/** Bits of the numerator of a factor: with it, prices below 2^43 units still have exact products. */
const FACTOR_BITS = 10;
const MOST_FACTOR_SHIFT = 40;

/**
 * Converts prices and quantities of an instrument into ticks and lots of a symbol, in exact integers: a buying price is
 * rounded down and a selling price up to a possible one, a quantity down. Prices of the outside market that the symbol
 * cannot have, because they lie outside of its price band or range, are multiplied by a fixed fraction; see {@link fit}.
 */
export class MirrorScale {
  readonly symbol: MirroredSymbol;
  /** Prices are multiplied by numerator / denominator. */
  numerator = 1;
  denominator = 1;
  #priceDecimals = 0;
  #quantityDecimals = 0;
  /** Quantities are multiplied by share / shares. */
  readonly #share: number;
  readonly #shares: number;

  /** @param percent how much of each quantity of the source is mirrored, 1 to 100 */
  constructor(symbol: MirroredSymbol, percent = 100) {
    this.symbol = symbol;
    // All of it keeps the whole range of exact products.
    [this.#share, this.#shares] = percent === 100 ? [1, 1] : [percent, 100];
  }

  /** Prices and quantities are in units of 10^-decimals from now on. @param priceDecimals and @param quantityDecimals from 0 to 18 */
  setDecimals(priceDecimals: number, quantityDecimals: number): void {
    this.#priceDecimals = priceDecimals;
    this.#quantityDecimals = quantityDecimals;
  }

  /**
   * Chooses the factor for a market at this price: 1 if the symbol can have the price with room for moves, else the one that
   * brings it, within 0.2 %, to the symbol's reference, or to the middle of its range without one.
   * @param price in the units of the instrument, above 0
   */
  fit(price: number): void {
    const { tickMantissa, tickDecimals, tickStep, maxPrice, reference, bandPpm } = this.symbol;
    const ticks = (price * 10 ** (tickDecimals - this.#priceDecimals)) / tickMantissa;
    const inRange = ticks >= FEWEST_STEPS * tickStep && ticks * HEADROOM <= maxPrice;
    const inBand = reference === 0 || bandPpm === 0 || Math.abs(ticks / reference - 1) <= bandPpm / 2e6;
    this.numerator = 1;
    this.denominator = 1;
    if (inRange && inBand) return;
    const ratio = (reference || maxPrice / 2) / ticks;
    const shift = Math.max(0, Math.min(MOST_FACTOR_SHIFT, FACTOR_BITS - 1 - Math.floor(Math.log2(ratio))));
    this.denominator = 2 ** shift;
    this.numerator = Math.max(1, Math.round(ratio * this.denominator));
    for (; this.numerator % 2 === 0 && this.denominator > 1; this.denominator /= 2) this.numerator /= 2;
  }

  /** The possible price next to one of the instrument, in ticks; 0 if there is none. @param up above it, else below it */
  ticks(price: number, up: boolean): number {
    const { tickMantissa, tickDecimals, tickStep, maxPrice } = this.symbol;
    const steps = divided(price, this.numerator, tickDecimals - this.#priceDecimals, this.denominator * tickMantissa * tickStep, up);
    const ticks = steps * tickStep;
    return ticks <= maxPrice ? ticks : 0;
  }

  /** The quantity in lots that can be traded at a price; 0 if it is less than the symbol's least. @param ticks above 0 */
  lots(quantity: number, ticks: number): number {
    const { lotMantissa, lotDecimals, lotStep, minQuantity, maxQuantity, minNotional, maxNotional, quotePerTickLot, basePerLot } =
      this.symbol;
    const most = Math.min(maxQuantity, Math.min(maxNotional, MOST_UNITS) / (ticks * quotePerTickLot), MOST_UNITS / basePerLot);
    const steps = divided(quantity, this.#share, lotDecimals - this.#quantityDecimals, lotMantissa * lotStep * this.#shares, false);
    const lots = Math.min(steps, Math.floor(most / lotStep)) * lotStep;
    return lots >= minQuantity && lots * ticks * quotePerTickLot >= minNotional ? lots : 0;
  }
}

/**
 * value x factor x 10^exponent / divisor as an integer, rounded down, or up. Exact; infinite if the dividend reaches
 * 2^53, 0 (or 1, rounded up) if the divisor does.
 */
function divided(value: number, factor: number, exponent: number, divisor: number, up: boolean): number {
  const dividend = value * factor * (exponent > 0 ? POWERS[exponent] : 1);
  if (dividend > Number.MAX_SAFE_INTEGER) return Number.POSITIVE_INFINITY;
  const by = divisor * (exponent < 0 ? POWERS[-exponent] : 1);
  if (by > Number.MAX_SAFE_INTEGER) return up && value > 0 ? 1 : 0;
  const rest = dividend % by;
  return (dividend - rest) / by + (up && rest > 0 ? 1 : 0);
}
