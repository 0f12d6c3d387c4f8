import { encodeCommand } from '../../engine/machine/command.ts';
import type { Exchange } from '../../engine/machine/exchange.ts';
import { putI64 } from '../../engine/units.ts';
import { Command, CommandKind, Phase, Side, TimeInForce } from '../../engine/wire/layout.ts';

/** Percentage of new resting orders, immediate-or-cancel orders and cancels; the rest moves a resting order. exchange-core publishes its figures for this mix. */
const NEW = 9;
const IOC = 12;
const CANCEL = 18;
const MID = 50_000;
/** Prices per side for resting orders. They are picked at random, so that about 750 of the 1,800 have an order. */
const SPREAD = 900;
/** Share of those priced through the best price. */
const THROUGH = 7;

export const CORE_ACCOUNTS = 1000;
export const CORE_RESTING = 1000;
const SYMBOL = 1;

/**
 * Commands for the bare state machine: about 1,000 resting orders on about 750
 * levels of one symbol, from 1,000 accounts. Each chunk is generated from the current
 * book, outside of the measured time, so that cancels and moves find their
 * orders. Seeded: every run gives the same commands.
 */
export class CoreFlow {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly capacity: number;
  readonly #exchange: Exchange;
  #random: number;
  #clientOrderId = 0;
  #seq = 0;
  #price = MID;

  /** @param capacity commands of a chunk */
  constructor(exchange: Exchange, capacity: number, seed = 1) {
    this.#exchange = exchange;
    this.capacity = capacity;
    this.bytes = new Uint8Array(capacity * 64);
    this.words = new Int32Array(this.bytes.buffer);
    this.#random = seed;
  }

  /** Applies the definitions, the deposits and the first resting orders; `onCommand` sees each, in slot 0. */
  setUp(onCommand: () => void = () => undefined): void {
    this.#seq = this.#exchange.seq;
    const put = (fields: Parameters<typeof encodeCommand>[3]): void => {
      encodeCommand(this.bytes, this.words, 0, { ...fields, seq: ++this.#seq, timeUs: this.#seq });
      onCommand();
      this.#exchange.apply(this.bytes, this.words, 0);
    };
    put({ kind: CommandKind.DefineAsset, symbol: 1, tag: 5, name: 'USD' });
    put({ kind: CommandKind.DefineAsset, symbol: 2, tag: 3, name: 'BTC' });
    put({
      kind: CommandKind.DefineSymbol,
      symbol: SYMBOL,
      account: 2,
      tag: 1,
      side: 2,
      timeInForce: 3,
      clientOrderId: 1,
      orderId: 1,
      name: 'BTC-USD',
    });
    put({ kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: 9, quantity: 250 });
    put({ kind: CommandKind.SetSymbol, symbol: SYMBOL, parameter: 8, quantity: 100 });
    put({ kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: Phase.Continuous });
    for (let account = 1; account <= CORE_ACCOUNTS; account++) {
      put({ kind: CommandKind.DefineAccount, account, name: `a${account}` });
      put({ kind: CommandKind.Deposit, account, symbol: 1, quantity: 8e12 });
      put({ kind: CommandKind.Deposit, account, symbol: 2, quantity: 8e12 });
    }
    for (let i = 0; i < CORE_RESTING; i++) {
      this.#newOrder(0, TimeInForce.GoodTillCancel);
      onCommand();
      this.#exchange.apply(this.bytes, this.words, 0);
    }
  }

  /** Fills the buffer with the next `count` commands; the number of resting orders stays about the same. */
  make(count: number): void {
    let resting = this.#exchange.slab.count;
    for (let slot = 0; slot < count; slot++) {
      const dice = this.#below(100);
      if (dice < NEW || resting < CORE_RESTING * 0.95) {
        this.#newOrder(slot, resting > CORE_RESTING ? TimeInForce.ImmediateOrCancel : TimeInForce.GoodTillCancel);
        resting++;
      } else if (dice < IOC) {
        this.#newOrder(slot, TimeInForce.ImmediateOrCancel);
        resting--;
      } else {
        const cancel = dice < CANCEL;
        this.#touch(slot, cancel);
        if (cancel) resting--;
      }
    }
  }

  #touch(slot: number, cancel: boolean): void {
    const { slab } = this.#exchange;
    const span = Math.min(slab.capacity, CORE_RESTING * 2);
    let order = this.#below(CORE_RESTING * 1.1);
    while (slab.level(order) === -1) order = order + 1 === span ? 0 : order + 1;
    if (cancel) this.#put(slot, CommandKind.Cancel, 0, 0, slab.account(order), 0, slab.id[order], 0, 0);
    else
      this.#put(
        slot,
        CommandKind.Amend,
        0,
        0,
        slab.account(order),
        0,
        slab.id[order],
        this.#priceFor(slab.side(order)),
        1 + this.#below(100),
      );
  }

  #newOrder(slot: number, timeInForce: number): void {
    const side = this.#below(2);
    this.#price += this.#below(3) - 1;
    const through = side === Side.Buy ? this.#price + SPREAD : this.#price - SPREAD;
    const price = timeInForce === TimeInForce.ImmediateOrCancel ? through : this.#priceFor(side);
    this.#put(
      slot,
      CommandKind.New,
      side,
      timeInForce,
      1 + this.#below(CORE_ACCOUNTS),
      ++this.#clientOrderId,
      0,
      price,
      1 + this.#below(100),
    );
  }

  /** Like encodeCommand, without an object per command: the measured process must not collect garbage. */
  #put(
    slot: number,
    kind: number,
    side: number,
    timeInForce: number,
    account: number,
    clientOrderId: number,
    orderId: number,
    price: number,
    quantity: number,
  ): void {
    const { words } = this;
    const w = slot * 16;
    this.#seq++;
    words[w] = kind | (side << 8) | (timeInForce << 16);
    words[w + Command.symbol / 4] = SYMBOL;
    words[w + Command.account / 4] = account;
    words[w + Command.tag / 4] = 0;
    putI64(words, w + Command.seq / 4, this.#seq);
    putI64(words, w + Command.timeUs / 4, this.#seq);
    putI64(words, w + Command.clientOrderId / 4, clientOrderId);
    putI64(words, w + Command.orderId / 4, orderId);
    putI64(words, w + Command.price / 4, price);
    putI64(words, w + Command.quantity / 4, quantity);
  }

  /** Mostly behind the best price, sometimes through it. */
  #priceFor(side: number): number {
    const away = this.#below(SPREAD) - THROUGH;
    return side === Side.Buy ? this.#price - away : this.#price + away;
  }

  #below(bound: number): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) | 0;
    return Math.floor(((this.#random >>> 0) / 2 ** 32) * bound);
  }
}

/** Prices of the symbol with resting orders, both sides; cold. */
export function restingLevels({ slab }: Exchange): number {
  const levels = new Set<number>();
  for (let slot = 0; slot < slab.capacity; slot++) if (slab.level(slot) !== -1) levels.add(slab.level(slot));
  return levels.size;
}
