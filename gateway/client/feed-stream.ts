import type { FeedStateName } from '../../feeds/feed.ts';
import { OpenbellError } from './errors.ts';
import { httpRequest } from './http-request.ts';
import { JsonSocket, RetryDelay, type StreamConnection } from './json-socket.ts';
import { pathOf } from './symbols.ts';

/** Price and quantity as decimal text, in the units of the instrument. */
export type FeedLevel = readonly [price: string, quantity: string];

export interface FeedTrade {
  readonly price: string;
  readonly quantity: string;
  readonly takerSide?: 'buy' | 'sell';
  readonly tradeId?: number;
  /** 0 if the venue gives none. */
  readonly venueTimeUs: number;
}

/** Best prices of the newest book or ticker; null: the side has no orders. */
export interface FeedBest {
  readonly bid: FeedLevel | null;
  readonly ask: FeedLevel | null;
  readonly venueTimeUs: number;
}

/** An instrument of a feed as it is: at the beginning, and again when updates were left out. */
export interface FeedSnapshot {
  readonly kind: 'snapshot';
  readonly feed: string;
  readonly instrument: string;
  /** The next update has the number behind it. */
  readonly no: number;
  readonly state: FeedStateName;
  readonly fault: string | null;
  readonly best: FeedBest;
  /** Best first. */
  readonly bids: readonly FeedLevel[];
  readonly asks: readonly FeedLevel[];
  /** Updates that this reader did not get, because it was slow; their trades are lost. */
  readonly updatesLeftOut?: number;
}

/** What has changed; what is absent has not. */
export interface FeedUpdate {
  readonly kind: 'update';
  readonly feed: string;
  readonly instrument: string;
  readonly no: number;
  readonly state?: FeedStateName;
  readonly fault?: string | null;
  readonly best?: FeedBest;
  /** Levels whose quantity has changed; "0": the level has left those that are shown. */
  readonly bids?: readonly FeedLevel[];
  readonly asks?: readonly FeedLevel[];
  /** Oldest first. */
  readonly trades?: readonly FeedTrade[];
  /** Older trades that had no room in the message. */
  readonly tradesLeftOut?: number;
  /** Records of all feeds that the exchange read too late: trades may be missing. */
  readonly missedRecords?: number;
}

export interface FeedToFollow {
  /** Name of the source in the configuration of the exchange. */
  readonly feed: string;
  /** As the venue writes them; default: all, if there are at most 32. */
  readonly instruments?: readonly string[];
  /** Of each side. Default 10. */
  readonly levels?: 1 | 10 | 50;
  readonly onMessage: (message: FeedSnapshot | FeedUpdate) => void;
  /**
   * The connection was lost and, unless it is `final`, is made again; each instrument then begins with a snapshot. It also counts as
   * lost after two minutes without a message.
   */
  readonly onLost?: (error: OpenbellError, final: boolean) => void;
}

/** Without a message for so long, the connection is made anew, ms. */
const IDLE_MS = 120_000;
/** For every other error a retry is pointless. */
const PASSING: readonly string[] = ['HTTP_FAILED', 'CONNECTION_LOST', 'BUSY', 'RECOVERING', 'DRAINING', 'TOO_MANY_REQUESTS'];

/** A feed of an exchange as it goes on: trades, best prices, and changes of the best levels. A lost connection is made again. */
export class FeedStream {
  readonly #wanted: FeedToFollow;
  readonly #connection: StreamConnection;
  readonly #onEnd: () => void;
  readonly #delay = new RetryDelay();
  #socket: JsonSocket | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #everOpen = false;
  #closed = false;

  private constructor(wanted: FeedToFollow, connection: StreamConnection, onEnd: () => void) {
    this.#wanted = wanted;
    this.#connection = connection;
    this.#onEnd = onEnd;
  }

  /** @param onEnd called when it has ended @throws OpenbellError UNKNOWN_FEED, PERMISSION_DENIED; HTTP_FAILED */
  static async open(wanted: FeedToFollow, connection: StreamConnection, onEnd: () => void): Promise<FeedStream> {
    const stream = new FeedStream(wanted, connection, onEnd);
    await stream.#connect();
    return stream;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#socket?.close();
    this.#onEnd();
  }

  /** The query first: the reason of a rejected WebSocket cannot be read. */
  async #connect(): Promise<void> {
    const { feed, instruments, levels } = this.#wanted;
    const { http } = this.#connection;
    await httpRequest(http, `/v1/feeds/${pathOf(feed)}`);
    const token = await http.tokens?.get();
    if (this.#closed) return;
    const query = new URLSearchParams({ feed });
    if (instruments !== undefined) query.set('instruments', instruments.join(','));
    if (levels !== undefined) query.set('levels', String(levels));
    let wasOpen = false;
    const socket = new JsonSocket(this.#connection, `/v1/feed-tail?${query}`, token, IDLE_MS, {
      onOpen: () => {
        wasOpen = true;
        this.#everOpen = true;
        this.#delay.reset();
      },
      onMessage: (message) => this.#wanted.onMessage(message as FeedSnapshot | FeedUpdate),
      onLost: (why) => {
        // The answer to the upgrade is not readable: what the query names may be wrong.
        const error = wasOpen
          ? new OpenbellError('CONNECTION_LOST', `the stream at ${socket.url} was closed (${why})`)
          : new OpenbellError(
              'STREAM_REFUSED',
              `the stream at ${socket.url} was not opened (${why}): check the instruments, the levels and the credentials, close other streams, or try again if the feed is just being started`,
            );
        this.#lost(error);
      },
    });
    this.#socket = socket;
  }

  #lost(error: OpenbellError): void {
    if (this.#closed) return;
    // The query was right before: the exchange may be starting.
    const passing = PASSING.includes(error.code) || (this.#everOpen && error.code === 'STREAM_REFUSED');
    const again = this.#connection.reconnect && passing;
    this.#wanted.onLost?.(error, !again);
    if (!again) return this.close();
    this.#connection.http.tokens?.discard();
    this.#retry = setTimeout(() => void this.#connect().catch((again: OpenbellError) => this.#lost(again)), this.#delay.next());
  }
}
