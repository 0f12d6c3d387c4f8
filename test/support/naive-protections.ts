import { QuoteAction, Side } from '../../engine/wire/layout.ts';

interface Protection {
  windowUs: number;
  /** Fills, lots and net lots; 0 = no limit. */
  limits: number[];
  triggered: boolean;
  /** Its quotes' fills: number of the step, lots; sold ones are below 0. */
  fills: { step: number; lots: number }[];
}

interface Order {
  readonly client: number;
  readonly account: number;
  readonly side: number;
  readonly open: number;
}

/** What an order that is not placed would do to the protections. */
export interface ProtectionTrial<O> {
  isPulled(o: O): boolean;
  /** Returns how many quotes that cancels. */
  fill(o: O, lots: number): number;
}

/** Market-maker protections of the naive exchange: each keeps the list of all fills. */
export class NaiveProtections {
  nowUs = 0;
  readonly #of = new Map<number, Protection>();

  do(f: { side: number; account: number; quantity: number; clientOrderId: number; orderId: number; price: number }): void {
    const old = this.#of.get(f.account);
    if (f.side === QuoteAction.Reset) {
      if (old) Object.assign(old, { triggered: false, fills: [] });
      return;
    }
    this.#of.delete(f.account);
    if (f.quantity === 0) return;
    const limits = [f.clientOrderId, f.orderId, f.price];
    this.#of.set(f.account, { windowUs: f.quantity, limits, triggered: old?.triggered ?? false, fills: [] });
  }

  isTriggered(account: number): boolean {
    return this.#of.get(account)?.triggered ?? false;
  }

  protects({ client, account }: Order): boolean {
    return client === 0 && this.#of.has(account);
  }

  /** A resting order traded. Returns true if that triggers the protection of its account. */
  filled(o: Order, lots: number): boolean {
    const protection = this.#of.get(o.account);
    if (o.client !== 0 || protection === undefined) return false;
    protection.fills.push({ step: this.#step(protection), lots: o.side === Side.Buy ? lots : -lots });
    if (protection.triggered || !this.#exceeds(protection, [])) return false;
    protection.triggered = true;
    return true;
  }

  /** @param quotesOf the quotes of an account */
  trial<O extends Order>(quotesOf: (account: number) => readonly O[]): ProtectionTrial<O> {
    const tried = new Map<number, number[]>();
    const pulled = new Set<number>();
    const gone = new Set<O>();
    return {
      isPulled: ({ client, account }) => client === 0 && pulled.has(account),
      fill: (o, lots) => {
        const protection = this.#of.get(o.account);
        if (o.client !== 0 || protection === undefined) return 0;
        const all = [...(tried.get(o.account) ?? []), o.side === Side.Buy ? lots : -lots];
        tried.set(o.account, all);
        if (lots === o.open) gone.add(o);
        if (!this.#exceeds(protection, all)) return 0;
        pulled.add(o.account);
        return quotesOf(o.account).filter((quote) => !gone.has(quote)).length;
      },
    };
  }

  rows(): number[][] {
    const rows: number[][] = [];
    for (const [account, { windowUs, limits, triggered, fills }] of [...this.#of].sort(([a], [b]) => a - b)) {
      rows.push([33, account, windowUs, ...limits, Number(triggered)]);
      const last = Math.max(0, ...fills.map(({ step }) => step));
      for (let step = last - 15; step <= last; step++) {
        const its = fills.filter((fill) => fill.step === step).map(({ lots }) => lots);
        if (its.length > 0) rows.push([34, account, step, ...sums(its)]);
      }
    }
    return rows;
  }

  #step({ windowUs }: Protection): number {
    return Math.floor(this.nowUs / Math.ceil(windowUs / 16));
  }

  /** With further fills, now. */
  #exceeds(protection: Protection, more: readonly number[]): boolean {
    const inWindow = protection.fills.filter(({ step }) => step > this.#step(protection) - 16).map(({ lots }) => lots);
    return sums([...inWindow, ...more]).some((sum, i) => protection.limits[i] !== 0 && Math.abs(sum) > protection.limits[i]);
  }
}

function sums(lots: readonly number[]): number[] {
  const add = (all: number, n: number): number => all + n;
  return [lots.length, lots.map(Math.abs).reduce(add, 0), lots.reduce(add, 0)];
}
