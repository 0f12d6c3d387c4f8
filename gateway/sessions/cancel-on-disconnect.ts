import { Code, codeName } from '../../engine/codes.ts';
import { MAX_SESSION_NUMBER } from '../../engine/wire/session-number.ts';
import type { Logger } from '../log.ts';
import { Rates } from '../rate.ts';
import type { OrderEntryCounters } from './order-intake.ts';

/** Longest time that an account may be without its sessions, seconds. */
export const LONGEST_GRACE = 3600;
/** Before the cancel is submitted again when it was not taken, ms. */
const RETRY_MS = 1000;
/** Cancels of one account per second, and at once (as many as it has sessions), so that an account that opens and closes sessions does not delay the others. */
const PER_SECOND = 5;
const BURST = 64;

/** Submits the cancel of the orders that a session of the account entered; the code of its answer. */
export type CancelSession = (account: number, session: number) => Promise<Code>;

/**
 * Cancels the orders of sessions that asked for it and are gone: when the last session of an account
 * with one number has left, and none with it has come within the time that it named. The cancel is a
 * command in the log. What is not in the log is who asked: a restart of the exchange forgets it. I/O thread.
 */
export class CancelOnDisconnect {
  readonly #cancel: CancelSession;
  readonly #counters: Pick<OrderEntryCounters, 'disconnectCancels'>;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  readonly #rates = new Rates(PER_SECOND, BURST);
  /** Sessions that asked, by account and number; see keyOf. */
  readonly #sessions = new Map<number, number>();
  /** Those that are gone, until their orders are cancelled. */
  readonly #timers = new Map<number, NodeJS.Timeout>();
  #stopped = false;

  constructor(cancel: CancelSession, counters: Pick<OrderEntryCounters, 'disconnectCancels'>, log: Pick<Logger, 'info' | 'warn'>) {
    this.#cancel = cancel;
    this.#counters = counters;
    this.#log = log;
  }

  /** A session that asks has opened. */
  opened(account: number, session: number): void {
    const key = keyOf(account, session);
    this.#sessions.set(key, (this.#sessions.get(key) ?? 0) + 1);
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }

  /** A session that asked has ended. @param grace seconds */
  closed(account: number, session: number, grace: number): void {
    const key = keyOf(account, session);
    const left = (this.#sessions.get(key) ?? 1) - 1;
    if (left > 0) this.#sessions.set(key, left);
    else {
      this.#sessions.delete(key);
      this.#wait(account, session, grace * 1000);
    }
  }

  /** The exchange stops, and ends the sessions itself: nothing is cancelled from now on. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #wait(account: number, session: number, ms: number): void {
    if (this.#stopped) return;
    this.#timers.set(
      keyOf(account, session),
      setTimeout(() => void this.#run(account, session), ms),
    );
  }

  async #run(account: number, session: number): Promise<void> {
    const key = keyOf(account, session);
    this.#timers.delete(key);
    if (!this.#rates.take(String(account))) return this.#wait(account, session, RETRY_MS);
    let why: string;
    try {
      const code = await this.#cancel(account, session);
      if (code === Code.OK) {
        this.#counters.disconnectCancels++;
        this.#log.info({ account, session }, 'the session of the account is gone: its orders are cancelled');
        return;
      }
      why = codeName(code);
    } catch (error) {
      why = (error as Error).message;
    }
    // A session that came back meanwhile ends the attempts.
    if (this.#sessions.has(key) || this.#timers.has(key) || this.#stopped) return;
    this.#log.warn({ account, session, why }, 'the session of the account is gone, and its orders are not cancelled yet: trying again');
    this.#wait(account, session, RETRY_MS);
  }
}

function keyOf(account: number, session: number): number {
  return account * (MAX_SESSION_NUMBER + 1) + session;
}
