import type { InstrumentFeed } from '../books/instrument-feed.ts';
import { FeedFault } from '../feed.ts';
import { VenueLine } from './venue-line.ts';

/** A book that has no snapshot for this long is subscribed again. */
const SNAPSHOT_US = 30e6;

/** A venue that sends a snapshot after a subscription: a lost book is subscribed again. */
export abstract class SubscriptionLine extends VenueLine {
  /** By instrument: since when it waits for a snapshot, as seen by {@link poll}; 0 = it does not. */
  readonly #waitingUs: number[] = [];

  /** Asks the venue to end the subscription of this book, and to begin it again. */
  protected abstract requestBook(instrument: string): void;

  /** The book is not what the venue has: it takes no update before its next snapshot. */
  protected lost(instrument: InstrumentFeed, fault: FeedFault): void {
    instrument.sync(fault);
    this.requestBook(instrument.name);
  }

  /** As {@link lost}, and counts the fault. */
  protected wrong(instrument: InstrumentFeed, fault: FeedFault): void {
    instrument.fault(fault);
    this.lost(instrument, fault);
  }

  override opened(nowUs: number): void {
    this.#waitingUs.fill(0);
    super.opened(nowUs);
  }

  protected override poll(nowUs: number): void {
    // Without instruments, nothing was subscribed.
    if (this.options.instruments.length === 0) return;
    for (let i = 0; i < this.instruments.length; i++) {
      const since = this.#waitingUs[i] ?? 0;
      if (this.instruments[i].whole || this.instruments[i].delisted) this.#waitingUs[i] = 0;
      else if (since === 0) this.#waitingUs[i] = nowUs;
      else if (nowUs - since > SNAPSHOT_US) {
        this.#waitingUs[i] = nowUs;
        this.wrong(this.instruments[i], FeedFault.NoSnapshot);
      }
    }
  }
}
