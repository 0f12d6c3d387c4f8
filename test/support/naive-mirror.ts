import assert from 'node:assert/strict';
import { Side } from '../../engine/wire/layout.ts';
import { MarketEventKind, TRADE_IN_AUCTION, TRADE_KEEPS_ORDER, TRADE_KEEPS_OTHER } from '../../engine/wire/market-event.ts';
import type { EventFields } from './exchange-fixture.ts';

interface Shown {
  id: number;
  side: number;
  price: number;
  lots: number;
}

/** The orders of a symbol as market data shows them: an array in order of arrival, from the events of the book. */
export class NaiveMirror {
  #orders: Shown[] = [];

  apply(events: readonly EventFields[]): void {
    for (const { kind, side, flags, orderId, otherId, price, quantity } of events) {
      if (kind === MarketEventKind.Add) this.#orders.push({ id: orderId, side, price, lots: quantity });
      else if (kind === MarketEventKind.Reduce) this.#setLots(orderId, quantity);
      else if (kind === MarketEventKind.Remove) this.#setLots(orderId, 0);
      else if (kind === MarketEventKind.Trade) {
        if ((flags & TRADE_KEEPS_ORDER) === 0) this.#setLots(orderId, this.#find(orderId).lots - quantity);
        if ((flags & TRADE_IN_AUCTION) !== 0 && (flags & TRADE_KEEPS_OTHER) === 0)
          this.#setLots(otherId, this.#find(otherId).lots - quantity);
      }
    }
  }

  /** A side, best price first: id, price and lots. */
  shown(side: number): [id: number, price: number, lots: number][] {
    const sign = side === Side.Buy ? -1 : 1;
    const orders = this.#orders.filter((order) => order.side === side).sort((a, b) => sign * (a.price - b.price));
    return orders.map(({ id, price, lots }) => [id, price, lots]);
  }

  #find(id: number): Shown {
    const order = this.#orders.find((each) => each.id === id);
    assert.ok(order, `market data does not show order ${id}`);
    return order;
  }

  #setLots(id: number, lots: number): void {
    const order = this.#find(id);
    assert.ok(lots >= 0 && lots <= order.lots, `order ${id} shows ${order.lots}, and then ${lots}`);
    if (lots > 0) order.lots = lots;
    else this.#orders.splice(this.#orders.indexOf(order), 1);
  }
}
