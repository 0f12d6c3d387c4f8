import { Code } from '../../engine/codes.ts';
import { OpenbellError } from './errors.ts';
import { JsonSocket, RetryDelay, type StreamConnection } from './json-socket.ts';
import { markQuery, type Portfolio, type PortfolioToRead, readPortfolio } from './portfolio.ts';

export interface PortfolioToFollow extends PortfolioToRead {
  /** Least time between two of them, ms, 100 to 60,000. Default 1000. */
  readonly intervalMs?: number;
  /** The connection was lost, and is made again. */
  readonly onLost?: (error: OpenbellError) => void;
}

const LEAST_MS = 100;
const MOST_MS = 60_000;
/** An unchanged portfolio comes again after 10 s; without one for so long, the connection counts as lost, ms. */
const IDLE_MS = 30_000;
/** The exchange cannot be reached now, or is busy, recovering or stopping. For every other error a retry is pointless. */
const PASSING: readonly string[] = ['HTTP_FAILED', 'CONNECTION_LOST', 'BUSY', 'RECOVERING', 'DRAINING', 'TOO_MANY_REQUESTS'];

/**
 * The portfolio of an account, again and again: the first at once, the next when it or its marks have changed, at most one per interval. Only
 * the newest one is kept for a reader that is slower. A lost connection is made again. Leaving the loop, or `close`, ends it; an end for
 * another reason is thrown.
 */
export class PortfolioStream implements AsyncIterableIterator<Portfolio> {
  readonly #account: number;
  readonly #wanted: PortfolioToFollow;
  readonly #connection: StreamConnection;
  readonly #onEnd: () => void;
  #newest: Portfolio | undefined;
  #taker: PromiseWithResolvers<IteratorResult<Portfolio>> | undefined;
  #ended: { readonly error: OpenbellError | undefined } | undefined;
  readonly #delay = new RetryDelay();
  #socket: JsonSocket | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #everOpen = false;

  /** @param onEnd called when it has ended @throws OpenbellError BAD_RANGE */
  constructor(account: number, wanted: PortfolioToFollow, connection: StreamConnection, onEnd: () => void) {
    const { intervalMs = 1000 } = wanted;
    if (!Number.isInteger(intervalMs) || intervalMs < LEAST_MS || intervalMs > MOST_MS)
      throw new OpenbellError(
        'BAD_RANGE',
        `intervalMs is a whole number of milliseconds, ${LEAST_MS} to ${MOST_MS}, not ${intervalMs}`,
        Code.BAD_RANGE,
      );
    this.#account = account;
    this.#wanted = wanted;
    this.#connection = connection;
    this.#onEnd = onEnd;
    void this.#connect();
  }

  async next(): Promise<IteratorResult<Portfolio>> {
    const value = this.#newest;
    if (value !== undefined) {
      this.#newest = undefined;
      return { value, done: false };
    }
    if (this.#ended?.error !== undefined) throw this.#ended.error;
    if (this.#ended !== undefined) return { value: undefined, done: true };
    this.#taker ??= Promise.withResolvers();
    return this.#taker.promise;
  }

  async return(): Promise<IteratorResult<Portfolio>> {
    this.close();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  close(): void {
    this.#newest = undefined;
    this.#end(undefined);
  }

  /** The query first: the reason of a rejected WebSocket cannot be read. */
  async #connect(): Promise<void> {
    try {
      const first = await readPortfolio(this.#connection.http, this.#account, this.#wanted);
      const token = await this.#connection.http.tokens?.get();
      if (this.#ended !== undefined) return;
      this.#give(first);
      this.#open(token);
    } catch (error) {
      this.#lost(error as OpenbellError);
    }
  }

  #open(token: string | undefined): void {
    const query = markQuery(this.#wanted);
    query.set('account', String(this.#account));
    if (this.#wanted.intervalMs !== undefined) query.set('interval', String(this.#wanted.intervalMs));
    const socket = new JsonSocket(this.#connection, `/v1/portfolio?${query}`, token, IDLE_MS, {
      onMessage: (message) => {
        this.#everOpen = true;
        this.#delay.reset();
        this.#give(message as Portfolio);
      },
      onLost: (why) => this.#lost(new OpenbellError('CONNECTION_LOST', `the stream of the portfolio at ${socket.url} was closed (${why})`)),
    });
    this.#socket = socket;
  }

  #lost(error: OpenbellError): void {
    if (this.#ended !== undefined) return;
    const again = this.#connection.reconnect && PASSING.includes(error.code);
    if (!again || (!this.#everOpen && error.code === 'HTTP_FAILED')) return this.#end(error);
    this.#connection.http.tokens?.discard();
    this.#wanted.onLost?.(error);
    this.#retry = setTimeout(() => void this.#connect(), this.#delay.next());
  }

  #give(portfolio: Portfolio): void {
    if (this.#taker === undefined) this.#newest = portfolio;
    else this.#taker.resolve({ value: portfolio, done: false });
    this.#taker = undefined;
  }

  #end(error: OpenbellError | undefined): void {
    if (this.#ended !== undefined) return;
    this.#ended = { error };
    clearTimeout(this.#retry);
    this.#socket?.close();
    this.#onEnd();
    if (error !== undefined) this.#taker?.reject(error);
    else this.#taker?.resolve({ value: undefined, done: true });
    this.#taker = undefined;
  }
}
