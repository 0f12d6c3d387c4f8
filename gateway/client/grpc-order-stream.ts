import { type Client, type ClientDuplexStream, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { Code } from '../../engine/codes.ts';
import { MIN_SCHEMA_VERSION } from '../../engine/wire/frames.ts';
import { ReportFrameReader } from '../../engine/wire/report-frame-reader.ts';
import { callError, isFinal } from './call-error.ts';
import { exchangeTooOld, OpenbellError } from './errors.ts';
import { orderEntryClient } from './grpc-client.ts';
import { malformed, missing, newestSchema, type OrderStream, type OrderStreamListener, type OrderStreamOptions } from './order-stream.ts';
import { FIRST_RETRY_MS, LAST_RETRY_MS } from './retry-delays.ts';
import { SHARD_HEADER } from './symbols.ts';
import type { TokenSource } from './token-source.ts';
import type { ClientTls } from './types.ts';

const SESSION = '/openbell.OrderEntry/Session';
const SUBMIT = '/openbell.OrderEntry/Submit';
const LAST_REPORT = 'x-openbell-last-report';
/** Of the call: the wire schema of the answers. Of its response: oldest and newest that the exchange supports, such as `1-2`. */
const SCHEMA = 'x-openbell-schema';
/** Of the call, and of its response, if the exchange does it. */
const CANCEL_ON_DISCONNECT = 'x-openbell-cancel-on-disconnect';
const SESSION_NUMBER = 'x-openbell-session-number';
const CLOSE_DEADLINE_MS = 3000;

const raw = (bytes: Buffer): Buffer => bytes;

export interface GrpcOrderOptions extends OrderStreamOptions {
  readonly tls?: ClientTls | undefined;
  /** Undefined: no credentials are sent. */
  readonly tokens?: TokenSource | undefined;
}

/** The Session call of one account. When it is lost, it is made again from the last report received. */
export class GrpcOrderStream implements OrderStream {
  /** Number of the last report taken; the consumer of reports updates it. Undefined before the stream was first open. */
  lastReport: number | undefined;
  /** Newest wire schema that the exchange supports; an exchange that does not send it supports the oldest. */
  schema: number = MIN_SCHEMA_VERSION;
  readonly #account: number;
  readonly #shard: number | undefined;
  readonly #reconnect: boolean;
  readonly #cancelOnDisconnect: number | undefined;
  readonly #sessionNumber: number | undefined;
  readonly #listener: OrderStreamListener;
  readonly #tokens: TokenSource | undefined;
  /** A new token was requested because one was rejected, and the stream has not been open since. */
  #renewed = false;
  readonly #client: Client;
  readonly #reader = new ReportFrameReader();
  #call: ClientDuplexStream<Buffer, Buffer> | undefined;
  #open = false;
  #wasOpen = false;
  #closing = false;
  #finished = false;
  #retryMs = FIRST_RETRY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: GrpcOrderOptions, listener: OrderStreamListener) {
    const { host, port, shard, account, lastReport, reconnect, tokens, tls } = options;
    this.#cancelOnDisconnect = options.cancelOnDisconnect;
    this.#sessionNumber = options.sessionNumber;
    this.lastReport = lastReport;
    this.#account = account;
    this.#shard = shard;
    this.#reconnect = reconnect;
    this.#listener = listener;
    this.#tokens = tokens;
    this.#client = orderEntryClient(host, port, tls);
    this.#connect();
  }

  write(frame: Uint8Array): boolean {
    // gRPC keeps the bytes until they are sent.
    return this.#call?.write(Buffer.from(frame)) ?? false;
  }

  /** One unary Submit. @param version schema of the frame */
  async submit(bytes: Uint8Array, version: number): Promise<ReportFrameReader> {
    const frame = Buffer.from(bytes);
    try {
      return await this.#submit(frame);
    } catch (error) {
      if (version > MIN_SCHEMA_VERSION && error instanceof OpenbellError && error.code === 'WRONG_SCHEMA_VERSION') throw exchangeTooOld();
      // The exchange took nothing of it, so it may be sent again.
      if (!this.#tokens?.renewable || !(error instanceof OpenbellError && error.code === 'UNAUTHENTICATED')) throw error;
      this.#tokens.discard();
      return await this.#submit(frame);
    }
  }

  async #submit(frame: Buffer): Promise<ReportFrameReader> {
    const metadata = this.#metadata(undefined, await this.#tokens?.get());
    return await new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(SUBMIT, raw, raw, frame, metadata, (error, answer) => {
        const reader = new ReportFrameReader();
        if (error) reject(callError(error.code, error.details));
        else if (answer === undefined || reader.open(answer) !== Code.OK) reject(malformed());
        else resolve(reader);
      });
    });
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

  /** Closes its side, and ends when the exchange has answered what was sent. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#retry);
    const call = this.#call;
    if (call !== undefined && this.#open) {
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(() => call.cancel(), CLOSE_DEADLINE_MS);
        call.once('status', () => {
          clearTimeout(deadline);
          resolve();
        });
        call.end();
      });
    } else call?.cancel();
    this.#finish(undefined);
  }

  #connect(): void {
    if (this.#tokens === undefined) return this.#begin(undefined);
    this.#tokens.get().then(
      (token) => {
        if (!this.#closing && !this.#finished) this.#begin(token);
      },
      (error: OpenbellError) => this.#lost(error, error.code === 'UNAUTHENTICATED'),
    );
  }

  #begin(token: string | undefined): void {
    const metadata = this.#metadata(this.#listener.resumeAfter(this.lastReport), token);
    if (this.#cancelOnDisconnect !== undefined) metadata.set(CANCEL_ON_DISCONNECT, String(this.#cancelOnDisconnect));
    if (this.#sessionNumber !== undefined) metadata.set(SESSION_NUMBER, String(this.#sessionNumber));
    const call = this.#client.makeBidiStreamRequest(SESSION, raw, raw, metadata);
    this.#call = call;
    call.on('metadata', (headers: Metadata) => this.#opened(headers));
    call.on('data', (bytes: Buffer) => this.#take(bytes));
    call.on('drain', () => this.#listener.onDrain());
    call.on('status', (end: StatusObject) => this.#ended(end));
    // The status event has the same information and follows every end.
    call.on('error', () => undefined);
  }

  #metadata(lastReport: number | undefined, token: string | undefined): Metadata {
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    metadata.set('x-openbell-account', String(this.#account));
    // The answers are the same in every version, and every exchange supports the oldest.
    metadata.set(SCHEMA, String(MIN_SCHEMA_VERSION));
    if (this.#shard !== undefined) metadata.set(SHARD_HEADER, String(this.#shard));
    if (lastReport !== undefined) metadata.set(LAST_REPORT, String(lastReport));
    return metadata;
  }

  #opened(headers: Metadata): void {
    const last = headers.get(LAST_REPORT)[0];
    // A rejected call has headers too, but not this one.
    if (last === undefined) return;
    const lacks = missing(
      { cancelOnDisconnect: this.#cancelOnDisconnect, sessionNumber: this.#sessionNumber },
      { cancelOnDisconnect: headers.get(CANCEL_ON_DISCONNECT).length > 0, sessionNumber: headers.get(SESSION_NUMBER).length > 0 },
    );
    if (lacks !== undefined) return this.fail(lacks);
    this.schema = newestSchema(headers.get(SCHEMA)[0], MIN_SCHEMA_VERSION);
    this.#open = true;
    this.#renewed = false;
    this.#retryMs = FIRST_RETRY_MS;
    const again = this.#wasOpen;
    this.#wasOpen = true;
    this.#listener.onOpen(again, Number(last));
  }

  #take(bytes: Buffer): void {
    if (this.#reader.open(bytes) === Code.OK) {
      this.#listener.onFrame(this.#reader);
      return;
    }
    this.#call?.cancel();
    this.#finish(malformed());
  }

  #ended(end: StatusObject): void {
    this.#open = false;
    this.#call = undefined;
    const error = callError(end.code, end.code === status.OK ? 'the exchange closed the session' : end.details);
    const again = end.code === status.OUT_OF_RANGE && !this.#closing && !this.#finished && this.#listener.onBeyondEnd();
    this.#lost(error, isFinal(end.code) && !again && !this.#renews(end.code));
  }

  /** A session ends with its token, and a restarted exchange accepts none of its earlier session tokens: one new token is tried. */
  #renews(code: number): boolean {
    if (code !== status.UNAUTHENTICATED || !this.#tokens?.renewable || this.#renewed) return false;
    this.#tokens.discard();
    this.#renewed = true;
    return true;
  }

  #lost(error: OpenbellError, final: boolean): void {
    if (this.#closing || this.#finished) return;
    if (final || !this.#reconnect) {
      this.#finish(error);
      return;
    }
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs * (0.5 + Math.random() / 2));
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
    this.#listener.onLost(error);
  }

  #finish(error: OpenbellError | undefined): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#client.close();
    this.#listener.onFinished(error);
  }
}
