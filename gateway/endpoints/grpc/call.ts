import { Code } from '../../../engine/codes.ts';
import type { Peer, PeerCertificate } from '../../tls/peer-certificate.ts';
import { encodeHeaders, type OutgoingHeaders } from '../http2/header-block.ts';
import { ErrorCode } from '../http2/protocol.ts';
import type { IncomingHeaders } from '../http2/request-headers.ts';
import type { Http2Stream, StreamHandler } from '../http2/stream.ts';
import { MessageReader, type MessageSink, PREFIX_BYTES } from './message-reader.ts';
import type { PartialBytes } from './partial-bytes.ts';
import { type CallFault, encodeDetails, fault, GrpcStatus, shortDetails } from './status.ts';

/** Serves a call. */
export interface CallHandler extends MessageSink {
  /** All messages that arrived together were delivered. */
  onMessagesEnd(): void;
  /** The client has closed its side. */
  onHalfClose(): void;
  /** The last `write` was passed to the socket; the next may follow. */
  onWritten(): void;
  /** The call has ended; nothing can be written any more. Called once. */
  onClose(): void;
}

/** The peer of an HTTP/2 connection. */
export interface ConnectedPeer extends Peer {
  /** Lifts the limits of unauthenticated connections; undefined: it has none. */
  readonly admit: (() => void) | undefined;
  /** Call it when a call of the connection was rejected: a connection with too many of them is cut. */
  readonly fault: () => void;
  /** Memory for messages in pieces. */
  readonly partial: PartialBytes;
}

const CALL_HEADERS: OutgoingHeaders = { ':status': '200', 'content-type': 'application/grpc' };
/** Headers and trailers of most calls. */
const CALL_BLOCK = encodeHeaders(CALL_HEADERS);
const OK_BLOCK = encodeHeaders({ 'grpc-status': '0' });
/** How long a client may take to close its side after the status. */
const HALF_OPEN_MS = 1000;
/** How long it may take to read the rest of the answer after that. */
const UNREAD_MS = 10_000;

/** One gRPC call on an HTTP/2 stream: messages in, messages out, a status at the end. I/O thread. */
export class GrpcCall implements StreamHandler {
  readonly headers: IncomingHeaders;
  readonly peerAddress: string;
  readonly peerCertificate: PeerCertificate | undefined;
  readonly #stream: Http2Stream;
  readonly #maxBytes: number;
  readonly #unreadMs: number;
  #handler: CallHandler | undefined;
  #reader: MessageReader | undefined;
  /** Timer of the call's deadline, then of its end. */
  #deadline: NodeJS.Timeout | undefined;
  /** A status was set; nothing is read or written any more. */
  #ended = false;

  readonly #peer: ConnectedPeer;

