import type { OrderBook } from '../book/order-book.ts';
import { Code } from '../codes.ts';
import {
  GROUPS,
  MASS_CANCEL_SELLS,
  MAX_PRICE_TICKS,
  ReferenceSourceId,
  SYMBOL_PARAM_RANGES,
  SYMBOL_PARAMS,
  SymbolParam,
} from '../params.ts';
import { isName, NAME_BYTES } from '../rules/accounts.ts';
import { BY_REFERENCE } from '../rules/pending-stops.ts';
import { unitsOf } from '../rules/symbols.ts';
import { getI64, LIMIT_53, type Money } from '../units.ts';
import { Command, CommandKind, Phase, SubPhase } from '../wire/layout.ts';
import { MarketEventKind } from '../wire/market-event.ts';
import { MAX_SESSION_NUMBER } from '../wire/session-number.ts';
import type { AuctionOrders } from './auction-orders.ts';
import { ControlCommands } from './control-commands.ts';
import type { Interruptions } from './interruptions.ts';
import type { MassCancels } from './mass-cancels.ts';
import { OperatorCancel } from './operator-cancel.ts';
import type { PegOrders } from './peg-orders.ts';
import { publishPhaseChange } from './publish-phase.ts';
import type { QuoteProtection } from './quote-protection.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const WORDS = Command.bytes / 4;
const MAX_DECIMALS = 18;
const MAX_ASSET_DECIMALS = 12;
const NEGATIVE = 1;
/** Parameters that can change only while the book is empty: the ladder, step and reservations of resting orders depend on them. */
const FROZEN_PARAMS: ReadonlySet<number> = new Set([SymbolParam.MaxPrice, SymbolParam.TickStep, SymbolParam.RiskModel]);
/** The last parameter of each version of the rules before those that have all. */
const LAST_PARAM = [
  0,
  SymbolParam.RiskModel,
  SymbolParam.RiskModel,
  SymbolParam.RiskModel,
  SymbolParam.SessionEnd,
  SymbolParam.VolatilityProfile,
  SymbolParam.VolatilityProfile,
];
/** The same before rules 4: orders did not have their own fees then. */
const FROZEN_FEES: ReadonlySet<number> = new Set([SymbolParam.MakerFeePpm, SymbolParam.TakerFeePpm]);

/**
 * Commands of the operator: assets, symbols, accounts, deposits, withdrawals
 * and phases. They are sequenced with the orders, so a replay applies them in
 * the same sequence. Fields: see engine/wire/openbell.fbs and docs/ADMIN.md.
 * Owned by the engine thread.
 */
export class Administration {
  /** Result of the last command: price and volume of an uncross; for a repeated command, the seq of the first one as volume; orders cancelled as volume; else 0. */
  price = 0;
  volume = 0;
  /** CancelOrders, KillSwitch, SetAccount: 1 if more orders are left that the command names. CancelGroup: orders that later commands cancel. Else 0. */
  left = 0;
  /** True if the last command repeats an earlier one. Its code is that of the first answer. */
  repeated = false;
  /** What the last command deposited, below 0 what it withdrew; 0 if it did neither. */
  moved: Money = 0;
  /** Then the balance of the account after it: what is available and what is reserved. */
  balance: Money = 0;
  readonly #state: MachineState;
  readonly #operatorCancel: OperatorCancel;
  readonly #controls: ControlCommands;
  readonly #interruptions: Interruptions;
  readonly #massCancels: MassCancels;
  readonly #auctionOrders: AuctionOrders;
  readonly #protection: QuoteProtection;
  readonly #pegOrders: PegOrders;
  readonly #openBook: (symbol: number) => void;
  readonly #isReady: (symbol: number) => boolean;
  readonly #areDue: (symbol: number) => boolean;

