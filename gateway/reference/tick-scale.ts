/**
 * Prices of outside instruments as ticks of a symbol, exactly: a price is a whole number of units of 10^-decimals, and a
 * tick is tickMantissa x 10^-tickDecimals. Not for the hot path: it uses BigInt.
 */
export class TickScale {
  readonly #mantissa: bigint;
  readonly #tickFactor: bigint;
  #decimals = -1;
  /** Numerator and denominator of two units in ticks. */
  #numerator = 0n;
  #denominator = 1n;

  constructor(tickMantissa: number, tickDecimals: number) {
    this.#mantissa = BigInt(tickMantissa);
    this.#tickFactor = 10n ** BigInt(tickDecimals);
  }

  /** The nearest tick to a price, the higher one if two are equally near. */
  nearest(price: number, decimals: number): number {
    return this.middle(price, price, decimals);
  }

  /** The nearest tick to the middle of two prices, the higher one if two are equally near. */
  middle(one: number, other: number, decimals: number): number {
    if (decimals !== this.#decimals) {
      this.#decimals = decimals;
      this.#numerator = this.#tickFactor;
      this.#denominator = 2n * this.#mantissa * 10n ** BigInt(decimals);
    }
    const sum = (BigInt(one) + BigInt(other)) * this.#numerator;
    return Number((2n * sum + this.#denominator) / (2n * this.#denominator));
  }
}
