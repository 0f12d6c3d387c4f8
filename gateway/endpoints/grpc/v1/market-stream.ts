import { Code } from '../../../../engine/codes.ts';
import { FrameKind } from '../../../../engine/wire/layout.ts';
import { MarketFrameReader } from '../../../../engine/wire/market-frames.ts';
import type { MarketConnection } from '../../../market/market-connection.ts';
import type { MarketData } from '../../../market/market-data.ts';
import { CloseCause, type ReaderSocket } from '../../../market/reader-socket.ts';
import { ProtoWriter } from '../../../protobuf/proto-writer.ts';
import { reject } from '../../../reject.ts';
import type { GrpcCall } from '../call.ts';
import { PREFIX_BYTES } from '../message-reader.ts';
import { writeUpdate } from './market-encoder.ts';
import { richStatusOf } from './rich-status.ts';
import type { SymbolTable } from './symbol-table.ts';

const CODES: Readonly<Record<CloseCause, Code>> = {
  [CloseCause.GoingAway]: Code.DRAINING,
  [CloseCause.TooManyFaults]: Code.BAD_SUBSCRIPTION,
  [CloseCause.SlowReader]: Code.BUSY,
  [CloseCause.Expired]: Code.UNAUTHENTICATED,
  [CloseCause.ByOperator]: Code.PERMISSION_DENIED,
  [CloseCause.Busy]: Code.BUSY,
};

const reader = new MarketFrameReader();

/**
 * A reader of market data over a gRPC stream: the frames that all readers get, each written as messages of one kind when the client has
 * taken those before. What waits is counted, so that market data conflates, resynchronises and cuts it like other slow readers.
 */
export class MarketStream implements ReaderSocket {
  readonly #call: GrpcCall;
  readonly #market: MarketData;
  readonly #symbols: SymbolTable;
  readonly #out = new ProtoWriter(PREFIX_BYTES);
  /** Frames that wait, and how many of the first one's structs are written. */
  readonly #frames: Buffer[] = [];
  #done = 0;
  /** Bytes of the frames that wait. */
  #waiting = 0;
  #pieces: Uint8Array[] = [];
  #writing = false;
  #connection: MarketConnection | undefined;

  constructor(call: GrpcCall, market: MarketData, symbols: SymbolTable) {
    this.#call = call;
    this.#market = market;
    this.#symbols = symbols;
  }

  /** Its connection, which market data has opened. */
  connect(connection: MarketConnection): void {
    this.#connection = connection;
    // Market data that is stopping has closed it in `open`.
    if (this.#call.ended) this.onClose();
  }

  /** The call has written the last message. */
  onWritten(): void {
    this.#writing = false;
    this.#pump();
    if (this.#waiting === 0 && this.#connection !== undefined) this.#market.onDrain(this.#connection);
  }

  /** The call has ended. */
  onClose(): void {
    if (this.#connection !== undefined) this.#market.onClosed(this.#connection);
    this.#connection = undefined;
    this.#frames.length = 0;
    this.#waiting = 0;
  }

  buffered(): number {
    return this.#waiting;
  }

  send(frame: Uint8Array): void {
    this.#put(Buffer.from(frame));
  }

  sendPiece(piece: Uint8Array, _binary: boolean, first: boolean, last: boolean): void {
    if (first) this.#pieces = [];
    this.#pieces.push(piece.slice());
    this.#waiting += piece.length;
    if (!last) return;
    const frame = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#waiting -= frame.length;
    this.#put(frame);
  }

  cork(work: () => void): void {
    work();
  }

  close(cause: CloseCause, reason: string): void {
    const name = /^[A-Z_]+: /.exec(reason)?.[0] ?? '';
    this.#call.fail(
      richStatusOf(reject(CODES[cause], reason.slice(name.length), cause === CloseCause.GoingAway ? 'unavailable' : undefined)),
    );
    // A client that does not read may leave the call unfinished for long, and its place is free at once.
    this.onClose();
  }

  #put(frame: Buffer): void {
    if (this.#call.ended) return;
    reader.open(frame);
    // Answers and heartbeats have no message: HTTP/2 has pings of its own.
    if (reader.kind !== FrameKind.Snapshot && reader.kind !== FrameKind.Delta) return;
    this.#frames.push(frame);
    this.#waiting += frame.length;
    this.#pump();
  }

  #pump(): void {
    const frame = this.#frames[0];
    if (this.#writing || frame === undefined || this.#call.ended) return;
    reader.open(frame);
    const symbol = this.#symbols.byId(reader.symbol);
    const out = this.#out;
    out.clear();
    if (symbol !== undefined) this.#done = writeUpdate(out, reader, symbol, this.#done);
    if (symbol === undefined || this.#done === reader.count) {
      this.#done = 0;
      this.#frames.shift();
      this.#waiting -= frame.length;
    }
    this.#writing = true;
    this.#call.write(out.finish());
  }
}
