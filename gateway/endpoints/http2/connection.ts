import { Rate } from '../../rate.ts';
import { ClosedStreams, StreamEnd } from './closed-streams.ts';
import { ConnectionOutput, type Wire } from './connection-output.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { HeaderAssembly } from './header-assembly.ts';
import type { MemoryBudget } from './held-bytes.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { type PeerSettings, readSettings, SETTING_BYTES } from './peer-settings.ts';
import { ErrorCode, Flag, FrameType, INITIAL_WINDOW, MAX_FRAME_PAYLOAD, MAX_WINDOW, Setting } from './protocol.ts';
import { RequestHeaders } from './request-headers.ts';
import { Http2Stream, type StreamOwner } from './stream.ts';
import { StreamList } from './stream-list.ts';
import type { TurnListener, Turns } from './turns.ts';

/** Received ahead of the reader, per stream and per connection. Each is widened when half of it is used. */
export const STREAM_WINDOW = 256 * 1024;
export const CONNECTION_WINDOW = 1024 * 1024;
const MAX_HEADER_LIST = 16 * 1024;
/** Frames that carry nothing, above those that data call for: in a burst, and per second. */
const IDLE_BURST = 10_000;
const IDLE_PER_SECOND = 1000;
/** As many such frames are called for by one frame of data: updates of two windows, a ping, and one to spare. */
const IDLE_PER_DATA = 4;
/** Payload of the server's pings. */
const PING_WORDS = [0x6f70_656e, 0x6265_6c6c] as const;

/** What a connection does too often: its peer resets streams, sends frames that carry nothing, or does not read. */
export type ConnectionLimit = 'resets' | 'idle-frames' | 'unread';

export interface ConnectionEvents {
  /** A request began: set the stream's handler. */
  onStream(stream: Http2Stream): void;
  /** A limit was exceeded: {@link Http2Connection.fail} it. */
  onLimit(limit: ConnectionLimit): void;
  /** It has ended, after all its streams. Called once. */
  onClose(): void;
}

export interface ConnectionOptions {
  /** Streams that the peer may have open. */
  readonly maxStreams: number;
  /** Memory for data whose stream does not take them, and for header blocks in pieces. */
  readonly held: MemoryBudget;
  /** Streams that the peer may reset, or cause to be reset: in a burst, and per second. */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
}

/**
 * The server's side of an HTTP/2 connection (RFC 9113), without sockets: bytes in, requests and their data out, and the other way. It
 * has no dynamic table for what it sends, no push, and no priorities. I/O thread.
 */
export class Http2Connection implements FrameSink, StreamOwner, TurnListener {
  readonly held: MemoryBudget;
  readonly #wire: Wire;
  readonly #turns: Turns;
  readonly #events: ConnectionEvents;
  readonly #frames = new FrameReader(this);
  readonly #output: ConnectionOutput;
  readonly #decoder = new HpackDecoder();
  readonly #block: HeaderAssembly;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #closed = new ClosedStreams();
  readonly #peer: PeerSettings = { initialWindow: INITIAL_WINDOW, maxFrame: MAX_FRAME_PAYLOAD };
  readonly #resets: Rate;
  readonly #idle = new Rate(IDLE_PER_SECOND, IDLE_BURST);
  /** Frames without content that data have called for. */
  #idleCredit = 0;
  #maxStreams: number;
  /** The stream of the last DATA frame. */
  #current: Http2Stream | undefined;
  /** Streams that were given data in this read. */
  readonly #touched = new StreamList();
  readonly #resumed = new StreamList();
  #lastStream = 0;
  /** Bytes received since the connection's window was last widened. */
  #received = 0;
  #hasSettings = false;
  #isReading = false;
  #isScheduled = false;
  /** It takes no new streams, and ends with the last one. */
  #isLeaving = false;
  #hasSentGoAway = false;
  #isOver = false;
  #isClosed = false;
  #onPong: (() => void) | undefined;

