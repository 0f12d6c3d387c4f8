import { Code, codeName } from '../../../engine/codes.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import type { AlertStream, AlertStreams } from '../../alerts/alert-streams.ts';
import { rejectText } from '../../reject.ts';
import type { Admission } from '../../sessions/order-sessions.ts';
import type { AdministrationWatch } from './administration-watch.ts';
import { BalanceFeed } from './balance-feed.ts';
import { RequestError } from './request-error.ts';
import type { PrivateChannel } from './schemas/order-messages.ts';

/** Where the channels come from. */
export interface ChannelSources {
  readonly directory: Directory;
  readonly alertStreams: AlertStreams;
  readonly administration: AdministrationWatch;
}

/** The connection that has subscribed. */
export interface Subscriber {
  answer(message: object): void;
  /** @returns whether the text has been passed on; if not, {@link PrivateChannels.onDrain} follows */
  send(text: string): boolean;
  /** Whether everything that was sent has been passed on. */
  isFree(): boolean;
  /** Number of the last report that it was sent. */
  lastReport(): number;
  /** Has {@link PrivateChannels.push} called in its turn. */
  takeTurn(): void;
}

/** What one connection has subscribed to. Reports are made by its session, which asks here for whether it wants them. I/O thread. */
export class PrivateChannels {
  readonly #sources: ChannelSources;
  readonly #admission: Admission;
  readonly #subscriber: Subscriber;
  readonly #subscribed = new Set<PrivateChannel>();
  #balances: BalanceFeed | undefined;
  #unfollow: (() => void) | undefined;
  #alerts: AlertStream | undefined;

  constructor(sources: ChannelSources, admission: Admission, subscriber: Subscriber) {
    this.#sources = sources;
    this.#admission = admission;
    this.#subscriber = subscriber;
  }

  has(channel: PrivateChannel): boolean {
    return this.#subscribed.has(channel);
  }

  /** Subscribes, and answers. @param after number of an alert's event @param tag of the request @throws RequestError */
  subscribe(channel: PrivateChannel, after: number | undefined, tag: object): void {
    if (after !== undefined && channel !== 'alerts') {
      const text = 'after is for alerts: reports follow the last-report of the connection';
      throw new RequestError(Code.BAD_PARAMETER, 'BAD_PARAMETER', text);
    }
    if (channel === 'alerts') return this.#followAlerts(after ?? 0, tag);
    this.#begin(channel, tag);
    if (channel === 'balances') this.#followBalances();
  }

  /** Ends a subscription, if there is one, and answers. @param answer further fields of it */
  unsubscribe(channel: PrivateChannel, answer: object): void {
    this.#subscribed.delete(channel);
    if (channel === 'balances') this.#leaveBalances();
    if (channel === 'alerts') this.#leaveAlerts();
    this.#subscriber.answer({ kind: 'unsubscribed', channel, ...answer });
  }

  /** There were reports. `push` follows. */
  balancesChanged(): void {
    this.#balances?.change();
  }

  /** Sends the balances that have changed, if the client has read what was sent before. */
  push(): void {
    while (this.#balances !== undefined && this.#subscriber.isFree()) {
      const message = this.#balances.take(this.#subscriber.lastReport());
      if (message === undefined) return;
      this.#subscriber.answer(message);
    }
  }

  /** Everything that was sent has been passed on. */
  onDrain(): void {
    this.#alerts?.onWritten();
    this.push();
  }

  /** The connection has ended. */
  leave(): void {
    this.#leaveBalances();
    this.#leaveAlerts();
  }

  #begin(channel: PrivateChannel, tag: object): void {
    this.#subscribed.add(channel);
    this.#subscriber.answer({ kind: 'subscribed', channel, ...tag });
  }

  /** Again: all of them are sent. */
  #followBalances(): void {
    this.#balances = new BalanceFeed(this.#admission.account, this.#sources.directory);
    this.#unfollow ??= this.#sources.administration.follow(() => {
      this.#balances?.change();
      this.#subscriber.takeTurn();
    });
    this.push();
  }

  #leaveBalances(): void {
    this.#balances = undefined;
    this.#unfollow?.();
    this.#unfollow = undefined;
  }

  /** @throws RequestError */
  #followAlerts(after: number, tag: object): void {
    const { alertStreams } = this.#sources;
    const { account, principal, visit } = this.#admission;
    const was = this.#alerts !== undefined;
    // Its place is free for the new one.
    this.#leaveAlerts();
    const admission = alertStreams.admit({ account: String(account), after: String(after) }, principal, visit);
    if ('code' in admission) {
      const { code } = admission;
      if (was) this.unsubscribe('alerts', { code, name: codeName(code), text: rejectText(admission) });
      throw new RequestError(code, codeName(code), rejectText(admission));
    }
    this.#begin('alerts', tag);
    const stream = alertStreams.begin(
      {
        write: (text) => this.#subscriber.send(`{"kind":"alert","event":${text}}`),
        fail: (why) => {
          if (this.#alerts === stream) this.unsubscribe('alerts', { code: why.code, name: codeName(why.code), text: rejectText(why) });
        },
        end: () => undefined,
      },
      admission,
    );
    this.#alerts = stream;
  }

  #leaveAlerts(): void {
    const stream = this.#alerts;
    this.#alerts = undefined;
    stream?.leave();
  }
}
