import type { OrderSlab } from '../book/order-slab.ts';
import { SymbolParam, type SymbolParamName } from '../params.ts';
import { type Accounts, nameAt } from '../rules/accounts.ts';
import type { Symbols } from '../rules/symbols.ts';
import type { Money, PriceTicks, QtyLots } from '../units.ts';
import type { Control } from './control.ts';

export interface AssetInfo {
  readonly id: number;
  readonly name: string;
  /** Its smallest unit is 10^-decimals. */
  readonly decimals: number;
}

export interface SymbolInfo {
  readonly id: number;
  readonly name: string;
  readonly baseAsset: AssetInfo;
  readonly quoteAsset: AssetInfo;
  /** A tick is tickMantissa x 10^-tickDecimals of the quote asset. */
  readonly tickMantissa: number;
  readonly tickDecimals: number;
  /** A lot is lotMantissa x 10^-lotDecimals of the base asset. */
  readonly lotMantissa: number;
  readonly lotDecimals: number;
  /** Quote units of one tick times one lot; base units of one lot. */
  readonly quotePerTickLot: number;
  readonly basePerLot: number;
  /** A Phase of the wire schema. */
  readonly phase: number;
  readonly params: Readonly<Record<SymbolParamName, number>>;
  readonly lastPrice: PriceTicks;
  readonly referencePrice: PriceTicks;
  /** Number of the last trade. */
  readonly tradeId: number;
}

export interface BalanceInfo {
  readonly asset: AssetInfo;
  readonly available: Money;
  readonly reserved: Money;
}

export interface AccountInfo {
  readonly id: number;
  readonly name: string;
  readonly suspended: boolean;
  readonly maxOpenOrders: number;
  readonly openOrders: number;
  readonly lastReportNo: number;
  readonly balances: readonly BalanceInfo[];
}

export interface OpenOrderInfo {
  readonly orderId: number;
  readonly clientOrderId: number;
  readonly symbol: number;
  readonly side: number;
  readonly timeInForce: number;
  readonly price: PriceTicks;
  readonly leaves: QtyLots;
  readonly filled: QtyLots;
}

const PARAM_NAMES = Object.keys(SymbolParam) as SymbolParamName[];

/**
 * Assets, symbols and accounts, read from the engine's shared columns by the I/O
 * thread. Balances and open orders are as of the last command applied, which may
 * not be durable yet. Cold: it allocates.
 */
export class Directory {
  readonly #control: Control;
  readonly #accounts: Accounts;
  readonly #symbols: Symbols;
  readonly #slab: OrderSlab;
  #seen = -1;
  #assetList: AssetInfo[] = [];
  #symbolList: SymbolInfo[] = [];

  constructor(control: Control, accounts: Accounts, symbols: Symbols, slab: OrderSlab) {
    this.#control = control;
    this.#accounts = accounts;
    this.#symbols = symbols;
    this.#slab = slab;
  }

  /** Changes with every administrative command applied. */
  get version(): number {
    return this.#control.definitions;
  }

