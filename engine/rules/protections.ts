import { type OrderSlab, QUOTE } from '../book/order-slab.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import type { QtyLots, TimeUs } from '../units.ts';
import { Side } from '../wire/layout.ts';
import type { Accounts } from './accounts.ts';

/** Steps of a window: the present one and those before it. */
export const STEPS = 16;

/** The limits of a protection, each 0 = none. The window is in microseconds. */
export interface ProtectionLimits {
  readonly windowUs: TimeUs;
  readonly fills: number;
  readonly lots: QtyLots;
  readonly netLots: QtyLots;
}

/** The protection of one account, and what its quotes traded in the window. */
class Protection {
  readonly limits: ProtectionLimits;
  /** A limit was exceeded: no new quotes until the client resets it. */
  triggered = false;
  /** By `step % STEPS`; lots sold are below 0 in `net`. */
  readonly fillsOf = new Float64Array(STEPS);
  readonly lotsOf = new Float64Array(STEPS);
  readonly netOf = new Float64Array(STEPS);
  /** Number of the step in which something was counted last, and the sums of the window that ends with it. */
  step = 0;
  fills = 0;
  lots = 0;
  net = 0;
  readonly #stepUs: TimeUs;
  // What a trial adds to the sums; see Protections.beginTrial.
  trial = 0;
  trialFills = 0;
  trialLots = 0;
  trialNet = 0;
  /** Its quotes that the trial trades in full. */
  trialGone = 0;
  trialTriggered = false;

  constructor(limits: ProtectionLimits) {
    this.limits = limits;
    this.#stepUs = Math.ceil(limits.windowUs / STEPS);
  }

  exceeds(fills: number, lots: QtyLots, net: QtyLots): boolean {
    const { limits } = this;
    if (limits.fills !== 0 && fills > limits.fills) return true;
    if (limits.lots !== 0 && lots > limits.lots) return true;
    return limits.netLots !== 0 && Math.abs(net) > limits.netLots;
  }

