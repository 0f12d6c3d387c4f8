import { assert } from '../../engine/assert.ts';
import { Breaker } from '../../feeds/lines/breaker.ts';
import { httpGet } from '../../feeds/lines/http-get.ts';
import { newLineCounters } from '../../feeds/lines/line-counters.ts';
import { type Latency, Recorder } from '../suite/recorder.ts';

/** A request that is let through would fail at once, as nothing listens there. */
const URL = 'http://127.0.0.1:1/';

/** Requests to a host whose circuit breaker is open, one after the other. */
export class OpenBreaker {
  readonly #breaker = new Breaker(URL, { failures: 1, openMs: 3_600_000, maxOpenMs: 3_600_000 });
  readonly #recorder = new Recorder();

  /** @param calls requests of a window @returns from a request to its answer @throws InvariantError if one is not answered by the breaker */
  async window(calls: number): Promise<Latency> {
    if (this.#breaker.opened === 0) await this.#breaker.call(() => Promise.reject(new Error('down'))).catch(() => undefined);
    const counters = newLineCounters();
    const signal = new AbortController().signal;
    for (let call = 0; call < calls; call++) {
      const began = performance.now();
      await httpGet(URL, this.#breaker, counters, signal).catch(() => undefined);
      this.#recorder.record(performance.now() - began);
    }
    assert(counters.breakerRefusals === calls, 'feeds: a request that the open breaker did not answer');
    return this.#recorder.take();
  }
}
