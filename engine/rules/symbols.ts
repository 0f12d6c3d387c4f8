import type { Allocate } from '../allocate.ts';
import { SYMBOL_PARAM_DEFAULTS, SYMBOL_PARAMS, SymbolParam } from '../params.ts';
import { Phase } from '../wire/layout.ts';
import { NAME_BYTES } from './accounts.ts';

const { RiskModel, StaticBandPpm, DynamicBandPpm } = SymbolParam;

/**
 * Symbols: their assets, limits and phase. Written by the engine thread only;
 * the I/O thread may read the columns.
 */
export class Symbols {
  readonly capacity: number;
  readonly defined: Uint8Array;
  readonly phase: Uint8Array;
  /** SubPhase: the kind of the phase Auction. */
  readonly subPhase: Uint8Array;
  /** Time of the last boundary of its calendar that was applied, microseconds since the epoch; 0 = none. A phase set by the operator leaves it. */
  readonly boundaryUs: Float64Array;
  /** Bits of AuctionBit: which auctions of the session are to come. */
  readonly auctions: Uint8Array;
  /** 0 = no order at the open or at the close is in the book. Derived, not in a snapshot. */
  readonly auctionOrders: Uint8Array;
  /** 1 = the kill switch of the symbol is on. */
  readonly killed: Uint8Array;
  /** 1 = it has a volatility band. */
  readonly banded: Uint8Array;
  /** 1 = its prices are watched: it has had a stop or a band. */
  readonly watched: Uint8Array;
  /** Price of the static band's middle, ticks; 0 = none. */
  readonly staticPrice: Float64Array;
  /** Earliest end of the interruption that is under way, microseconds since the epoch; 0 = there is none. */
  readonly interruptedUntilUs: Float64Array;
  readonly baseAsset: Uint32Array;
  readonly quoteAsset: Uint32Array;
  readonly tickDecimals: Uint8Array;
  readonly lotDecimals: Uint8Array;
  readonly tickMantissa: Float64Array;
  readonly lotMantissa: Float64Array;
  /** Quote asset units of one tick times one lot. */
  readonly quotePerTickLot: Float64Array;
  /** Base asset units of a lot. */
  readonly basePerLot: Float64Array;
  readonly lastPrice: Float64Array;
  /** Number of the symbol's last trade. */
  readonly tradeId: Float64Array;
  /** The parameter RiskModel, in a column that needs no conversion. */
  readonly riskModel: Uint8Array;
  /** Indexed by `symbol * SYMBOL_PARAMS + SymbolParam`. */
  readonly params: Float64Array;
  readonly names: Uint8Array;

  constructor(capacity: number, allocate: Allocate) {
    this.capacity = capacity;
    this.defined = new Uint8Array(allocate(capacity));
    this.phase = new Uint8Array(allocate(capacity));
    this.subPhase = new Uint8Array(allocate(capacity));
    this.boundaryUs = new Float64Array(allocate(capacity * 8));
    this.auctions = new Uint8Array(allocate(capacity));
    this.auctionOrders = new Uint8Array(allocate(capacity));
    this.killed = new Uint8Array(allocate(capacity));
    this.banded = new Uint8Array(allocate(capacity));
    this.watched = new Uint8Array(allocate(capacity));
    this.staticPrice = new Float64Array(allocate(capacity * 8));
    this.interruptedUntilUs = new Float64Array(allocate(capacity * 8));
    this.baseAsset = new Uint32Array(allocate(capacity * 4));
    this.quoteAsset = new Uint32Array(allocate(capacity * 4));
    this.tickDecimals = new Uint8Array(allocate(capacity));
    this.lotDecimals = new Uint8Array(allocate(capacity));
    this.tickMantissa = new Float64Array(allocate(capacity * 8));
    this.lotMantissa = new Float64Array(allocate(capacity * 8));
    this.quotePerTickLot = new Float64Array(allocate(capacity * 8));
    this.basePerLot = new Float64Array(allocate(capacity * 8));
    this.lastPrice = new Float64Array(allocate(capacity * 8));
    this.tradeId = new Float64Array(allocate(capacity * 8));
    this.riskModel = new Uint8Array(allocate(capacity));
    this.params = new Float64Array(allocate(capacity * SYMBOL_PARAMS * 8));
    this.names = new Uint8Array(allocate(capacity * NAME_BYTES));
  }

  /** Starts halted, with the default limits. */
  define(symbol: number): void {
    this.defined[symbol] = 1;
    this.phase[symbol] = Phase.Halted;
    this.params.set(SYMBOL_PARAM_DEFAULTS, symbol * SYMBOL_PARAMS);
  }

  /** Units per tick and per lot, from the mantissas and decimals; not integers if an asset has too few decimals. */
  deriveUnits(symbol: number, assetDecimals: Uint8Array): void {
    const lots = this.lotMantissa[symbol];
    const lotDecimals = this.lotDecimals[symbol];
    this.basePerLot[symbol] = unitsOf(lots, lotDecimals, assetDecimals[this.baseAsset[symbol]]);
    this.quotePerTickLot[symbol] = unitsOf(
      this.tickMantissa[symbol] * lots,
      this.tickDecimals[symbol] + lotDecimals,
      assetDecimals[this.quoteAsset[symbol]],
    );
  }

  param(symbol: number, param: number): number {
    return this.params[symbol * SYMBOL_PARAMS + param];
  }

  setParam(symbol: number, param: number, value: number): void {
    this.params[symbol * SYMBOL_PARAMS + param] = value;
    if (param === RiskModel) this.riskModel[symbol] = value;
    if (param === StaticBandPpm || param === DynamicBandPpm) this.#setBand(symbol);
  }

  #setBand(symbol: number): void {
    const isStatic = this.param(symbol, StaticBandPpm) !== 0;
    this.banded[symbol] = isStatic || this.param(symbol, DynamicBandPpm) !== 0 ? 1 : 0;
    if (this.banded[symbol] !== 0) this.watched[symbol] = 1;
    if (!isStatic) this.staticPrice[symbol] = 0;
  }

  /** An auction has traded at `price`, or the operator has set it as the reference price; ticks. */
  setStaticPrice(symbol: number, price: number): void {
    if (this.param(symbol, StaticBandPpm) !== 0) this.staticPrice[symbol] = price;
  }
}

/** Units of an asset in `mantissa x 10^-decimals` of it; not an integer if the asset has too few decimals. */
export function unitsOf(mantissa: number, decimals: number, assetDecimals: number): number {
  return assetDecimals >= decimals ? mantissa * 10 ** (assetDecimals - decimals) : mantissa / 10 ** (decimals - assetDecimals);
}