  /** @param openBook creates an empty book for a defined symbol, up to its MaxPrice @param isReady whether nothing is to be done before an uncross of the symbol @param areDue whether lots of children in the symbol are due */
  constructor(
    state: MachineState,
    resting: RestingOrders,
    interruptions: Interruptions,
    massCancels: MassCancels,
    auctionOrders: AuctionOrders,
    protection: QuoteProtection,
    pegOrders: PegOrders,
    openBook: (symbol: number) => void,
    isReady: (symbol: number) => boolean,
    areDue: (symbol: number) => boolean,
  ) {
    this.#isReady = isReady;
    this.#areDue = areDue;
    this.#state = state;
    this.#operatorCancel = new OperatorCancel(state, resting);
    this.#controls = new ControlCommands(state, this.#operatorCancel, massCancels);
    this.#interruptions = interruptions;
    this.#massCancels = massCancels;
    this.#auctionOrders = auctionOrders;
    this.#protection = protection;
    this.#pegOrders = pegOrders;
    this.#openBook = openBook;
  }

  apply(kind: number, bytes: Uint8Array, words: Int32Array, slot: number): Code {
    this.price = 0;
    this.volume = 0;
    this.left = 0;
    this.repeated = false;
    this.moved = 0;
    const b = slot * Command.bytes;
    const w = slot * WORDS;
    const symbol = words[w + Command.symbol / 4] >>> 0;
    const account = words[w + Command.account / 4] >>> 0;
    const parameter = bytes[b + Command.parameter];
    const quantity = getI64(words, w + Command.quantity / 4);
    const value = bytes[b + Command.side] === NEGATIVE ? -quantity : quantity;
    switch (kind) {
      case CommandKind.DefineAsset:
        return this.#defineAsset(symbol, words[w + Command.tag / 4] >>> 0, bytes, b + Command.price);
      case CommandKind.DefineSymbol:
        return this.#defineSymbol(symbol, bytes, words, b, w);
      case CommandKind.SetSymbol:
        return this.#setSymbol(symbol, parameter, value);
      case CommandKind.SetPhase:
        return this.#setPhase(symbol, parameter, bytes[b + Command.side], quantity);
      case CommandKind.Uncross:
        return this.#uncrossNow(symbol);
      case CommandKind.DefineAccount:
        return this.#defineAccount(account, bytes, b + Command.price);
      case CommandKind.SetAccount:
        return this.#swept(this.#controls.setAccount(account, parameter, value));
      case CommandKind.Deposit:
        return this.#moveOnce(words, w, account, symbol, quantity);
      case CommandKind.Withdraw:
        return this.#moveOnce(words, w, account, symbol, -quantity);
      case CommandKind.CancelOrders:
        return this.#cancelOrders();
      case CommandKind.SetLimit:
        return this.#controls.setLimit(parameter, value);
      case CommandKind.KillSwitch:
        return this.#swept(this.#controls.killSwitch(parameter, quantity));
      case CommandKind.CancelOnDisconnect:
        return this.#cancelOnDisconnect(account, 0);
      case CommandKind.CancelSession:
        return this.#cancelSession(account, quantity);
      case CommandKind.CancelGroup:
        return this.#cancelGroup(words[w + Command.tag / 4] >>> 0, symbol, quantity);
      case CommandKind.SetFeeTier:
        return this.#setFeeTier(parameter, symbol, bytes[b + Command.side] === NEGATIVE, words, w);
      case CommandKind.SetReference:
        return this.#setReference(symbol, quantity);
      default:
        return Code.UNKNOWN_KIND;
    }
  }

  #setFeeTier(table: number, asset: number, negative: boolean, words: Int32Array, w: number): Code {
    const { feeTiers, rules } = this.#state;
    if (rules < 5) return Code.UNKNOWN_KIND;
    if (!this.#isAsset(asset)) return Code.UNKNOWN_ASSET;
    const maker = getI64(words, w + Command.price / 4);
    const taker = getI64(words, w + Command.clientOrderId / 4);
    const tier = words[w + Command.tag / 4] >>> 0;
    return feeTiers.set(table, asset, tier, getI64(words, w + Command.quantity / 4), negative ? 0 - maker : maker, taker);
  }

