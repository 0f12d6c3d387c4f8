import type { BookListener, OrderBook } from '../book/order-book.ts';
import { ORDER_DOUBLES_SHIFT, ORDER_WORDS_SHIFT, OrderDouble, OrderWord } from '../book/order-slab.ts';
import { Code } from '../codes.ts';
import { ReferenceSourceId, SYMBOL_PARAMS, SymbolParam } from '../params.ts';
import { CARRY_BITS, CARRY_MASK, type FeeSchedules, SCHEDULE_MASK } from '../rules/fee-schedules.ts';
import { carryAfter, feeOn } from '../rules/fees.ts';
import { type Money, type PriceTicks, putI64, putU53Even, type QtyLots } from '../units.ts';
import { ReportKind, Side } from '../wire/layout.ts';
import { MarketEventKind, TRADE_IN_AUCTION, TRADE_KEEPS_ORDER, TRADE_KEEPS_OTHER } from '../wire/market-event.ts';
import { ReportFlag, ReportWord, reportTerms } from './report-writer.ts';
import type { RestingOrders } from './resting-orders.ts';
import type { MachineState } from './state.ts';

const { ReferencePrice, ReferenceSource } = SymbolParam;
const { Buy } = Side;
// Module constants: V8 folds them, but loads an imported constant each time.
const PARAMS = SYMBOL_PARAMS;
const TO_SCHEDULE = CARRY_BITS;
const TO_DOUBLES = ORDER_DOUBLES_SHIFT;
const TO_WORDS = ORDER_WORDS_SHIFT;
const { open: ORDER_OPEN, filled: ORDER_FILLED } = OrderDouble;
const { fees: ORDER_FEES } = OrderWord;
const SCHEDULE = SCHEDULE_MASK;
const CARRY = CARRY_MASK;
const { Fill: FILL } = ReportKind;
const { Trade: TRADE } = MarketEventKind;
const { Maker: MAKER, Auction: AUCTION, SelfTrade: SELF_TRADE } = ReportFlag;
const { OK } = Code;
const KEEPS_ORDER = TRADE_KEEPS_ORDER;
const {
  orderId: ORDER_ID,
  clientOrderId: CLIENT_ORDER_ID,
  price: PRICE,
  quantity: QUANTITY,
  leaves: LEAVES,
  filled: FILLED,
  fee: FEE,
  tradeId: TRADE_ID,
  contraOrderId: CONTRA,
} = ReportWord;

/** Settles a trade: money, fees, last price, two fills and a market event. Owned by the engine thread. */
export class Settlement implements BookListener {
  readonly #state: MachineState;
  readonly #slab: MachineState['slab'];
  readonly #symbols: MachineState['symbols'];
  readonly #schedules: FeeSchedules;
  readonly #order: MachineState['order'];
  readonly #aggressor: MachineState['aggressor'];
  readonly #risks: MachineState['risks'];
  readonly #accounts: MachineState['accounts'];
  readonly #reports: MachineState['reports'];
  readonly #market: MachineState['market'];
  readonly #resting: RestingOrders;

  constructor(state: MachineState, resting: RestingOrders) {
    this.#state = state;
    this.#slab = state.slab;
    this.#symbols = state.symbols;
    this.#schedules = state.feeSchedules;
    this.#order = state.order;
    this.#aggressor = state.aggressor;
    this.#risks = state.risks;
    this.#accounts = state.accounts;
    this.#reports = state.reports;
    this.#market = state.market;
    this.#resting = resting;
  }

