import { type Client, type ClientReadableStream, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { Code } from '../../engine/codes.ts';
import { decodeDropCopy, encodeDropCopy, type Resumption } from '../../engine/wire/drop-copy-frame.ts';
import { MIN_SCHEMA_VERSION } from '../../engine/wire/frames.ts';
import { ReportFrameReader } from '../../engine/wire/report-frame-reader.ts';
import { callError, isFinal } from './call-error.ts';
import type { OpenbellError } from './errors.ts';
import { orderEntryClient } from './grpc-client.ts';
import { malformed } from './order-stream.ts';
import { FIRST_RETRY_MS, LAST_RETRY_MS } from './retry-delays.ts';
import { SHARD_HEADER } from './symbols.ts';
import type { TokenSource } from './token-source.ts';
import type { ClientTls } from './types.ts';

const DROP_COPY = '/openbell.OrderEntry/DropCopy';

const raw = (bytes: Buffer): Buffer => bytes;

export interface DropCopyStreamOptions {
  readonly host: string;
  readonly port: number;
  readonly shard?: number | undefined;
  readonly reconnect: boolean;
  readonly tls?: ClientTls | undefined;
  /** Undefined: no credentials are sent. */
  readonly tokens?: TokenSource | undefined;
}

export interface DropCopyListener {
  /** The accounts and their numbers, for each call. */
  points(): Resumption[];
  /** It is open. @param points where each account begins */
  onOpen(points: readonly Resumption[]): void;
  /** A verified frame, valid during the call. */
  onFrame(frame: ReportFrameReader): void;
  /** The connection was lost and a reconnect has begun. */
  onLost(error: OpenbellError): void;
  /** It has ended: it was closed, or (with an error) a retry is pointless. */
  onFinished(error: OpenbellError | undefined): void;
}

/** The DropCopy call. When it is lost, it is made again from where the listener then is. */
export class DropCopyStream {
  readonly #options: DropCopyStreamOptions;
  readonly #listener: DropCopyListener;
  readonly #client: Client;
  readonly #reader = new ReportFrameReader();
  #call: ClientReadableStream<Buffer> | undefined;
  /** The first message of the call has come. */
  #open = false;
  #paused = false;
  #finished = false;
  /** A new token was requested because one was rejected, and the call has not been open since. */
  #renewed = false;
  #retryMs = FIRST_RETRY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DropCopyStreamOptions, listener: DropCopyListener) {
    this.#options = options;
    this.#listener = listener;
    this.#client = orderEntryClient(options.host, options.port, options.tls);
    this.#connect();
  }

  /** Stops reading: the exchange sends as much as the window of the connection holds, and then ends a call that stays unread. */
  pause(): void {
    this.#paused = true;
    this.#call?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#call?.resume();
  }

  /** Repeats the call. */
  restart(): void {
    this.#call?.cancel();
  }

  /** Ends it for good. */
  fail(error: OpenbellError): void {
    this.#call?.cancel();
    this.#finish(error);
  }

  close(): void {
    this.#call?.cancel();
    this.#finish(undefined);
  }

  #connect(): void {
    const { tokens } = this.#options;
    if (tokens === undefined) return this.#begin(undefined);
    tokens.get().then(
      (token) => {
        if (!this.#finished) this.#begin(token);
      },
      (error: OpenbellError) => this.#lost(error, error.code === 'UNAUTHENTICATED'),
    );
  }

  #begin(token: string | undefined): void {
    const { shard } = this.#options;
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    if (shard !== undefined) metadata.set(SHARD_HEADER, String(shard));
    // Reports are the same in every version, and every exchange supports the oldest.
    metadata.set('x-openbell-schema', String(MIN_SCHEMA_VERSION));
    const call = this.#client.makeServerStreamRequest(DROP_COPY, raw, raw, encodeDropCopy(this.#listener.points()), metadata);
    this.#call = call;
    this.#open = false;
    call.on('data', (bytes: Buffer) => this.#call === call && this.#take(bytes));
    call.on('status', (end: StatusObject) => this.#call === call && this.#ended(end));
    // The status event has the same information and follows every end.
    call.on('error', () => undefined);
    if (this.#paused) call.pause();
  }

  #take(bytes: Buffer): void {
    if (this.#finished) return;
    if (this.#open) {
      if (this.#reader.open(bytes) === Code.OK) this.#listener.onFrame(this.#reader);
      else this.fail(malformed());
      return;
    }
    const { code, points } = decodeDropCopy(bytes);
    if (code !== Code.OK) return this.fail(malformed());
    this.#open = true;
    this.#renewed = false;
    this.#retryMs = FIRST_RETRY_MS;
    this.#listener.onOpen(points);
  }

  #ended(end: StatusObject): void {
    this.#call = undefined;
    const error = callError(end.code, end.code === status.OK ? 'the exchange closed the drop copy' : end.details);
    this.#lost(error, isFinal(end.code) && !this.#renews(end.code));
  }

  /** A call ends with its token, and a restarted exchange accepts none of its earlier session tokens: one new token is tried. */
  #renews(code: number): boolean {
    const { tokens } = this.#options;
    if (code !== status.UNAUTHENTICATED || !tokens?.renewable || this.#renewed) return false;
    tokens.discard();
    this.#renewed = true;
    return true;
  }

  #lost(error: OpenbellError, final: boolean): void {
    if (this.#finished) return;
    if (final || !this.#options.reconnect) return this.#finish(error);
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs * (0.5 + Math.random() / 2));
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
    this.#listener.onLost(error);
  }

  #finish(error: OpenbellError | undefined): void {
    if (this.#finished) return;
    this.#finished = true;
    clearTimeout(this.#retry);
    this.#client.close();
    this.#listener.onFinished(error);
  }
}
