import { Code } from '../../engine/codes.ts';
import { LinkKind, Side } from '../../engine/wire/layout.ts';
import type { FeeAccount } from './naive-fees.ts';
import { type NaiveIceberg, shrink } from './naive-icebergs.ts';

/** What a linked order has besides its terms. */
export interface NaiveLinked {
  id: number;
  account: number;
  side: number;
  price: number;
  open: number;
  filled: number;
  fees: FeeAccount;
  stop?: { price: number; trigger: number; unit: number };
  iceberg?: NaiveIceberg;
  link?: { partner: NaiveLinked; kind: number };
  /** Its reservation is given to its partner, which triggers. */
  unreserved?: boolean;
}

/** What the links need of the exchange. */
export interface NaiveHost<Order> {
  /** Cancels and reports. */
  cancel(o: Order, code: number): void;
  /** Reports the quantity that is left. */
  lowered(o: Order): void;
  need(o: Order): number;
  available(account: number, asset: 'quote' | 'base'): number;
  /** Whether more lots of the order may become live. */
  comes(o: Order): boolean;
  parentChanged(o: Order): void;
  parentEnded(o: Order): void;
  childTriggered(o: Order): void;
  /** A child is open no more; returns its sibling. */
  forget(o: Order): Order | undefined;
}

/** What follows for the partner of an order. */
export class NaiveLinks<Order extends NaiveLinked> {
  readonly #host: NaiveHost<Order>;

  constructor(host: NaiveHost<Order>) {
    this.#host = host;
  }

  link(one: Order, other: Order, kind: number): void {
    one.link = { partner: other, kind };
    other.link = { partner: one, kind };
  }

  /** What the order reserves: the stop of a pair, or the younger one of two, only what its partner does not. */
  reservation(o: Order): number {
    if (o.unreserved || o.open === 0) return 0;
    const partner = o.link?.partner as Order | undefined;
    if (partner === undefined || partner.side !== o.side) return this.#host.need(o);
    const isFront = o.stop === undefined || (partner.stop !== undefined && o.id < partner.id);
    return isFront ? this.#host.need(o) : Math.max(0, this.#host.need(o) - this.#host.need(partner));
  }

  /** What the order could use for itself: all that it and its partner reserve. */
  shared(o: Order): number {
    const partner = o.link?.partner as Order | undefined;
    return this.reservation(o) + (partner?.side === o.side ? this.reservation(partner) : 0);
  }

  filled(o: Order, lots: number): void {
    this.#host.parentChanged(o);
    if (o.link === undefined) return;
    const { partner, kind } = o.link;
    const left = partner.open - lots;
    if (kind === LinkKind.OneCancelsOther) this.ended(o);
    else if (left > 0 || !this.#host.comes(o)) this.#update(o, left);
  }

  /** The open quantity of the order fell without a trade of it as a maker. */
  reduced(o: Order): void {
    this.#host.parentChanged(o);
    if (o.link?.kind === LinkKind.OneUpdatesOther && o.link.partner.open !== o.open) this.#update(o, o.open);
  }

  ended(o: Order): void {
    this.#host.parentEnded(o);
    const sibling = this.#host.forget(o);
    const partner = this.#unlink(o) ?? sibling;
    if (partner !== undefined) this.#host.cancel(partner, Code.CANCELLED_LINKED);
  }

  /** Whether an amend to this price and quantity is one that the link does not allow. */
  forbids(o: Order, price: number, quantity: number): boolean {
    if (o.link === undefined) return false;
    const { partner, kind } = o.link;
    if (kind === LinkKind.OneUpdatesOther) return quantity > o.open;
    if (partner.side === o.side || partner.stop || o.stop) return false;
    return o.side === Side.Buy ? price >= partner.price : price <= partner.price;
  }

  /** The stop triggers. Returns its partner if that stays. */
  triggered(o: Order): Order | undefined {
    this.#host.childTriggered(o);
    if (o.link?.kind === LinkKind.OneCancelsOther) this.ended(o);
    const partner = this.#unlink(o);
    if (partner !== undefined) partner.unreserved = true;
    return partner;
  }

  afterTrigger(o: Order, partner: Order, rests: boolean): void {
    delete partner.unreserved;
    const left = partner.open - o.filled;
    if (rests || left <= 0) return this.#host.cancel(partner, Code.CANCELLED_LINKED);
    if (o.filled > 0) this.#lower(o, partner, left);
    if (this.#host.available(o.account, o.side === Side.Buy ? 'quote' : 'base') < 0) this.#host.cancel(partner, Code.INSUFFICIENT_FUNDS);
  }

  #update(o: Order, left: number): void {
    if (left <= 0) this.ended(o);
    else this.#lower(o, o.link?.partner as Order, left);
  }

  #lower(o: Order, partner: Order, left: number): void {
    partner.open = left;
    shrink(partner);
    partner.fees.exact = o.fees.exact;
    partner.fees.paid = o.fees.paid;
    this.#host.lowered(partner);
  }

  #unlink(o: Order): Order | undefined {
    const partner = o.link?.partner as Order | undefined;
    delete partner?.link;
    delete o.link;
    return partner;
  }

  rows(open: readonly Order[]): number[][] {
    const unit = (o: NaiveLinked): number => o.stop?.unit ?? 0;
    return open
      .filter((o) => o.link !== undefined && o.id < o.link.partner.id)
      .sort((a, b) => a.id - b.id)
      .map((o) => {
        const { partner, kind } = o.link as NonNullable<NaiveLinked['link']>;
        return [36, o.id, partner.id, kind, unit(o), unit(partner)];
      });
  }
}