  constructor(wire: Wire, turns: Turns, events: ConnectionEvents, { maxStreams, held, resetBurst, resetsPerSecond }: ConnectionOptions) {
    this.#wire = wire;
    this.#turns = turns;
    this.#events = events;
    this.held = held;
    this.#block = new HeaderAssembly(held);
    this.#maxStreams = maxStreams;
    this.#resets = new Rate(resetsPerSecond, resetBurst);
    this.#output = new ConnectionOutput(wire, turns, (stream) => this.#sent(stream));
    const { control } = this.#output;
    const settings = [
      [Setting.MaxConcurrentStreams, maxStreams],
      [Setting.InitialWindowSize, STREAM_WINDOW],
      [Setting.MaxHeaderListSize, MAX_HEADER_LIST],
    ] as const;
    this.#sendSettings(settings);
    control.windowUpdate(0, CONNECTION_WINDOW - INITIAL_WINDOW);
    this.#schedule();
  }

  /** It has ended, or is about to. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Takes the bytes from 0 to `end`, valid during the call. */
  onBytes(bytes: Buffer, end: number): void {
    if (this.#isOver) return;
    this.#isReading = true;
    this.#frames.read(bytes, end);
    const touched = this.#touched;
    for (let i = 0; i < touched.count; i++) endRead(touched.at(i));
    touched.keep(0);
    if (this.#received >= CONNECTION_WINDOW / 2) {
      this.#output.control.windowUpdate(0, this.#received);
      this.#received = 0;
    }
    this.#isReading = false;
    if (!this.#isOver) this.#flush();
  }

  /** The socket has taken the last write. */
  onDrained(): void {
    if (this.#isClosed) return;
    this.#output.drained();
  }

  /** The socket has closed. */
  onLost(): void {
    this.#end();
  }

  onTurnEnd(): void {
    const resumed = this.#resumed;
    for (let i = 0; i < resumed.count; i++) resumed.at(i).deliver();
    resumed.keep(0);
    this.#isScheduled = false;
    if (!this.#isOver) this.#flush();
  }

  /** Announces that the peer may have as many streams open. */
  permitStreams(count: number): void {
    if (this.#isOver) return;
    this.#maxStreams = count;
    this.#sendSettings([[Setting.MaxConcurrentStreams, count]]);
    this.#schedule();
  }

  /** Asks the peer for an answer. @param onPong called when it comes */
  ping(onPong: () => void): void {
    if (this.#isOver) return;
    this.#onPong = onPong;
    this.#output.control.control(FrameType.Ping, 0, 0, 2, ...PING_WORDS);
    this.#schedule();
  }

  /** Takes no new streams, and closes the connection with the last one. */
  leave(): void {
    if (this.#isOver) return;
    this.#isLeaving = true;
    if (!this.#hasSentGoAway) this.#goAway(ErrorCode.NoError, '');
    if (this.#streams.size === 0) this.#finish();
    else this.#schedule();
  }

  /** Ends the connection, and all its streams, because of an error of the peer. */
  fail(code: ErrorCode, why: string): void {
    if (this.#isOver) return;
    this.#goAway(code, why);
    this.#finish();
  }

  /** Ends it without a word. */
  destroy(): void {
    this.#wire.destroy();
    this.#end();
  }

  onBadFrame(code: ErrorCode, why: string): void {
    this.fail(code, why);
  }

  onFrame(type: number, flags: number, stream: number, bytes: Buffer, at: number, length: number): boolean {
    const end = at + length;
    if (type === FrameType.Data && this.#block.stream === 0 && this.#hasSettings) this.#onData(flags, stream, bytes, at, end);
    else if (!this.#hasSettings && type !== FrameType.Settings) this.#wrong('the first frame is not SETTINGS');
    else if (this.#block.stream !== 0 && (type !== FrameType.Continuation || stream !== this.#block.stream))
      this.#wrong('a header block is interrupted by another frame');
    else this.#onOther(type, flags, stream, bytes, at, end);
    return !this.#isOver;
  }

  sends(stream: Http2Stream): void {
    this.#output.add(stream);
    this.#schedule();
  }

  resumes(stream: Http2Stream): void {
    this.#resumed.push(stream);
    this.#schedule(true);
  }

  consumed(stream: Http2Stream, bytes: number): void {
    stream.taken += bytes;
    if (stream.taken < STREAM_WINDOW / 2 || stream.hasEnded || stream.isClosed) return;
    this.#output.control.windowUpdate(stream.id, stream.taken);
    stream.used -= stream.taken;
    stream.taken = 0;
    this.#schedule();
  }

  resets(stream: Http2Stream, code: ErrorCode): void {
    this.#output.control.resetStream(stream.id, code);
    this.#schedule();
    this.#close(stream, StreamEnd.ByUs);
  }

  #onOther(type: number, flags: number, stream: number, bytes: Buffer, at: number, end: number): void {
    switch (type) {
      case FrameType.Headers:
        return this.#onHeaders(flags, stream, bytes, at, end);
      case FrameType.Priority:
        return this.#onPriority(stream, bytes, at, end);
      case FrameType.RstStream:
        return this.#onReset(stream, end - at);
      case FrameType.Settings:
        return this.#onSettings(flags, stream, bytes, at, end);
      case FrameType.PushPromise:
        return this.#wrong('a client does not push');
      case FrameType.Ping:
        return this.#onPing(flags, stream, bytes, at, end - at);
      case FrameType.GoAway:
        return this.#onGoAway(stream, bytes, at, end - at);
      case FrameType.WindowUpdate:
        return this.#onWindowUpdate(stream, bytes, at, end - at);
      case FrameType.Continuation:
        return this.#onContinuation(flags, bytes, at, end);
      default:
        return this.#countIdle();
    }
  }

  #onData(flags: number, id: number, bytes: Buffer, at: number, end: number): void {
    this.#received += end - at;
    if (this.#received > CONNECTION_WINDOW) return this.fail(ErrorCode.FlowControlError, 'more data than the window of the connection');
    let from = at;
    let to = end;
    if ((flags & Flag.Padded) !== 0) {
      if (at === end) return this.fail(ErrorCode.FrameSizeError, 'a padded frame without the length of its padding');
      from = at + 1;
      to = end - bytes[at];
      if (to < from) return this.#wrong('the padding is longer than its frame');
    }
    const stream = this.#current?.id === id ? this.#current : this.#streams.get(id);
    if (stream === undefined) return this.#onDataOfNone(id);
    if (stream.hasEnded) return this.fail(ErrorCode.StreamClosed, 'data behind the end of their stream');
    this.#current = stream;
    stream.used += end - at;
    if (stream.used > STREAM_WINDOW) return this.#streamError(id, ErrorCode.FlowControlError);
    if (stream.isFlowing && !stream.isTouched) {
      stream.isTouched = true;
      this.#touched.push(stream);
    }
    const padding = end - at - (to - from);
    if (padding !== 0) this.consumed(stream, padding);
    const error = stream.receive(bytes, from, to);
    if (error !== ErrorCode.NoError) return this.#streamError(id, error);
    if ((flags & Flag.EndStream) !== 0) this.#endOf(stream);
    else if (to === from) this.#countIdle();
    else this.#noteData();
  }

  #onDataOfNone(id: number): void {
    if (id === 0 || id > this.#lastStream || (id & 1) === 0) return this.#wrong('data of a stream that was not opened');
    const end = this.#closed.find(id);
    if (end === StreamEnd.ByUs) return this.#countIdle();
    if (end === StreamEnd.Unknown) return this.#streamError(id, ErrorCode.StreamClosed);
    this.fail(ErrorCode.StreamClosed, 'data of a stream that is closed');
  }

  /** The client has closed its side of the stream. */
  #endOf(stream: Http2Stream): void {
    endRead(stream);
    if (stream.isClosed) return;
    const error = stream.receiveEnd();
    if (error !== ErrorCode.NoError) this.#streamError(stream.id, error);
    else if (stream.out.isDone) this.#close(stream, StreamEnd.Complete);
  }

  #onHeaders(flags: number, id: number, bytes: Buffer, at: number, end: number): void {
    if ((id & 1) === 0) return this.#wrong('the streams of a client have odd numbers');
    let from = at;
    let to = end;
    if ((flags & Flag.Padded) !== 0) {
      from++;
      to = at === end ? at : end - bytes[at];
    }
    if ((flags & Flag.Priority) !== 0) from += 5;
    if (from > to) return this.#wrong('the padding is longer than its frame');
    if ((flags & Flag.Priority) !== 0 && (bytes.readUInt32BE(from - 5) & MAX_WINDOW) === id)
      return this.#wrong('a stream depends on itself');
    const endsStream = (flags & Flag.EndStream) !== 0;
    if ((flags & Flag.EndHeaders) !== 0) return this.#onBlock(id, endsStream, bytes, from, to);
    if (!this.#block.begin(id, endsStream, bytes, from, to)) this.#tooManyHeaders();
  }

  #onContinuation(flags: number, bytes: Buffer, at: number, end: number): void {
    const block = this.#block;
    if (block.stream === 0) return this.#wrong('nothing is continued');
    if (!block.add(bytes, at, end)) return this.#tooManyHeaders();
    if ((flags & Flag.EndHeaders) === 0) return;
    const { stream } = block;
    const whole = block.take();
    this.#onBlock(stream, block.endsStream, whole, 0, whole.length);
  }

  #onBlock(id: number, endsStream: boolean, bytes: Buffer, at: number, end: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined && id <= this.#lastStream && !this.#mayBeLate(id)) return;
    if (stream?.hasEnded) return this.fail(ErrorCode.StreamClosed, 'headers behind the end of their stream');
    const headers = new RequestHeaders(stream !== undefined, MAX_HEADER_LIST);
    if (!this.#decoder.decode(bytes, at, end, headers)) return this.fail(ErrorCode.CompressionError, 'a header block cannot be decoded');
    headers.end();
    if (stream !== undefined) this.#onTrailers(stream, headers, endsStream);
    else if (id > this.#lastStream) this.#onRequest(id, headers, endsStream);
    else this.#countIdle();
  }

  /** Whether headers of a stream that is not open may have been sent before its client knew that. */
  #mayBeLate(id: number): boolean {
    const end = this.#closed.find(id);
    if (end === StreamEnd.ByUs) return true;
    if (end === StreamEnd.Unknown) this.#wrong('a stream has a smaller number than the one before');
    else this.fail(ErrorCode.StreamClosed, 'headers of a stream that is closed');
    return false;
  }

  #onTrailers(stream: Http2Stream, headers: RequestHeaders, endsStream: boolean): void {
    if (headers.isTooLong) this.#streamError(stream.id, ErrorCode.EnhanceYourCalm);
    else if (headers.isMalformed || !endsStream) this.#streamError(stream.id, ErrorCode.ProtocolError);
    else this.#endOf(stream);
  }

  #onRequest(id: number, headers: RequestHeaders, hasEnded: boolean): void {
    this.#lastStream = id;
    // The client learns from GOAWAY that it was not served.
    if (this.#isLeaving) {
      this.#closed.add(id, StreamEnd.ByUs);
      return this.#countIdle();
    }
    if (this.#streams.size >= this.#maxStreams) return this.#streamError(id, ErrorCode.RefusedStream);
    if (headers.isTooLong) return this.#streamError(id, ErrorCode.EnhanceYourCalm);
    const isWrong = headers.isMalformed || (hasEnded && headers.contentLength > 0);
    if (isWrong) return this.#streamError(id, ErrorCode.ProtocolError);
    const stream = new Http2Stream(id, headers.values, headers.contentLength, hasEnded, this.#peer.initialWindow, this);
    this.#streams.set(id, stream);
    this.#events.onStream(stream);
  }

  #onPriority(id: number, bytes: Buffer, at: number, end: number): void {
    if (id === 0) return this.#wrong('the connection has no priority');
    if (end - at !== 5) return this.fail(ErrorCode.FrameSizeError, 'PRIORITY has 5 bytes');
    if ((bytes.readUInt32BE(at) & MAX_WINDOW) === id) return this.#wrong('a stream depends on itself');
    this.#countIdle();
  }

  #onReset(id: number, length: number): void {
    if (length !== 4) return this.fail(ErrorCode.FrameSizeError, 'RST_STREAM has 4 bytes');
    if (id === 0 || id > this.#lastStream) return this.#wrong('a stream is reset that was not opened');
    const stream = this.#streams.get(id);
    if (stream === undefined) return this.#countIdle();
    this.#close(stream, StreamEnd.ByPeer);
    this.#countReset();
  }

  #onSettings(flags: number, id: number, bytes: Buffer, at: number, end: number): void {
    if (id !== 0) return this.#wrong('a stream has no settings');
    if ((flags & Flag.Ack) !== 0) {
      if (!this.#hasSettings) return this.#wrong('the first frame is not SETTINGS');
      if (end !== at) return this.fail(ErrorCode.FrameSizeError, 'an acknowledgement of settings has no payload');
      return this.#countIdle();
    }
    if ((end - at) % SETTING_BYTES !== 0) return this.fail(ErrorCode.FrameSizeError, 'a setting has 6 bytes');
    this.#hasSettings = true;
    const before = this.#peer.initialWindow;
    const error = readSettings(bytes, at, end, this.#peer);
    if (error !== ErrorCode.NoError) return this.fail(error, 'a setting has a value that it cannot have');
    this.#output.maxFrame = this.#peer.maxFrame;
    if (!this.#widenAll(this.#peer.initialWindow - before))
      return this.fail(ErrorCode.FlowControlError, 'the setting makes a window too large');
    this.#output.control.control(FrameType.Settings, Flag.Ack, 0, 0);
    this.#countIdle();
  }

  /** The peer's windows of all streams change with the setting. False: one is too large. */
  #widenAll(bytes: number): boolean {
    if (bytes === 0) return true;
    for (const stream of this.#streams.values()) {
      if (!stream.out.widen(bytes)) return false;
      this.#output.add(stream);
    }
    return true;
  }

  #onPing(flags: number, id: number, bytes: Buffer, at: number, length: number): void {
    if (id !== 0) return this.#wrong('a stream has no pings');
    if (length !== 8) return this.fail(ErrorCode.FrameSizeError, 'PING has 8 bytes');
    const [first, second] = [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)];
    if ((flags & Flag.Ack) === 0) this.#output.control.control(FrameType.Ping, Flag.Ack, 0, 2, first, second);
    else if (first === PING_WORDS[0] && second === PING_WORDS[1]) this.#onPong?.();
    this.#countIdle();
  }

  #onGoAway(id: number, bytes: Buffer, at: number, length: number): void {
    if (id !== 0) return this.#wrong('GOAWAY is of the connection');
    if (length < 8) return this.fail(ErrorCode.FrameSizeError, 'GOAWAY has 8 bytes or more');
    if (bytes.readUInt32BE(at + 4) !== ErrorCode.NoError) this.#finish();
    else this.leave();
  }

  #onWindowUpdate(id: number, bytes: Buffer, at: number, length: number): void {
    if (length !== 4) return this.fail(ErrorCode.FrameSizeError, 'WINDOW_UPDATE has 4 bytes');
    const added = bytes.readUInt32BE(at) & MAX_WINDOW;
    if (id === 0) return this.#widenConnection(added);
    if (id > this.#lastStream) return this.#wrong('a window of a stream that was not opened');
    const stream = this.#streams.get(id);
    if (stream === undefined) return this.#countIdle();
    if (added === 0) return this.#streamError(id, ErrorCode.ProtocolError);
    if (!stream.out.widen(added)) return this.#streamError(id, ErrorCode.FlowControlError);
    this.#output.add(stream);
    this.#countIdle();
  }

  #widenConnection(added: number): void {
    if (added === 0) return this.#wrong('a window is widened by nothing');
    this.#output.window += added;
    if (this.#output.window > MAX_WINDOW) return this.fail(ErrorCode.FlowControlError, 'the window of the connection is too large');
    this.#countIdle();
  }

  /** Resets a stream because of an error of the peer, which is counted: it could reset its own instead. */
  #streamError(id: number, code: ErrorCode): void {
    this.#output.control.resetStream(id, code);
    const stream = this.#streams.get(id);
    if (stream === undefined) this.#closed.add(id, StreamEnd.ByUs);
    else this.#close(stream, StreamEnd.ByUs);
    this.#countReset();
  }

  #countReset(): void {
    if (!this.#isOver && !this.#resets.take()) this.#events.onLimit('resets');
    this.#checkControl();
  }

  /** Counts a frame without content, above those that data have called for. */
  #countIdle(): void {
    if (this.#idleCredit > 0) this.#idleCredit--;
    else if (!this.#idle.take()) return this.#events.onLimit('idle-frames');
    this.#checkControl();
  }

  #noteData(): void {
    if (this.#idleCredit < IDLE_BURST) this.#idleCredit += IDLE_PER_DATA;
  }

  #checkControl(): void {
    if (!this.#isOver && this.#output.isOverfull) this.#events.onLimit('unread');
  }

  #tooManyHeaders(): void {
    this.fail(ErrorCode.EnhanceYourCalm, 'a header block is too long');
  }

  #wrong(why: string): void {
    this.fail(ErrorCode.ProtocolError, why);
  }

  /** The end of the answer was passed to the socket. */
  #sent(stream: Http2Stream): void {
    if (stream.hasEnded && !stream.isClosed) this.#close(stream, StreamEnd.Complete);
  }

  #close(stream: Http2Stream, end: StreamEnd): void {
    if (stream.isClosed) return;
    this.#streams.delete(stream.id);
    if (this.#current === stream) this.#current = undefined;
    this.#closed.add(stream.id, end);
    stream.close();
    if (this.#isLeaving && this.#streams.size === 0) this.#schedule(true);
  }

  #sendSettings(settings: readonly (readonly [setting: number, value: number])[]): void {
    const { control } = this.#output;
    control.reserve(64);
    control.header(SETTING_BYTES * settings.length, FrameType.Settings, 0, 0);
    for (const [setting, value] of settings) {
      control.u16(setting);
      control.u32(value);
    }
  }

  #goAway(code: ErrorCode, why: string): void {
    this.#hasSentGoAway = true;
    const { control } = this.#output;
    const text = Buffer.from(why);
    control.reserve(32 + text.length);
    control.header(8 + text.length, FrameType.GoAway, 0, 0);
    control.u32(this.#lastStream);
    control.u32(code);
    control.copy(text, 0, text.length);
  }

  /** Sends at the end of this turn; in a read, at its end. */
  #schedule(isTurnNeeded: boolean = false): void {
    if (this.#isScheduled || (this.#isReading && !isTurnNeeded)) return;
    this.#isScheduled = true;
    // Who writes again when a message was written waits for the next turn: what has arrived meanwhile comes first.
    if (this.#output.isReporting) setImmediate(this.#onImmediate);
    else this.#turns.add(this);
  }

  readonly #onImmediate = (): void => this.onTurnEnd();

  #flush(): void {
    this.#output.flush();
    if (this.#isLeaving && this.#streams.size === 0) this.#finish();
  }

  /** Sends what waits, and closes the connection. */
  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#frames.stop();
    this.#output.flush();
    this.#wire.close();
    this.#end();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isOver = true;
    this.#isClosed = true;
    this.#frames.stop();
    this.#block.clear();
    this.#output.close();
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.close();
    this.#events.onClose();
  }
}

function endRead(stream: Http2Stream): void {
  if (!stream.isTouched) return;
  stream.isTouched = false;
  stream.handler?.onDataEnd();
}