  assets(): readonly AssetInfo[] {
    if (this.#seen !== this.version) this.#refresh();
    return this.#assetList;
  }

  asset(id: number): AssetInfo | undefined {
    return this.assets().find((asset) => asset.id === id);
  }

  assetByName(name: string): AssetInfo | undefined {
    return this.assets().find((asset) => asset.name === name);
  }

  /** Prices change without a new `version`, so they are read at each call. */
  symbols(): readonly SymbolInfo[] {
    this.assets();
    return this.#symbolList.map((symbol) => this.#symbolInfo(symbol.id));
  }

  symbol(id: number): SymbolInfo | undefined {
    return id < this.#symbols.capacity && this.#symbols.defined[id] !== 0 ? this.#symbolInfo(id) : undefined;
  }

  symbolByName(name: string): SymbolInfo | undefined {
    this.assets();
    const found = this.#symbolList.find((symbol) => symbol.name === name);
    return found && this.#symbolInfo(found.id);
  }

  accountExists(id: number): boolean {
    return id > 0 && id < this.#accounts.capacity && this.#accounts.defined[id] !== 0;
  }

  accountIds(): number[] {
    const ids: number[] = [];
    for (let id = 1; id < this.#accounts.capacity; id++) if (this.#accounts.defined[id] !== 0) ids.push(id);
    return ids;
  }

  /** Number of the account's last report; account 0 is the operator's. */
  lastReportNo(account: number): number {
    return this.#accounts.reportNo[account];
  }

  account(id: number): AccountInfo | undefined {
    if (!this.accountExists(id)) return undefined;
    const accounts = this.#accounts;
    const assets = this.assets();
    return this.#control.readConsistently(() => {
      const balances: BalanceInfo[] = [];
      for (const asset of assets) {
        const at = id * accounts.assets + asset.id;
        const available = accounts.available[at];
        const reserved = accounts.reserved[at];
        if (available !== 0 || reserved !== 0) balances.push({ asset, available, reserved });
      }
      return {
        id,
        name: nameAt(accounts.names, id),
        suspended: accounts.suspended[id] !== 0,
        maxOpenOrders: accounts.maxOpenOrders[id],
        openOrders: accounts.openOrders[id],
        lastReportNo: accounts.reportNo[id],
        balances,
      };
    });
  }

  /** Up to `limit` resting orders of an account, in no particular order. Walks the slab. */
  openOrders(account: number, limit: number): OpenOrderInfo[] {
    const slab = this.#slab;
    return this.#control.readConsistently(() => {
      const orders: OpenOrderInfo[] = [];
      let left = this.#accounts.openOrders[account];
      for (let slot = 0; slot < slab.capacity && left > 0 && orders.length < limit; slot++) {
        if (slab.level(slot) === -1 || slab.account(slot) !== account) continue;
        left--;
        orders.push({
          orderId: slab.id[slot],
          clientOrderId: slab.clientOrderId(slot),
          symbol: slab.symbol(slot),
          side: slab.side(slot),
          timeInForce: slab.timeInForce(slot),
          price: slab.price(slot),
          leaves: slab.open(slot),
          filled: slab.filled(slot),
        });
      }
      return orders;
    });
  }

  #refresh(): void {
    this.#seen = this.version;
    const accounts = this.#accounts;
    this.#assetList = [];
    for (let id = 1; id < accounts.assets; id++) {
      if (accounts.assetDefined[id] === 0) continue;
      this.#assetList.push({ id, name: nameAt(accounts.assetNames, id), decimals: accounts.assetDecimals[id] });
    }
    this.#symbolList = [];
    for (let id = 1; id < this.#symbols.capacity; id++) {
      if (this.#symbols.defined[id] !== 0) this.#symbolList.push(this.#symbolInfo(id));
    }
  }

  #symbolInfo(id: number): SymbolInfo {
    const s = this.#symbols;
    const params = Object.fromEntries(PARAM_NAMES.map((name) => [name, s.param(id, SymbolParam[name])])) as Record<SymbolParamName, number>;
    return {
      id,
      name: nameAt(s.names, id),
      baseAsset: this.#assetOf(s.baseAsset[id]),
      quoteAsset: this.#assetOf(s.quoteAsset[id]),
      tickMantissa: s.tickMantissa[id],
      tickDecimals: s.tickDecimals[id],
      lotMantissa: s.lotMantissa[id],
      lotDecimals: s.lotDecimals[id],
      quotePerTickLot: s.quotePerTickLot[id],
      basePerLot: s.basePerLot[id],
      phase: s.phase[id],
      params,
      lastPrice: s.lastPrice[id],
      referencePrice: params.ReferencePrice,
      tradeId: s.tradeId[id],
    };
  }

  #assetOf(id: number): AssetInfo {
    return { id, name: nameAt(this.#accounts.assetNames, id), decimals: this.#accounts.assetDecimals[id] };
  }
}