  onTrade(_book: OrderBook, maker: number, price: PriceTicks, quantity: QtyLots): void {
    const slab = this.#slab;
    const symbols = this.#symbols;
    const order = this.#order;
    const aggressor = this.#aggressor;
    const schedules = this.#schedules;
    const risks = this.#risks;
    const accounts = this.#accounts;
    const reports = this.#reports;
    const market = this.#market;
    const symbol = order.symbol;
    const cost = price * quantity * symbols.quotePerTickLot[symbol];
    const { words: orders, doubles } = slab;
    const record = maker << TO_WORDS;
    const numbers = maker << TO_DOUBLES;
    const makerFees = orders[record | ORDER_FEES];
    const takerPpm = schedules.takerPpm[order.feeSchedule];
    // The orders may be of different schedules. A rebate is paid out of the taker's fee, so that collected fees never fall below zero.
    const makerPpm = Math.max(schedules.makerPpm[(makerFees >>> TO_SCHEDULE) & SCHEDULE], -takerPpm);
    let takerFee = 0;
    let makerFee = 0;
    if (takerPpm !== 0) {
      takerFee = feeOn(cost, takerPpm, aggressor.feeCarry);
      aggressor.feeCarry = carryAfter(cost, takerPpm, aggressor.feeCarry, takerFee);
    }
    if (makerPpm !== 0) {
      makerFee = feeOn(cost, makerPpm, makerFees & CARRY);
      orders[record | ORDER_FEES] = (makerFees & ~CARRY) | carryAfter(cost, makerPpm, makerFees & CARRY, makerFee);
    }
    let makerOpen = doubles[numbers | ORDER_OPEN] - quantity;
    let makerId = slab.id[maker];
    let flags = 0;
    if (makerFees < 0) {
      makerOpen = this.#resting.leaves(maker) - quantity;
      makerId = slab.publicId(maker);
      if (makerId === 0) flags = KEEPS_ORDER;
    }
    const risk = risks.of(symbol);
    risk.settleIncoming(order.account, symbol, order.side, cost, takerFee, quantity);
    risk.settleResting(maker, cost, makerFee, quantity);
    accounts.charge(symbols.quoteAsset[symbol], takerFee + makerFee);
    aggressor.open -= quantity;
    aggressor.filled += quantity;
    doubles[numbers | ORDER_FILLED] += quantity;
    const tradeId = this.#noteTrade(symbol, price);

    this.#reportResting(maker, MAKER, price, quantity, makerOpen, makerFee, tradeId, aggressor.orderId);
    reports.begin(reportTerms(FILL, order.side, order.timeInForce, 0), OK, order.account, symbol, order.tag);
    const { words, at } = reports;
    putU53Even(words, at | ORDER_ID, aggressor.orderId);
    putU53Even(words, at | CLIENT_ORDER_ID, order.clientOrderId);
    putU53Even(words, at | PRICE, price);
    putU53Even(words, at | QUANTITY, quantity);
    putU53Even(words, at | LEAVES, aggressor.open + aggressor.later);
    putU53Even(words, at | FILLED, aggressor.filled);
    putI64(words, at | FEE, takerFee);
    putU53Even(words, at | TRADE_ID, tradeId);
    putU53Even(words, at | CONTRA, makerId);
    market.write(TRADE, order.side, flags, symbol, makerId, price, quantity, aggressor.orderId, tradeId);
    if (makerFees < 0) this.#resting.filled(maker, quantity);
  }

  onMakerGone(_book: OrderBook, maker: number): void {
    this.#resting.gone(maker);
  }

