import { FIRST_SYMBOL_PARAMS, SYMBOL_PARAM_DEFAULTS, SYMBOL_PARAMS, SymbolParam } from '../params.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { within } from './account-rows.ts';
import type { Accounts } from './accounts.ts';
import type { FeeSchedules } from './fee-schedules.ts';
import { nameWords, setName } from './name-rows.ts';
import type { Symbols } from './symbols.ts';

/** Rows of the symbols, each followed by its parameters, its sub-phase and its name. The name is the last row of a symbol; loading it opens the book. */
export class SymbolRows implements StatePart {
  readonly kinds = [RowKind.Symbol, RowKind.SymbolParam, RowKind.SubPhase, RowKind.SymbolAuctions, RowKind.SymbolName];
  readonly #symbols: Symbols;
  readonly #accounts: Accounts;
  readonly #schedules: FeeSchedules;
  readonly #openBook: (symbol: number) => void;

  constructor(symbols: Symbols, accounts: Accounts, schedules: FeeSchedules, openBook: (symbol: number) => void) {
    this.#symbols = symbols;
    this.#accounts = accounts;
    this.#schedules = schedules;
    this.#openBook = openBook;
  }

  save(out: RowWriter): void {
    const symbols = this.#symbols;
    for (let symbol = 0; symbol < symbols.capacity; symbol++) {
      if (symbols.defined[symbol] === 0) continue;
      out.row(
        RowKind.Symbol,
        symbol,
        symbols.baseAsset[symbol],
        symbols.quoteAsset[symbol],
        symbols.tickMantissa[symbol],
        symbols.tickDecimals[symbol],
        symbols.lotMantissa[symbol],
        symbols.lotDecimals[symbol],
        symbols.phase[symbol],
        symbols.lastPrice[symbol],
        symbols.tradeId[symbol],
      );
      for (let param = 0; param < SYMBOL_PARAMS; param++) {
        const value = symbols.param(symbol, param);
        if (param < FIRST_SYMBOL_PARAMS || value !== SYMBOL_PARAM_DEFAULTS[param]) out.row(RowKind.SymbolParam, symbol, param, value);
      }
      const subPhase = symbols.subPhase[symbol];
      const boundaryUs = symbols.boundaryUs[symbol];
      if (subPhase !== 0 || boundaryUs !== 0) out.row(RowKind.SubPhase, symbol, subPhase, boundaryUs);
      if (symbols.auctions[symbol] !== 0) out.row(RowKind.SymbolAuctions, symbol, symbols.auctions[symbol]);
      out.row(RowKind.SymbolName, symbol, ...nameWords(symbols.names, symbol));
    }
  }

  load(r: Float64Array, at: number): void {
    const symbols = this.#symbols;
    const symbol = within(r[at + 1], symbols.capacity, 'symbols');
    switch (r[at]) {
      case RowKind.SymbolParam:
        symbols.setParam(symbol, r[at + 2], r[at + 3]);
        this.#schedules.setSymbol(
          symbol,
          symbols.param(symbol, SymbolParam.MakerFeePpm),
          symbols.param(symbol, SymbolParam.TakerFeePpm),
          symbols.param(symbol, SymbolParam.FeeTierTable) !== 0,
        );
        return;
      case RowKind.SubPhase:
        symbols.subPhase[symbol] = r[at + 2];
        symbols.boundaryUs[symbol] = r[at + 3];
        return;
      case RowKind.SymbolAuctions:
        symbols.auctions[symbol] = r[at + 2];
        return;
      case RowKind.SymbolName:
        setName(symbols.names, symbol, r, at + 2);
        this.#openBook(symbol);
        return;
      default:
        symbols.define(symbol);
        symbols.baseAsset[symbol] = r[at + 2];
        symbols.quoteAsset[symbol] = r[at + 3];
        symbols.tickMantissa[symbol] = r[at + 4];
        symbols.tickDecimals[symbol] = r[at + 5];
        symbols.lotMantissa[symbol] = r[at + 6];
        symbols.lotDecimals[symbol] = r[at + 7];
        symbols.phase[symbol] = r[at + 8];
        symbols.lastPrice[symbol] = r[at + 9];
        symbols.tradeId[symbol] = r[at + 10];
        symbols.deriveUnits(symbol, this.#accounts.assetDecimals);
    }
  }
}