  #defineAsset(asset: number, decimals: number, bytes: Uint8Array, nameAt: number): Code {
    const { accounts, capacities } = this.#state;
    if (asset === 0 || asset >= capacities.assets) return Code.CAPACITY;
    if (accounts.assetDefined[asset] !== 0) return Code.ALREADY_DEFINED;
    if (decimals > MAX_ASSET_DECIMALS || !isName(bytes, nameAt)) return Code.BAD_PARAMETER;
    if (this.#isTaken(accounts.assetNames, accounts.assetDefined, bytes, nameAt)) return Code.ALREADY_DEFINED;
    accounts.assetDefined[asset] = 1;
    accounts.assetDecimals[asset] = decimals;
    copyName(accounts.assetNames, asset, bytes, nameAt);
    return Code.OK;
  }

  #defineSymbol(symbol: number, bytes: Uint8Array, words: Int32Array, b: number, w: number): Code {
    const { accounts, symbols, capacities } = this.#state;
    const base = words[w + Command.account / 4] >>> 0;
    const quote = words[w + Command.tag / 4] >>> 0;
    if (symbol === 0 || symbol >= capacities.symbols) return Code.CAPACITY;
    if (symbols.defined[symbol] !== 0) return Code.ALREADY_DEFINED;
    if (!this.#isAsset(base) || !this.#isAsset(quote)) return Code.UNKNOWN_ASSET;
    const tickDecimals = bytes[b + Command.side];
    const lotDecimals = bytes[b + Command.timeInForce];
    const tickMantissa = getI64(words, w + Command.clientOrderId / 4);
    const lotMantissa = getI64(words, w + Command.orderId / 4);
    if (tickDecimals > MAX_DECIMALS || lotDecimals > MAX_DECIMALS || tickMantissa === 0 || lotMantissa === 0) return Code.BAD_PARAMETER;
    const basePerLot = unitsOf(lotMantissa, lotDecimals, accounts.assetDecimals[base]);
    const quotePerTickLot = unitsOf(tickMantissa * lotMantissa, tickDecimals + lotDecimals, accounts.assetDecimals[quote]);
    if (base === quote || !isUnits(basePerLot) || !isUnits(quotePerTickLot) || !isName(bytes, b + Command.price)) return Code.BAD_PARAMETER;
    if (this.#isTaken(symbols.names, symbols.defined, bytes, b + Command.price)) return Code.ALREADY_DEFINED;
    symbols.define(symbol);
    symbols.baseAsset[symbol] = base;
    symbols.quoteAsset[symbol] = quote;
    symbols.tickDecimals[symbol] = tickDecimals;
    symbols.lotDecimals[symbol] = lotDecimals;
    symbols.tickMantissa[symbol] = tickMantissa;
    symbols.lotMantissa[symbol] = lotMantissa;
    symbols.deriveUnits(symbol, accounts.assetDecimals);
    copyName(symbols.names, symbol, bytes, b + Command.price);
    this.#openBook(symbol);
    this.#publishPhase(symbol);
    return Code.OK;
  }

  #setSymbol(symbol: number, parameter: number, value: number): Code {
    const { symbols, feeSchedules, feeTiers, risks, rules } = this.#state;
    const book = this.#state.books[symbol];
    if (book === undefined) return Code.UNKNOWN_SYMBOL;
    if (parameter >= SYMBOL_PARAMS || (rules < 7 && parameter > LAST_PARAM[rules])) return Code.BAD_PARAMETER;
    const [lowest, highest] = SYMBOL_PARAM_RANGES[parameter];
    if (value < lowest || value > highest) return Code.BAD_PARAMETER;
    const { MaxPrice, MakerFeePpm, TakerFeePpm, FeeTierTable } = SymbolParam;
    const frozen = FROZEN_PARAMS.has(parameter) || (rules < 4 && FROZEN_FEES.has(parameter));
    if (frozen && (book.bestBid() !== 0 || book.bestAsk() !== 0 || this.#hasPending(symbol))) return Code.BOOK_NOT_EMPTY;
    const taker = parameter === TakerFeePpm ? value : symbols.param(symbol, TakerFeePpm);
    const maker = parameter === MakerFeePpm ? value : symbols.param(symbol, MakerFeePpm);
    // A rebate is paid out of the taker's fee of the same trade, so that collected fees never fall below zero.
    if (maker + taker < 0) return Code.BAD_PARAMETER;
    const table = parameter === FeeTierTable ? value : symbols.param(symbol, FeeTierTable);
    if (table !== 0 && feeTiers.tables.asset[table] !== symbols.quoteAsset[symbol]) return Code.BAD_PARAMETER;
    if (!feeSchedules.setSymbol(symbol, maker, taker, table !== 0)) return Code.CAPACITY;
    if (table !== 0) risks.track();
    symbols.setParam(symbol, parameter, value);
    if (parameter === SymbolParam.StaticBandPpm && symbols.staticPrice[symbol] === 0)
      symbols.setStaticPrice(symbol, symbols.param(symbol, SymbolParam.ReferencePrice));
    if (parameter === SymbolParam.ReferencePrice) symbols.setStaticPrice(symbol, value);
    if (parameter === SymbolParam.ReferencePrice) this.#state.stops.moved(symbol, value, value, BY_REFERENCE);
    if (parameter === MaxPrice) this.#openBook(symbol);
    if (parameter === SymbolParam.TickStep) book.priceStep = value;
    if (parameter === SymbolParam.ReferencePrice || parameter === SymbolParam.AuctionPrice) this.#publishPhase(symbol);
    return Code.OK;
  }

  /** The price of an outside market. It moves the middle of the static band only if there is none yet: otherwise both bands would be the same. */
  #setReference(symbol: number, price: number): Code {
    const { symbols, stops, rules } = this.#state;
    if (rules < 7) return Code.UNKNOWN_KIND;
    if (this.#state.books[symbol] === undefined) return Code.UNKNOWN_SYMBOL;
    if (symbols.param(symbol, SymbolParam.ReferenceSource) !== ReferenceSourceId.Outside) return Code.BAD_PARAMETER;
    if (price < 1 || price > MAX_PRICE_TICKS) return Code.BAD_PARAMETER;
    symbols.setParam(symbol, SymbolParam.ReferencePrice, price);
    if (symbols.staticPrice[symbol] === 0) symbols.setStaticPrice(symbol, price);
    stops.moved(symbol, price, price, BY_REFERENCE);
    this.#publishPhase(symbol);
    return Code.OK;
  }

  /** @param boundaryUs of the calendar; 0: the operator's command */
  #setPhase(symbol: number, phase: number, subPhase: number, boundaryUs: number): Code {
    const { symbols, rules } = this.#state;
    const book = this.#state.books[symbol];
    if (book === undefined) return Code.UNKNOWN_SYMBOL;
    if (phase > Phase.Closed) return Code.BAD_PARAMETER;
    if (rules >= 4) {
      const settable = phase === Phase.Auction && subPhase <= SubPhase.ClosingAuction;
      if ((subPhase !== SubPhase.None && !settable) || boundaryUs >= LIMIT_53) return Code.BAD_PARAMETER;
    }
    if (phase === Phase.Continuous) {
      if (symbols.phase[symbol] === Phase.Auction && !this.#state.pegs.areParked(symbol)) return Code.UNCROSS_WAITS;
      // After a halt within an auction, some may not have been parked.
      if (isCrossed(book)) this.#pegOrders.park(symbol);
      if (isCrossed(book)) return Code.BOOK_CROSSED;
    }
    // What parents filled before the close becomes live before it.
    if (phase === Phase.Closed && this.#areDue(symbol)) return Code.UNCROSS_WAITS;
    this.#interruptions.end(symbol);
    if (rules >= 5) this.#auctionOrders.beforePhase(symbol);
    symbols.phase[symbol] = phase;
    if (rules >= 4) {
      symbols.subPhase[symbol] = subPhase;
      if (boundaryUs !== 0) symbols.boundaryUs[symbol] = boundaryUs;
    }
    this.#state.stops.activate(symbol);
    this.#publishPhase(symbol);
    if (rules >= 5) this.#auctionOrders.afterPhase(symbol);
    return Code.OK;
  }

  #hasPending(symbol: number): boolean {
    const { stops, waiting, pegs } = this.#state;
    const book = stops.books[symbol];
    if (pegs.first(symbol) !== -1) return true;
    return (book !== undefined && book.count > 0) || waiting.isUsed(symbol);
  }

  #publishPhase(symbol: number): void {
    publishPhaseChange(this.#state, symbol);
    // Consumers drop the last indicative price at a change of phase, and the reference price decides between equal prices.
    if (this.#state.symbols.phase[symbol] === Phase.Auction) this.#state.changedAuctions.add(symbol);
  }

  /** The command: it waits until all that is due has ended, and the orders of the auction have entered the book. */
  #uncrossNow(symbol: number): Code {
    const { rules, symbols, books } = this.#state;
    const isAuction =
      books[symbol] !== undefined && symbols.phase[symbol] === Phase.Auction && symbols.subPhase[symbol] !== SubPhase.PreOpen;
    return rules >= 6 && isAuction && !this.#isReady(symbol) ? Code.UNCROSS_WAITS : this.uncross(symbol);
  }

  /** Also for an auction that ends by itself. Sets `price` and `volume`. */
  uncross(symbol: number): Code {
    const { symbols, market, rules } = this.#state;
    const book = this.#state.books[symbol];
    if (book === undefined) return Code.UNKNOWN_SYMBOL;
    if (symbols.phase[symbol] !== Phase.Auction || symbols.subPhase[symbol] === SubPhase.PreOpen) return Code.WRONG_PHASE;
    this.#auctionOrders.beforeUncross(symbol);
    this.#pegOrders.park(symbol);
    const [reference, rule] = [symbols.param(symbol, SymbolParam.ReferencePrice), symbols.param(symbol, SymbolParam.AuctionPrice)];
    book.indicate(reference, rule);
    this.price = book.indicativePrice;
    this.volume = book.indicativeVolume;
    book.uncross(reference, rule);
    this.#protection.afterUncross();
    if (this.volume > 0) {
      symbols.setStaticPrice(symbol, this.price);
      this.#state.stops.traded(symbol, this.price, this.price);
    }
    market.write(MarketEventKind.Indicative, 0, 0, symbol, 0, 0, 0, 0, 0);
    if (rules >= 5) this.#auctionOrders.afterUncross(symbol);
    return Code.OK;
  }

  #cancelOrders(): Code {
    if (this.#state.rules < 3) return Code.UNKNOWN_KIND;
    return this.#swept(this.#operatorCancel.apply(this.#state.order));
  }

  /** Answers with what the command cancelled. */
  #swept(code: Code): Code {
    this.volume = this.#operatorCancel.cancelled;
    this.left = this.#operatorCancel.more ? 1 : 0;
    return code;
  }

  #cancelSession(account: number, session: number): Code {
    if (this.#state.rules < 6) return Code.UNKNOWN_KIND;
    return session >= 1 && session <= MAX_SESSION_NUMBER ? this.#cancelOnDisconnect(account, session) : Code.BAD_PARAMETER;
  }

  /** @param session 0 = all orders of the account */
  #cancelOnDisconnect(account: number, session: number): Code {
    if (this.#state.rules < 5) return Code.UNKNOWN_KIND;
    if (!this.#state.accounts.exists(account)) return Code.UNKNOWN_ACCOUNT;
    this.volume = this.#massCancels.begin(account, 0, 0, Code.CANCELLED_ON_DISCONNECT, Code.CANCELLED_ON_DISCONNECT, 0, session);
    return Code.OK;
  }

  #cancelGroup(group: number, symbol: number, sides: number): Code {
    const { rules, books } = this.#state;
    if (rules < 5) return Code.UNKNOWN_KIND;
    if (group === 0 || group >= GROUPS || sides < 0 || sides > MASS_CANCEL_SELLS) return Code.BAD_PARAMETER;
    if (symbol !== 0 && books[symbol] === undefined) return Code.UNKNOWN_SYMBOL;
    this.volume = this.#massCancels.beginGroup(group, symbol, sides);
    this.left = this.#massCancels.later(this.volume);
    return Code.OK;
  }

  #defineAccount(account: number, bytes: Uint8Array, nameAt: number): Code {
    const { accounts, capacities } = this.#state;
    if (account === 0 || account >= capacities.accounts) return Code.CAPACITY;
    if (accounts.defined[account] !== 0) return Code.ALREADY_DEFINED;
    if (!isName(bytes, nameAt)) return Code.BAD_PARAMETER;
    accounts.define(account);
    this.#state.kills.watch(account);
    copyName(accounts.names, account, bytes, nameAt);
    return Code.OK;
  }

