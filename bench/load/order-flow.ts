import type { CommandBatch } from '../../engine/wire/frames.ts';
import { Side, TimeInForce } from '../../engine/wire/layout.ts';

/** A traded symbol, as the admin interface reports it. */
export interface FlowSymbol {
  readonly id: number;
  /** Ticks; the flow's mid price, which never moves. */
  readonly referencePriceTicks: number;
}

/** The same with what transports need that write text. */
export interface LoadSymbol extends FlowSymbol {
  readonly name: string;
  /** Decimal text. */
  readonly tickSize: string;
  readonly lotSize: string;
}

/** Of 50 consecutive commands, this one adds liquidity at the best price, and every tenth takes a fifth of it. */
const TOUCH = 24;
const CYCLE = 50;
const TAKE_EVERY = 10;
/** Lots per immediate-or-cancel order. */
const LOTS = 10;
const TOUCH_LOTS = (LOTS * CYCLE) / TAKE_EVERY;
/** Ticks between the mid price and the resting orders: the best price, and the levels behind it. */
const BEST = 1;
const DEEP = 2;
const LEVELS = 48;

/**
 * An endless stream of orders of one account, without garbage: 46 % new orders
 * that rest, 44 % cancels of an own resting order picked at random, 10 %
 * immediate-or-cancel orders that trade at the best price. The number of resting
 * orders after a million commands is the same as after the first thousand.
 *
 * No command can be rejected: the cancelled orders rest behind the best price,
 * which no order trades through, so that they still rest whatever the other accounts
 * did meanwhile. Client order ids count upwards.
 */
export class OrderFlow {
  readonly #symbols: readonly FlowSymbol[];
  /** Client order ids of the orders behind the best price, and their symbols; 0 = free. */
  readonly #ids: Float64Array;
  readonly #symbolOf: Uint32Array;
  readonly #offset: number;
  #clientOrderId: number;
  #random: number;
  #step = 0;
  #cycle = 0;
  #filled = 0;
  #free = -1;

  /**
   * @param resting orders that the account keeps in the books
   * @param offset of this account among the others, from 0: shifts the symbol and side of its trades, so that accounts trade with each other
   * @param clientOrderId the ids count up from here; above all ids that the account ever used
   */
  constructor(symbols: readonly FlowSymbol[], resting: number, offset: number, clientOrderId: number) {
    this.#symbols = symbols;
    this.#ids = new Float64Array(resting);
    this.#symbolOf = new Uint32Array(resting);
    this.#offset = offset;
    this.#clientOrderId = clientOrderId;
    this.#random = offset + 1;
  }

  /** Restarts without the existing resting orders: for an account whose resting orders are unknown because commands were rejected. */
  reset(): void {
    this.#filled = 0;
    this.#free = -1;
  }

  /** Adds the account's next command to the batch, which is not full. */
  next(batch: CommandBatch, tag: number): void {
    const step = this.#step;
    if (step % TAKE_EVERY === TAKE_EVERY - 1) this.#trade(batch, TimeInForce.ImmediateOrCancel, LOTS, 1, tag);
    else if (step === TOUCH) this.#trade(batch, TimeInForce.GoodTillCancel, TOUCH_LOTS, 0, tag);
    else if (this.#filled < this.#ids.length) this.#rest(batch, this.#filled++, tag);
    else if (this.#free !== -1) {
      this.#rest(batch, this.#free, tag);
      this.#free = -1;
    } else {
      this.#free = this.#below(this.#ids.length);
      batch.cancel(this.#symbolOf[this.#free], this.#ids[this.#free], 0, tag);
    }
    if (step + 1 < CYCLE) this.#step++;
    else {
      this.#step = 0;
      this.#cycle++;
    }
  }

  #rest(batch: CommandBatch, slot: number, tag: number): void {
    const { id, referencePriceTicks } = this.#symbols[this.#below(this.#symbols.length)];
    const side = this.#below(2) as Side;
    const away = DEEP + this.#below(LEVELS);
    const price = side === Side.Buy ? referencePriceTicks - away : referencePriceTicks + away;
    const clientOrderId = this.#clientOrderId++;
    this.#ids[slot] = clientOrderId;
    this.#symbolOf[slot] = id;
    batch.place(id, side, TimeInForce.GoodTillCancel, price, LOTS + this.#below(LOTS), clientOrderId, tag);
  }

  /** Adds to the best price of one symbol and side, or takes from another's (`ahead` 1). Over all cycles, additions equal takes. */
  #trade(batch: CommandBatch, timeInForce: TimeInForce, lots: number, ahead: number, tag: number): void {
    const lane = (this.#cycle + this.#offset + ahead) % (2 * this.#symbols.length);
    const { id, referencePriceTicks } = this.#symbols[lane >> 1];
    const buyersPrice = lane % 2 === 0;
    const side = buyersPrice === (ahead === 0) ? Side.Buy : Side.Sell;
    const price = buyersPrice ? referencePriceTicks - BEST : referencePriceTicks + BEST;
    batch.place(id, side, timeInForce, price, lots, this.#clientOrderId++, tag);
  }

  #below(bound: number): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) | 0;
    return Math.floor(((this.#random >>> 0) / 2 ** 32) * bound);
  }
}
