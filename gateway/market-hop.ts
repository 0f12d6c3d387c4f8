import { LATENCY_BOUNDS_US } from './report-tap.ts';

/** Stamps, and how many events have each; grows by doubling, is used again. */
class Stamps {
  #us = new Float64Array(256);
  #events = new Float64Array(256);
  #count = 0;

  add(timeUs: number): void {
    const last = this.#count - 1;
    if (last >= 0 && this.#us[last] === timeUs) {
      this.#events[last]++;
      return;
    }
    if (this.#count === this.#us.length) {
      this.#us = doubled(this.#us);
      this.#events = doubled(this.#events);
    }
    this.#us[this.#count] = timeUs;
    this.#events[this.#count++] = 1;
  }

  take(visit: (timeUs: number, events: number) => void): void {
    for (let i = 0; i < this.#count; i++) visit(this.#us[i], this.#events[i]);
    this.#count = 0;
  }

  clear(): void {
    this.#count = 0;
  }
}

/**
 * How long book events are in the process: from the stamp of the command that
 * caused one to the moment the flush that carries it has been handed to the
 * socket of its last reader, so matching, the disk in mode `durable`, and all
 * other readers' writes are in it. Events that nobody is sent do not count.
 * I/O thread.
 */
export class MarketHop {
  /** Per bucket of {@link LATENCY_BOUNDS_US}, and one above. */
  readonly buckets = new Float64Array(LATENCY_BOUNDS_US.length + 1);
  sumUs = 0;
  count = 0;
  /** Events that the next flush takes, and those of the one under way. */
  #pending = new Stamps();
  #leaving = new Stamps();
  #now = 0;
  readonly #observe = (timeUs: number, events: number): void => {
    const us = Math.max(0, this.#now - timeUs);
    let bucket = 0;
    while (bucket < LATENCY_BOUNDS_US.length && us > LATENCY_BOUNDS_US[bucket]) bucket++;
    this.buckets[bucket] += events;
    this.count += events;
    this.sumUs += us * events;
  };

  /** An event came from the engine. @param timeUs stamp of its command */
  note(timeUs: number): void {
    this.#pending.add(timeUs);
  }

  /** A flush has taken what is pending. @param owed somebody is sent something */
  begin(owed: boolean): void {
    if (owed) [this.#pending, this.#leaving] = [this.#leaving, this.#pending];
    else this.#pending.clear();
  }

  /** Every reader of the flush has been sent its part. @param nowUs by the clock of the stamps */
  end(nowUs: number): void {
    this.#now = nowUs;
    this.#leaving.take(this.#observe);
  }
}

function doubled(from: Float64Array): Float64Array<ArrayBuffer> {
  const to = new Float64Array(from.length * 2);
  to.set(from);
  return to;
}