  /** Moves the window on to the time, and empties the steps that it enters. */
  roll(nowUs: TimeUs): void {
    const now = Math.floor(nowUs / this.#stepUs);
    if (now <= this.step) return;
    for (let step = Math.max(this.step + 1, now - STEPS + 1); step <= now; step++) {
      const at = step % STEPS;
      this.fills -= this.fillsOf[at];
      this.lots -= this.lotsOf[at];
      this.net -= this.netOf[at];
      this.fillsOf[at] = 0;
      this.lotsOf[at] = 0;
      this.netOf[at] = 0;
    }
    this.step = now;
  }

  /** Sets what a trial begins with: what the window has at the time. */
  beginTrial(trial: number, nowUs: TimeUs): void {
    this.trial = trial;
    this.trialFills = 0;
    this.trialLots = 0;
    this.trialNet = 0;
    this.trialGone = 0;
    this.trialTriggered = false;
    const oldest = Math.max(this.step, Math.floor(nowUs / this.#stepUs)) - STEPS + 1;
    for (let step = Math.max(oldest, 0); step <= this.step; step++) {
      const at = step % STEPS;
      this.trialFills += this.fillsOf[at];
      this.trialLots += this.lotsOf[at];
      this.trialNet += this.netOf[at];
    }
  }

  count(fills: number, lots: QtyLots, net: QtyLots): void {
    const at = this.step % STEPS;
    this.fillsOf[at] += fills;
    this.lotsOf[at] += lots;
    this.netOf[at] += net;
    this.fills += fills;
    this.lots += lots;
    this.net += net;
  }

  forget(): void {
    this.triggered = false;
    this.step = 0;
    this.fills = 0;
    this.lots = 0;
    this.net = 0;
    for (const sums of [this.fillsOf, this.lotsOf, this.netOf]) sums.fill(0);
  }
}

/**
 * Market-maker protection: limits of what the resting quotes of an account trade
 * in a window of stamped time, in all its symbols together. A fill beyond a
 * limit triggers it. The window consists of the present step, a sixteenth of it, and the
 * fifteen before, so that a fill is counted in constant time. Only accounts that asked for it have an entry. Owned by the engine thread.
 */
export class Protections implements StatePart {
  readonly kinds = [RowKind.Protection, RowKind.ProtectionStep];
  /** Accounts that an auction has triggered, and whose quotes are still in the books. */
  readonly tripped: number[] = [];
  readonly #of = new Map<number, Protection>();
  readonly #slab: OrderSlab;
  readonly #clock: { readonly timeUs: TimeUs };
  #trial = 0;

  readonly #accounts: Accounts;

  constructor(slab: OrderSlab, accounts: Accounts, clock: { readonly timeUs: TimeUs }) {
    this.#accounts = accounts;
    this.#slab = slab;
    this.#clock = clock;
  }

  /** Whether the account has a protection. */
  has(account: number): boolean {
    return this.#of.has(account);
  }

  isTriggered(account: number): boolean {
    return this.#of.size !== 0 && this.#of.get(account)?.triggered === true;
  }

  /** Sets the limits of an account; a window of 0 ends its protection. The window begins empty; what has triggered stays so until a reset. Cold. */
  set(account: number, limits: ProtectionLimits): void {
    const { triggered } = this.#of.get(account) ?? { triggered: false };
    this.#of.delete(account);
    this.#publish(account, limits, limits.windowUs !== 0 && triggered);
    if (limits.windowUs === 0) return;
    const protection = new Protection(limits);
    protection.triggered = triggered;
    this.#of.set(account, protection);
  }

  /** Shows it to queries. */
  #publish(account: number, { windowUs, fills, lots, netLots }: ProtectionLimits, triggered: boolean): void {
    const accounts = this.#accounts;
    accounts.protectionUs[account] = windowUs;
    accounts.protectionFills[account] = fills;
    accounts.protectionLots[account] = lots;
    accounts.protectionNetLots[account] = netLots;
    accounts.protectionTriggered[account] = Number(triggered);
  }

  /** Accepts new quotes again, and forgets what was traded. */
  reset(account: number): void {
    this.#of.get(account)?.forget();
    this.#accounts.protectionTriggered[account] = 0;
  }

  /** The account, if the order in `slot` is a quote of one with a protection; else 0. */
  quoterOf(slot: number): number {
    const slab = this.#slab;
    if ((slab.sideBits(slot) & QUOTE) === 0) return 0;
    const account = slab.account(slot);
    return this.#of.has(account) ? account : 0;
  }

  /** A resting quote of a protected account traded. Returns true if that triggers the protection. @param side of the quote */
  filled(account: number, side: number, lots: QtyLots): boolean {
    const protection = this.#of.get(account) as Protection;
    protection.roll(this.#clock.timeUs);
    protection.count(1, lots, side === Side.Buy ? lots : -lots);
    if (protection.triggered || !protection.exceeds(protection.fills, protection.lots, protection.net)) return false;
    protection.triggered = true;
    this.#accounts.protectionTriggered[account] = 1;
    return true;
  }

  /** Begins to try what an incoming order would trade, without a change. */
  beginTrial(): void {
    this.#trial++;
  }

  /** In the trial: whether the quotes of the account have left the books by then. */
  isPulled(account: number): boolean {
    const { trial, trialTriggered } = this.#of.get(account) as Protection;
    return trial === this.#trial && trialTriggered;
  }

  /** In the trial, a quote trades. Returns true if that triggers the protection. @param isGone it trades in full */
  tryFill(account: number, side: number, lots: QtyLots, isGone: boolean): boolean {
    const protection = this.#of.get(account) as Protection;
    if (protection.trial !== this.#trial) protection.beginTrial(this.#trial, this.#clock.timeUs);
    protection.trialFills++;
    protection.trialLots += lots;
    protection.trialNet += side === Side.Buy ? lots : -lots;
    if (isGone) protection.trialGone++;
    protection.trialTriggered = protection.exceeds(protection.trialFills, protection.trialLots, protection.trialNet);
    return protection.trialTriggered;
  }

  /** Quotes of the account that the trial has traded in full. */
  goneInTrial(account: number): number {
    return (this.#of.get(account) as Protection).trialGone;
  }

  save(out: RowWriter): void {
    for (const account of [...this.#of.keys()].sort((a, b) => a - b)) {
      const protection = this.#of.get(account) as Protection;
      const { windowUs, fills, lots, netLots } = protection.limits;
      out.row(RowKind.Protection, account, windowUs, fills, lots, netLots, Number(protection.triggered));
      for (let step = Math.max(0, protection.step - STEPS + 1); step <= protection.step; step++) {
        const at = step % STEPS;
        if (protection.fillsOf[at] === 0) continue;
        out.row(RowKind.ProtectionStep, account, step, protection.fillsOf[at], protection.lotsOf[at], protection.netOf[at]);
      }
    }
  }

  /** A row of an account is before those of its steps. */
  load(r: Float64Array, at: number): void {
    const account = r[at + 1];
    if (r[at] === RowKind.Protection) {
      const protection = new Protection({ windowUs: r[at + 2], fills: r[at + 3], lots: r[at + 4], netLots: r[at + 5] });
      protection.triggered = r[at + 6] === 1;
      this.#publish(account, protection.limits, protection.triggered);
      this.#of.set(account, protection);
      return;
    }
    const protection = this.#of.get(account) as Protection;
    protection.step = r[at + 2];
    protection.count(r[at + 3], r[at + 4], r[at + 5]);
  }
}