  /** A request with a key is executed once; a repeat receives the first answer. The key is in the id fields of the command. */
  #moveOnce(words: Int32Array, w: number, account: number, asset: number, amount: Money): Code {
    const { idempotencyKeys: keys, rules } = this.#state;
    const high = getI64(words, w + Command.clientOrderId / 4);
    const low = getI64(words, w + Command.orderId / 4);
    if (rules === 1 || (high === 0 && low === 0)) return this.#move(account, asset, amount);
    const known = keys.find(account, high, low);
    if (known === -1) {
      const code = this.#move(account, asset, amount);
      // Nothing was moved, and there is no account whose window would have the key.
      if (code !== Code.UNKNOWN_ACCOUNT || rules < 3) keys.remember(account, high, low, asset, amount, code, this.#state.seq);
      return code;
    }
    if (keys.asset[known] !== asset || keys.amount[known] !== amount) return Code.IDEMPOTENCY_KEY_REUSED;
    this.repeated = true;
    this.volume = keys.seq[known];
    return keys.code[known] as Code;
  }

  /** @param amount negative for a withdrawal */
  #move(account: number, asset: number, amount: Money): Code {
    const { accounts } = this.#state;
    if (account >= accounts.capacity || accounts.defined[account] === 0) return Code.UNKNOWN_ACCOUNT;
    if (!this.#isAsset(asset)) return Code.UNKNOWN_ASSET;
    if (amount === 0) return Code.BAD_PARAMETER;
    if (amount < 0 && accounts.balances[accounts.balanceAt(account, asset)] < -amount) return Code.INSUFFICIENT_FUNDS;
    // The sum of all balances of an asset stays below 2^53, so each balance does.
    if (amount > 0 && accounts.deposited[asset] + amount >= LIMIT_53) return Code.BAD_PARAMETER;
    accounts.move(account, asset, amount);
    const at = accounts.balanceAt(account, asset);
    this.moved = amount;
    this.balance = accounts.balances[at] + accounts.balances[at + 1];
    return Code.OK;
  }

  /** True if a defined asset (or symbol) has the name at `at`. Rules 1 and 2 allowed several of one name. */
  #isTaken(names: Uint8Array, defined: Uint8Array, bytes: Uint8Array, at: number): boolean {
    if (this.#state.rules < 3) return false;
    for (let id = 1; id < defined.length; id++) if (defined[id] !== 0 && isSameName(names, id, bytes, at)) return true;
    return false;
  }

  #isAsset(asset: number): boolean {
    const { accounts } = this.#state;
    return asset < accounts.assets && accounts.assetDefined[asset] !== 0;
  }
}

function isCrossed(book: OrderBook): boolean {
  return book.bestAsk() !== 0 && book.bestBid() >= book.bestAsk();
}

function isUnits(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

function copyName(names: Uint8Array, index: number, bytes: Uint8Array, at: number): void {
  for (let i = 0; i < NAME_BYTES; i++) names[index * NAME_BYTES + i] = bytes[at + i];
}

function isSameName(names: Uint8Array, index: number, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < NAME_BYTES; i++) if (names[index * NAME_BYTES + i] !== bytes[at + i]) return false;
  return true;
}