  /** @param unreadMs how long the client may take to read the rest of the answer of a call that has ended */
  constructor(stream: Http2Stream, maxBytes: number, peer: ConnectedPeer, unreadMs: number = UNREAD_MS) {
    this.#unreadMs = unreadMs;
    this.#peer = peer;
    this.headers = stream.headers;
    this.peerAddress = peer.address;
    this.peerCertificate = peer.certificate;
    this.#stream = stream;
    this.#maxBytes = maxBytes;
    stream.handler = this;
    const timeoutMs = parseTimeout(stream.headers['grpc-timeout']);
    // Without a deadline the call would do what its client has given up.
    if (timeoutMs === undefined) this.deny(fault(GrpcStatus.InvalidArgument, Code.BAD_RANGE, BAD_TIMEOUT));
    else if (timeoutMs !== Number.POSITIVE_INFINITY)
      this.#deadline = setTimeout(
        () => this.fail({ code: GrpcStatus.DeadlineExceeded, details: 'the call took longer than its grpc-timeout' }),
        timeoutMs,
      );
  }

  /** The call has ended or is ending; it needs no further service. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Memory for a message that is kept after its delivery. */
  get kept(): PartialBytes {
    return this.#peer.partial;
  }

  /** Marks the caller as authenticated and lifts the connection's pre-authentication limit. */
  admit(): void {
    this.#peer.admit?.();
  }

  /** Ends a call that no method serves, and counts it against its connection. */
  deny(fault: CallFault): void {
    this.fail(fault);
    this.#peer.fault();
  }

  /** Ends a request that is not a gRPC call with an HTTP status, and counts it against its connection. @param text says why */
  denyRequest(status: number, text: string, headers: OutgoingHeaders = {}): void {
    this.#ended = true;
    clearTimeout(this.#deadline);
    const type = { 'content-type': 'text/plain; charset=utf-8' };
    const block = encodeHeaders({ ':status': String(status), ...headers, ...type, 'content-length': String(text.length + 1) });
    this.#stream.answer(block, Buffer.from(this.headers[':method'] === 'HEAD' ? '' : `${text}\n`));
    this.#stream.drop();
    this.#closeLater();
    this.#peer.fault();
  }

  /** Starts reading. Headers, if given, are sent at once, so the client knows that its call was accepted. */
  serve(handler: CallHandler, headers?: OutgoingHeaders): void {
    if (this.#stream.isClosed) return handler.onClose();
    this.#handler = handler;
    if (headers !== undefined) this.#respond(headers);
    this.#reader = new MessageReader(handler, this.#maxBytes, this.#peer.partial);
    this.#stream.resume();
  }

  /** Sends the headers now, if they are not sent, so that the client knows that its call was accepted. */
  accept(headers: OutgoingHeaders): void {
    if (!this.#ended && !this.#stream.hasResponded) this.#respond(headers);
  }

  /** Sends a message: `frame` begins with {@link PREFIX_BYTES} free bytes; the call reads it until `onWritten`. */
  write(frame: Buffer): void {
    if (this.#ended) return;
    const stream = this.#stream;
    if (!stream.hasResponded) stream.respond(CALL_BLOCK, false);
    frame[0] = 0;
    frame.writeUInt32BE(frame.length - PREFIX_BYTES, 1);
    stream.write(frame);
  }

  /** Pauses reading; HTTP/2 flow control stops the client. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Ends with status OK, behind what was written. */
  end(): void {
    this.#end({ code: GrpcStatus.Ok, details: '' });
  }

  /** Ends with this status, behind what was written. */
  fail(fault: CallFault): void {
    this.#end(fault);
  }

  onData(bytes: Buffer, at: number, end: number): void {
    if (this.#ended) return;
    const fault = this.#reader?.read(bytes, at, end);
    if (fault === undefined) return;
    this.#handler?.onMessagesEnd();
    this.fail(fault);
  }

  onDataEnd(): void {
    if (!this.#ended) this.#handler?.onMessagesEnd();
  }

  onEnd(): void {
    if (this.#ended) return;
    if (this.#reader?.pending) this.fail(fault(GrpcStatus.Internal, Code.MALFORMED_FRAME, 'the call ended within a message'));
    else this.#handler?.onHalfClose();
  }

  onWritten(): void {
    if (!this.#ended) this.#handler?.onWritten();
  }

  onClose(): void {
    this.#ended = true;
    clearTimeout(this.#deadline);
    this.#reader?.close();
    this.#handler?.onClose();
    this.#handler = undefined;
  }

  #respond(headers: OutgoingHeaders): void {
    this.#stream.respond(encodeHeaders({ ...CALL_HEADERS, ...headers }), false);
  }

  #end({ code, details, status, headers }: CallFault): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#deadline);
    const stream = this.#stream;
    if (stream.isClosed) return;
    const trailers: OutgoingHeaders = {
      'grpc-status': String(code),
      ...(details !== '' && { 'grpc-message': encodeDetails(shortDetails(details)) }),
      // Binary metadata is base64 without padding.
      ...(status !== undefined && { 'grpc-status-details-bin': Buffer.from(status).toString('base64').replace(/=+$/, '') }),
    };
    if (!stream.hasResponded) stream.respond(encodeHeaders({ ...CALL_HEADERS, ...headers, ...trailers }), true);
    else stream.end(code === GrpcStatus.Ok && details === '' ? OK_BLOCK : encodeHeaders(trailers));
    stream.drop();
    this.#closeLater();
  }

  /** A client may never close its side. RFC 9113, 8.1: after a complete answer the server may ask it to stop. */
  #closeLater(): void {
    const stream = this.#stream;
    if (stream.isClosed) return;
    this.#deadline = setTimeout(() => {
      if (stream.isWritten) return stream.reset(ErrorCode.NoError);
      // gRPC clients show this code as RESOURCE_EXHAUSTED.
      this.#deadline = setTimeout(() => stream.reset(stream.isWritten ? ErrorCode.NoError : ErrorCode.EnhanceYourCalm), this.#unreadMs);
      this.#deadline.unref();
    }, HALF_OPEN_MS);
    this.#deadline.unref();
  }
}

const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
/** Deadlines longer than a timer can hold are ignored. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const BAD_TIMEOUT = 'grpc-timeout is 1 to 8 digits and a unit (H, M, S, m, u or n), given once';

/** Milliseconds of a `grpc-timeout`, Infinity when there is none; undefined when it is malformed. */
function parseTimeout(header: string | undefined): number | undefined {
  if (header === undefined) return Number.POSITIVE_INFINITY;
  const match = /^(\d{1,8})([HMSmun])$/.exec(header);
  if (match === null) return undefined;
  const ms = Number(match[1]) * UNITS[match[2]];
  return ms > MAX_TIMEOUT_MS ? Number.POSITIVE_INFINITY : ms;
}