  /** An auction trade has no aggressor: both sides pay the taker's rate. */
  onAuctionTrade(book: OrderBook, buy: number, sell: number, price: PriceTicks, quantity: QtyLots): void {
    const slab = this.#slab;
    const symbols = this.#symbols;
    const accounts = this.#accounts;
    const risks = this.#risks;
    const market = this.#market;
    const symbol = slab.symbol(buy);
    const cost = price * quantity * symbols.quotePerTickLot[symbol];
    const buyFee = this.#auctionFee(buy, cost);
    const sellFee = this.#auctionFee(sell, cost);
    const risk = risks.of(symbol);
    risk.settleResting(buy, cost, buyFee, quantity);
    risk.settleResting(sell, cost, sellFee, quantity);
    accounts.charge(symbols.quoteAsset[symbol], buyFee + sellFee);
    slab.setFilled(buy, slab.filled(buy) + quantity);
    slab.setFilled(sell, slab.filled(sell) + quantity);
    const tradeId = this.#noteTrade(symbol, price);
    const flags = this.#sameOwner(buy, sell) ? AUCTION | SELF_TRADE : AUCTION;
    const buyId = slab.publicId(buy);
    const sellId = slab.publicId(sell);
    this.#reportResting(buy, flags, price, quantity, this.#resting.leaves(buy) - quantity, buyFee, tradeId, sellId);
    this.#reportResting(sell, flags, price, quantity, this.#resting.leaves(sell) - quantity, sellFee, tradeId, buyId);
    const apart = (this.#hides(buy) ? KEEPS_ORDER : 0) | (this.#hides(sell) ? TRADE_KEEPS_OTHER : 0);
    market.write(TRADE, Buy, TRADE_IN_AUCTION | apart, symbol, buyId, price, quantity, sellId, tradeId);
    if (apart !== 0) {
      this.#showRest(buy, quantity);
      this.#showRest(sell, quantity);
    }
    for (const slot of [buy, sell]) if (slab.fees(slot) < 0) this.#resting.filled(slot, quantity);
    if (book.guards === 0) return;
    this.#protect(buy, quantity);
    this.#protect(sell, quantity);
  }

  /** Protections act after the uncross. */
  #protect(slot: number, quantity: QtyLots): void {
    const { protections } = this.#state;
    const quoter = protections.quoterOf(slot);
    if (quoter !== 0 && protections.filled(quoter, this.#slab.side(slot), quantity)) protections.tripped.push(quoter);
  }

  #hides(slot: number): boolean {
    return this.#slab.isIceberg(slot) || this.#slab.isHidden(slot);
  }

  /** Publishes what an iceberg displays after its auction trade of `quantity`, which takes from its reserve first. Called before the order changes. */
  #showRest(slot: number, quantity: QtyLots): void {
    const slab = this.#slab;
    const left = slab.total(slot) - quantity;
    const open = slab.open(slot);
    if (!slab.isIceberg(slot) || left >= open) return;
    const kind = left === 0 ? MarketEventKind.Remove : MarketEventKind.Reduce;
    this.#market.write(kind, slab.side(slot), 0, slab.symbol(slot), slab.publicId(slot), slab.price(slot), left || open, 0, 0);
  }

  /** Auctions do not prevent self-trades; their reports have a flag, from rules 4 on. */
  #sameOwner(one: number, other: number): boolean {
    const { group } = this.#accounts;
    const [first, second] = [this.#slab.account(one), this.#slab.account(other)];
    return (first === second || (group[first] !== 0 && group[first] === group[second])) && this.#state.rules >= 4;
  }

  /** The taker's fee of a resting order, and its new carry. */
  #auctionFee(slot: number, cost: Money): Money {
    const slab = this.#slab;
    const schedules = this.#schedules;
    const fees = slab.fees(slot);
    const ppm = schedules.takerPpm[(fees >>> TO_SCHEDULE) & SCHEDULE];
    const fee = feeOn(cost, ppm, fees & CARRY);
    slab.setFees(slot, (fees & ~CARRY) | carryAfter(cost, ppm, fees & CARRY, fee));
    return fee;
  }

  /** Sets the last price to the trade price, and the reference price if it follows the trades. Returns the number of the trade. */
  #noteTrade(symbol: number, price: PriceTicks): number {
    const symbols = this.#symbols;
    const { params } = symbols;
    const row = symbol * PARAMS;
    symbols.lastPrice[symbol] = price;
    if (params[row + ReferenceSource] === ReferenceSourceId.Trades) params[row + ReferencePrice] = price;
    return ++symbols.tradeId[symbol];
  }

  /** Reports the fill of a resting order, whose `filled` must be up to date. */
  #reportResting(
    slot: number,
    flags: number,
    price: PriceTicks,
    quantity: QtyLots,
    leaves: QtyLots,
    fee: Money,
    tradeId: number,
    contra: number,
  ): void {
    const slab = this.#slab;
    const reports = this.#reports;
    const terms = reportTerms(FILL, slab.side(slot), slab.timeInForce(slot), flags);
    reports.begin(terms, OK, slab.account(slot), slab.symbol(slot), slab.tag(slot));
    const { words, at } = reports;
    putU53Even(words, at | ORDER_ID, slab.id[slot]);
    putU53Even(words, at | CLIENT_ORDER_ID, slab.clientOrderId(slot));
    putU53Even(words, at | PRICE, price);
    putU53Even(words, at | QUANTITY, quantity);
    putU53Even(words, at | LEAVES, leaves);
    putU53Even(words, at | FILLED, slab.filled(slot));
    putI64(words, at | FEE, fee);
    putU53Even(words, at | TRADE_ID, tradeId);
    putU53Even(words, at | CONTRA, contra);
  }
}
