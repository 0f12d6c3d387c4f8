import { LATENCY_BOUNDS_US, LatencyBuckets } from '../latency-buckets.ts';

/** Stamps and their event counts; grows by doubling and is reused. */
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
 * The publish latency of book events: from the stamp of the command that caused
 * one to the moment the flush that carries it has been handed to the socket of
 * its last reader, so matching, the disk in mode `durable`, and all other
 * readers' writes are in it. Events without a reader do not count.
 * I/O thread.
 */
export class PublishLatency {
  readonly latency = new LatencyBuckets(LATENCY_BOUNDS_US);
  /** Events of the next flush, and of the flush in progress. */
  #pending = new Stamps();
  #leaving = new Stamps();
  #now = 0;
  readonly #observe = (timeUs: number, events: number): void => {
    this.latency.observe(Math.max(0, this.#now - timeUs), events);
  };

  /** Records an event of the engine. @param timeUs stamp of its command */
  note(timeUs: number): void {
    this.#pending.add(timeUs);
  }

  /** Call when a flush has taken the pending updates. @param owed at least one reader gets a frame */
  begin(owed: boolean): void {
    if (owed) [this.#pending, this.#leaving] = [this.#leaving, this.#pending];
    else this.#pending.clear();
  }

  /** Call when every reader of the flush has been served. @param nowUs time of the clock that stamps commands */
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
