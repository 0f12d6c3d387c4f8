import { Code, codeName } from '../../engine/codes.ts';
import type { Logger } from '../log.ts';
import { Rates } from '../rate.ts';
import type { OrderEntryCounters } from './order-intake.ts';

/** Longest time that an account may be without its sessions, seconds. */
export const LONGEST_GRACE = 3600;
/** Before the cancel is submitted again when it was not taken, ms. */
const RETRY_MS = 1000;
/** Cancels of one account per second, and at once, so that an account that opens and closes sessions does not delay the others. */
const PER_SECOND = 1;
const BURST = 5;

/** Submits the cancel of an account's orders; the code of its answer. */
export type CancelAccount = (account: number) => Promise<Code>;

/**
 * Cancels the orders of accounts whose sessions asked for it and are gone: when the last such
 * session of an account has left, and none has come within the time that it named. The cancel is a
 * command in the log. What is not in the log is who asked: a restart of the exchange forgets it. I/O thread.
 */
export class CancelOnDisconnect {
  readonly #cancel: CancelAccount;
  readonly #counters: Pick<OrderEntryCounters, 'disconnectCancels'>;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  readonly #rates = new Rates(PER_SECOND, BURST);
  /** Sessions that asked, by account. */
  readonly #sessions = new Map<number, number>();
  /** Accounts without such a session, until they are cancelled. */
  readonly #timers = new Map<number, NodeJS.Timeout>();
  #stopped = false;

  constructor(cancel: CancelAccount, counters: Pick<OrderEntryCounters, 'disconnectCancels'>, log: Pick<Logger, 'info' | 'warn'>) {
    this.#cancel = cancel;
    this.#counters = counters;
    this.#log = log;
  }

  /** A session that asks has opened. */
  opened(account: number): void {
    this.#sessions.set(account, (this.#sessions.get(account) ?? 0) + 1);
    clearTimeout(this.#timers.get(account));
    this.#timers.delete(account);
  }

  /** A session that asked has ended. @param grace seconds */
  closed(account: number, grace: number): void {
    const left = (this.#sessions.get(account) ?? 1) - 1;
    if (left > 0) this.#sessions.set(account, left);
    else {
      this.#sessions.delete(account);
      this.#wait(account, grace * 1000);
    }
  }

  /** The exchange stops, and ends the sessions itself: nothing is cancelled from now on. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #wait(account: number, ms: number): void {
    if (this.#stopped) return;
    this.#timers.set(
      account,
      setTimeout(() => void this.#run(account), ms),
    );
  }

  async #run(account: number): Promise<void> {
    this.#timers.delete(account);
    if (!this.#rates.take(String(account))) return this.#wait(account, RETRY_MS);
    let why: string;
    try {
      const code = await this.#cancel(account);
      if (code === Code.OK) {
        this.#counters.disconnectCancels++;
        this.#log.info({ account }, 'the sessions of the account are gone: its orders are cancelled');
        return;
      }
      why = codeName(code);
    } catch (error) {
      why = (error as Error).message;
    }
    // A session that came back meanwhile ends the attempts.
    if (this.#sessions.has(account) || this.#timers.has(account) || this.#stopped) return;
    this.#log.warn({ account, why }, 'the sessions of the account are gone, and its orders are not cancelled yet: trying again');
    this.#wait(account, RETRY_MS);
  }
}
