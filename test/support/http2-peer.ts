import { type ConnectionLimit, type ConnectionOptions, Http2Connection } from '../../gateway/endpoints/http2/connection.ts';
import type { Wire } from '../../gateway/endpoints/http2/connection-output.ts';
import { encodeHeaders } from '../../gateway/endpoints/http2/header-block.ts';
import { ErrorCode, Flag, FrameType } from '../../gateway/endpoints/http2/protocol.ts';
import type { Http2Stream, StreamHandler } from '../../gateway/endpoints/http2/stream.ts';
import { Turns } from '../../gateway/endpoints/http2/turns.ts';
import { type Frame, frame, framesOf, OPENING } from './http2-frames.ts';

/** Headers of a request. */
export const REQUEST = encodeHeaders({ ':method': 'POST', ':scheme': 'http', ':path': '/a' });
export const ANSWER = encodeHeaders({ ':status': '200' });
export const TRAILERS = encodeHeaders({ 'grpc-status': '0' });

/** Notes what its stream receives. */
export class NotingHandler implements StreamHandler {
  readonly events: string[] = [];
  readonly body: Buffer[] = [];
  readonly stream: Http2Stream;

  constructor(stream: Http2Stream) {
    this.stream = stream;
  }

  onData(bytes: Buffer, at: number, end: number): void {
    this.events.push(`data ${end - at}`);
    this.body.push(Buffer.from(bytes.subarray(at, end)));
  }

  onDataEnd(): void {
    this.events.push('data end');
  }

  onEnd(): void {
    this.events.push('end');
  }

  onWritten(): void {
    this.events.push('written');
  }

  onClose(): void {
    this.events.push('close');
  }
}

/** A connection without a socket. The test is its client, and decides when its socket takes a write. */
export class Http2Peer implements Wire {
  readonly connection: Http2Connection;
  readonly turns = new Turns();
  /** The writes, each as its frames. */
  readonly writes: Frame[][] = [];
  readonly handlers: NotingHandler[] = [];
  readonly limits: ConnectionLimit[] = [];
  /** Bytes of memory for held data that are in use. */
  held = 0;
  /** Streams that take data from their beginning. */
  takes: (stream: Http2Stream) => boolean = () => false;
  isBlocked = false;
  isClosed = false;
  closes = 0;

  constructor(options: Partial<Omit<ConnectionOptions, 'held'>> = {}, mostHeld: number = Number.POSITIVE_INFINITY) {
    const held = {
      take: (bytes: number): boolean => {
        if (this.held + bytes > mostHeld) return false;
        this.held += bytes;
        return true;
      },
      give: (bytes: number): void => {
        this.held -= bytes;
      },
    };
    const events = {
      onStream: (stream: Http2Stream): void => {
        const handler = new NotingHandler(stream);
        stream.handler = handler;
        this.handlers.push(handler);
        if (this.takes(stream)) stream.resume();
      },
      onLimit: (limit: ConnectionLimit): void => {
        this.limits.push(limit);
        this.connection.fail(ErrorCode.EnhanceYourCalm, limit);
      },
      onClose: (): void => void this.closes++,
    };
    this.connection = new Http2Connection(this, this.turns, events, {
      maxStreams: 100,
      held,
      resetBurst: 10,
      resetsPerSecond: 0,
      ...options,
    });
  }

  /** A connection whose opening has been exchanged. */
  static opened(options: Partial<Omit<ConnectionOptions, 'held'>> = {}, mostHeld?: number): Http2Peer {
    const peer = new Http2Peer(options, mostHeld);
    peer.send(OPENING);
    peer.writes.length = 0;
    return peer;
  }

  write(bytes: Buffer): boolean {
    this.writes.push(framesOf(Buffer.from(bytes)));
    return !this.isBlocked;
  }

  close(): void {
    this.isClosed = true;
  }

  destroy(): void {
    this.isClosed = true;
  }

  send(...frames: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(frames);
    this.connection.onBytes(bytes, bytes.length);
  }

  /** Opens a stream. */
  request(stream: number, { ends = false, headers = REQUEST }: { ends?: boolean; headers?: Buffer } = {}): NotingHandler {
    this.send(frame(FrameType.Headers, Flag.EndHeaders | (ends ? Flag.EndStream : 0), stream, headers));
    return this.handlers[this.handlers.length - 1];
  }

  /** The socket takes what it was given. */
  drain(): void {
    this.isBlocked = false;
    this.connection.onDrained();
  }

  /** All frames written since the last call. */
  taken(): Frame[] {
    return this.writes.splice(0).flat();
  }

  /** The error of the last GOAWAY; undefined: there was none. */
  get error(): number | undefined {
    const goAway = this.writes.flat().findLast(({ type }) => type === FrameType.GoAway);
    return goAway?.payload.readUInt32BE(4);
  }
}

/** Resolves at the end of this turn, when connections have sent what was written. */
export function turnEnd(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
