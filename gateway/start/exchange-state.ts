import type { Engine } from '../../engine/threads/engine.ts';
import type { ClockWatch } from '../clock-watch.ts';
import type { Logger } from '../log.ts';
import type { ReferenceDriver } from '../reference/reference-driver.ts';
import type { FeedCandleHistory } from '../taps/feed-candles/feed-candle-history.ts';
import type { History } from '../taps/history/history.ts';
import type { PreparedHistory } from '../taps/history/prepare.ts';
import { warningsOf } from '../taps/history/start-history.ts';

/** How far the exchange is. Health and the lock read it from the first moment, so its parts are undefined at first. */
export class ExchangeState {
  recovering = true;
  draining = false;
  failed = false;
  /** The log is open for writing: what is derived from it is kept, even if the start fails later. */
  logOpened = false;
  engine: Engine | undefined;
  prepared: PreparedHistory | undefined;
  history: History | undefined;
  clockWatch: ClockWatch | undefined;
  references: ReferenceDriver | undefined;
  feedCandles: FeedCandleHistory | undefined;
  readonly #log: Logger;
  readonly #onFailed: ((error: Error) => void) | undefined;

  constructor(log: Logger, onFailed: ((error: Error) => void) | undefined) {
    this.#log = log;
    this.#onFailed = onFailed;
  }

  /** Records that the exchange has failed. Only the first error counts. */
  fail(error: Error): void {
    if (this.failed) return;
    this.failed = true;
    this.#log.fatal({ err: error }, 'the exchange has failed and no longer answers; start it again to recover');
    this.#onFailed?.(error);
  }

  /** Reasons not to be ready; empty when the exchange takes orders. */
  unready(): string[] {
    const reasons: string[] = [];
    const journal = this.engine?.status().journal.state;
    if (this.failed || journal === 'failed') reasons.push('failed');
    if (this.recovering) reasons.push('recovering');
    if (this.draining) reasons.push('draining');
    if (journal === 'disk-full' || this.history?.stats().failing) reasons.push('disk-full');
    return reasons;
  }

  /** Conditions of a ready exchange for the attention of an operator. */
  warnings(): string[] {
    return [
      ...warningsOf(this.prepared, this.history),
      ...(this.clockWatch?.warnings() ?? []),
      ...(this.references?.warnings() ?? []),
      ...(this.feedCandles?.warnings() ?? []),
    ];
  }
}
