import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONNECTION_WINDOW, STREAM_WINDOW } from '../gateway/endpoints/http2/connection.ts';
import { encodeHeaders } from '../gateway/endpoints/http2/header-block.ts';
import { ErrorCode, Flag, FrameType, INITIAL_WINDOW, MAX_FRAME_PAYLOAD, Setting } from '../gateway/endpoints/http2/protocol.ts';
import { frame, OPENING, settings, u32 } from './support/http2-frames.ts';
import { ANSWER, Http2Peer, REQUEST, TRAILERS, turnEnd } from './support/http2-peer.ts';

const { Data, Headers, RstStream, Settings, Ping, GoAway, WindowUpdate, Continuation } = FrameType;
const data = (stream: number, length: number, flags: number = 0): Buffer => frame(Data, flags, stream, Buffer.alloc(length, stream));
const resetsOf = (peer: Http2Peer): [stream: number, code: number][] =>
  peer
    .taken()
    .filter(({ type }) => type === RstStream)
    .map(({ stream, payload }) => [stream, payload.readUInt32BE(0)]);

describe('the beginning of a connection', () => {
  it('announces the limits and the large window in one write, before the client sends anything', async () => {
    const peer = new Http2Peer({ maxStreams: 32 });
    await turnEnd();
    assert.equal(peer.writes.length, 1);
    const [first, second] = peer.taken();
    assert.deepEqual(
      first.payload,
      settings([Setting.MaxConcurrentStreams, 32], [Setting.InitialWindowSize, STREAM_WINDOW], [Setting.MaxHeaderListSize, 16_384]),
    );
    assert.deepEqual([second.type, second.payload.readUInt32BE(0)], [WindowUpdate, CONNECTION_WINDOW - INITIAL_WINDOW]);
    peer.send(OPENING);
    assert.deepEqual(
      peer.taken().map(({ type, flags }) => [type, flags]),
      [[Settings, Flag.Ack]],
    );
  });
});

describe('errors of the protocol', () => {
  const cases: readonly (readonly [what: string, code: number, frames: readonly Buffer[]])[] = [
    ['data of a stream that was not opened', ErrorCode.ProtocolError, [data(1, 1)]],
    ['data of the connection', ErrorCode.ProtocolError, [data(0, 1)]],
    ['padding that is longer than its frame', ErrorCode.ProtocolError, [request(1), frame(Data, Flag.Padded, 1, Buffer.from([1]))]],
    ['a padded frame without its length', ErrorCode.FrameSizeError, [request(1), frame(Data, Flag.Padded, 1)]],
    ['data behind the end of a stream', ErrorCode.StreamClosed, [request(1, Flag.EndStream), data(1, 1)]],
    ['headers behind the end of a stream', ErrorCode.StreamClosed, [request(1, Flag.EndStream), request(1)]],
    ['data of a stream that the client has reset', ErrorCode.StreamClosed, [request(1), frame(RstStream, 0, 1, u32(8)), data(1, 1)]],
    ['a stream with an even number', ErrorCode.ProtocolError, [request(2)]],
    ['a stream with a smaller number', ErrorCode.ProtocolError, [request(5), request(3)]],
    ['another frame within a header block', ErrorCode.ProtocolError, [frame(Headers, 0, 1, REQUEST), frame(Ping, 0, 0, u32(1, 2))]],
    ['data within a header block', ErrorCode.ProtocolError, [request(1), frame(Headers, 0, 3, REQUEST), data(1, 1)]],
    ['a continuation of another stream', ErrorCode.ProtocolError, [frame(Headers, 0, 1, REQUEST), frame(Continuation, 4, 3, REQUEST)]],
    ['a continuation of nothing', ErrorCode.ProtocolError, [frame(Continuation, 4, 1, REQUEST)]],
    ['a block that cannot be decoded', ErrorCode.CompressionError, [frame(Headers, 4, 1, Buffer.from([0x80]))]],
    ['a stream that depends on itself', ErrorCode.ProtocolError, [frame(FrameType.Priority, 0, 3, Buffer.from([0, 0, 0, 3, 0]))]],
    ['a priority of 4 bytes', ErrorCode.FrameSizeError, [frame(FrameType.Priority, 0, 3, u32(1))]],
    ['a reset of a stream that was not opened', ErrorCode.ProtocolError, [frame(RstStream, 0, 1, u32(8))]],
    ['a reset of 3 bytes', ErrorCode.FrameSizeError, [request(1), frame(RstStream, 0, 1, Buffer.alloc(3))]],
    ['settings of a stream', ErrorCode.ProtocolError, [frame(Settings, 0, 1)]],
    ['settings of 5 bytes', ErrorCode.FrameSizeError, [frame(Settings, 0, 0, Buffer.alloc(5))]],
    ['an acknowledgement with settings', ErrorCode.FrameSizeError, [frame(Settings, Flag.Ack, 0, Buffer.alloc(6))]],
    ['push neither on nor off', ErrorCode.ProtocolError, [frame(Settings, 0, 0, settings([Setting.EnablePush, 2]))]],
    ['a window that is too large', ErrorCode.FlowControlError, [frame(Settings, 0, 0, settings([Setting.InitialWindowSize, 2 ** 31]))]],
    ['frames that are too small', ErrorCode.ProtocolError, [frame(Settings, 0, 0, settings([Setting.MaxFrameSize, 16_383]))]],
    ['frames that are too large', ErrorCode.ProtocolError, [frame(Settings, 0, 0, settings([Setting.MaxFrameSize, 2 ** 24]))]],
    ['a push', ErrorCode.ProtocolError, [request(1), frame(FrameType.PushPromise, 4, 1, u32(2))]],
    ['a ping of a stream', ErrorCode.ProtocolError, [frame(Ping, 0, 1, u32(1, 2))]],
    ['a ping of 4 bytes', ErrorCode.FrameSizeError, [frame(Ping, 0, 0, u32(1))]],
    ['GOAWAY of a stream', ErrorCode.ProtocolError, [frame(GoAway, 0, 1, u32(0, 0))]],
    ['GOAWAY of 4 bytes', ErrorCode.FrameSizeError, [frame(GoAway, 0, 0, u32(0))]],
    ['a window of a stream that was not opened', ErrorCode.ProtocolError, [frame(WindowUpdate, 0, 1, u32(1))]],
    ['a window that is widened by nothing', ErrorCode.ProtocolError, [frame(WindowUpdate, 0, 0, u32(0))]],
    ['a window of the connection that is too large', ErrorCode.FlowControlError, [frame(WindowUpdate, 0, 0, u32(2 ** 31 - 1))]],
    ['a window of 3 bytes', ErrorCode.FrameSizeError, [frame(WindowUpdate, 0, 0, Buffer.alloc(3))]],
    [
      'a setting that makes a window too large',
      ErrorCode.FlowControlError,
      [
        request(1),
        frame(WindowUpdate, 0, 1, u32(2 ** 31 - 1 - INITIAL_WINDOW)),
        frame(Settings, 0, 0, settings([Setting.InitialWindowSize, INITIAL_WINDOW + 1])),
      ],
    ],
  ];
  for (const [what, code, frames] of cases)
    it(`${what} ends the connection`, () => {
      const peer = Http2Peer.opened();
      peer.send(...frames, frame(Ping, 0, 0, u32(1, 2)));
      assert.equal(peer.error, code);
      assert.deepEqual([peer.isClosed, peer.closes, peer.connection.isOver], [true, 1, true]);
      assert.ok(!peer.taken().some(({ type }) => type === Ping), 'nothing is read behind it');
      for (const { events } of peer.handlers) assert.equal(events.at(-1), 'close');
    });

  it('a first frame other than SETTINGS ends the connection', () => {
    const peer = new Http2Peer();
    peer.send(OPENING.subarray(0, 24), frame(Settings, Flag.Ack, 0));
    assert.equal(peer.error, ErrorCode.ProtocolError);
  });

  for (const [what, code, frames] of [
    ['trailers that do not end it', ErrorCode.ProtocolError, [request(1), request(1)]],
    ['headers without a path', ErrorCode.ProtocolError, [frame(Headers, 4, 1, encodeHeaders({ ':method': 'POST', ':scheme': 'http' }))]],
    ['a window that is widened by nothing', ErrorCode.ProtocolError, [request(1), frame(WindowUpdate, 0, 1, u32(0))]],
    ['a window that is too large', ErrorCode.FlowControlError, [request(1), frame(WindowUpdate, 0, 1, u32(2 ** 31 - 1))]],
    [
      'headers that are too long',
      ErrorCode.EnhanceYourCalm,
      [request(1, 0, encodeHeaders({ ':method': 'POST', a: 'b'.repeat(16_200), b: 'c'.repeat(100) }))],
    ],
    ['less data than announced', ErrorCode.ProtocolError, [request(1, 0, withLength('5')), data(1, 4, Flag.EndStream)]],
    ['more data than announced', ErrorCode.ProtocolError, [request(1, 0, withLength('5')), data(1, 6)]],
    ['data that were announced, and end with the headers', ErrorCode.ProtocolError, [request(1, Flag.EndStream, withLength('5'))]],
  ] as const)
    it(`${what} reset the stream only`, () => {
      const peer = Http2Peer.opened();
      peer.send(...frames, request(3));
      assert.deepEqual(resetsOf(peer), [[1, code]]);
      assert.equal(peer.handlers.at(-1)?.stream.id, 3);
      peer.send(data(1, 10));
      assert.equal(peer.connection.isOver, false, 'what was sent before its client knew is ignored');
    });

  it('unknown frames are skipped', () => {
    const peer = Http2Peer.opened();
    peer.send(frame(99, 255, 1, Buffer.alloc(100)), request(1));
    assert.equal(peer.handlers.length, 1);
  });
});

describe('a request', () => {
  it('in pieces, with priority and padding, is one request', () => {
    const peer = Http2Peer.opened();
    const flags = Flag.Padded | Flag.Priority;
    const first = Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 16]), REQUEST.subarray(0, 3), Buffer.alloc(2)]);
    peer.send(
      frame(Headers, flags, 1, first),
      frame(Continuation, 0, 1, REQUEST.subarray(3, 5)),
      frame(Continuation, 4, 1, REQUEST.subarray(5)),
    );
    assert.equal(peer.handlers[0].stream.headers[':path'], '/a');
    assert.equal(peer.held, 0);
  });

  it('has its data delivered in place when it takes them, and the end of what arrived together once', () => {
    const peer = Http2Peer.opened();
    peer.takes = () => true;
    const { events, body } = peer.request(1);
    const padded = frame(Data, Flag.Padded, 1, Buffer.concat([Buffer.from([3]), Buffer.from('abc'), Buffer.alloc(3)]));
    peer.send(data(1, 10), padded, data(1, 20));
    assert.deepEqual(events, ['data 10', 'data 3', 'data 20', 'data end']);
    assert.equal(body[1].toString(), 'abc');
    peer.send(data(1, 1, Flag.EndStream));
    assert.deepEqual(events.slice(4), ['data 1', 'data end', 'end']);
    assert.equal(peer.held, 0);
  });

  it('has data held until it takes them, then in pieces that it may stop at, and its end behind them', async () => {
    const peer = Http2Peer.opened();
    const { events, body, stream } = peer.request(1);
    peer.send(data(1, 16_000), data(1, 10_000), data(1, 100, Flag.EndStream));
    assert.deepEqual(events, []);
    assert.ok(peer.held >= 26_100);
    stream.resume();
    assert.deepEqual(events, [], 'not during the call');
    await turnEnd();
    assert.deepEqual(events, ['data 16384', 'data 9716', 'data end', 'end']);
    assert.deepEqual(Buffer.concat(body), Buffer.alloc(26_100, 1));
    assert.equal(peer.held, 0);
    stream.pause();
    stream.resume();
    await turnEnd();
    assert.equal(events.length, 4, 'the end comes once');
  });

  it('that pauses gets nothing until it resumes, and what came first comes first', async () => {
    const peer = Http2Peer.opened();
    peer.takes = () => true;
    const { events, stream } = peer.request(1);
    peer.send(data(1, 1));
    stream.pause();
    peer.send(data(1, 2));
    stream.resume();
    peer.send(data(1, 3));
    await turnEnd();
    peer.send(data(1, 4));
    assert.deepEqual(
      events.filter((event) => event !== 'data end'),
      ['data 1', 'data 5', 'data 4'],
    );
  });

  it('ends with its trailers', () => {
    const peer = Http2Peer.opened();
    peer.takes = () => true;
    const { events } = peer.request(1);
    peer.send(data(1, 1), frame(Headers, 5, 1, encodeHeaders({ a: 'b' })));
    assert.deepEqual(events, ['data 1', 'data end', 'end']);
  });
});

describe('the windows of the client', () => {
  it('are widened when half of them is used', () => {
    const peer = Http2Peer.opened();
    peer.takes = () => true;
    peer.request(1);
    const updates: [stream: number, bytes: number][] = [];
    const most = MAX_FRAME_PAYLOAD;
    for (let sent = most; sent <= CONNECTION_WINDOW; sent += most) {
      peer.send(data(1, most));
      for (const { type, stream, payload } of peer.taken()) {
        assert.equal(type, WindowUpdate);
        updates.push([stream, payload.readUInt32BE(0)]);
      }
    }
    const ofStream = updates.filter(([stream]) => stream === 1);
    assert.deepEqual(ofStream, Array(CONNECTION_WINDOW / (STREAM_WINDOW / 2)).fill([1, STREAM_WINDOW / 2]));
    assert.deepEqual(
      updates.filter(([stream]) => stream === 0),
      Array(2).fill([0, CONNECTION_WINDOW / 2]),
    );
  });

  it('of a stream that takes nothing is not, and more than it resets the stream, while others go on', () => {
    const peer = Http2Peer.opened();
    peer.takes = ({ id }) => id === 3;
    peer.request(1);
    const other = peer.request(3);
    for (let sent = 0; sent < STREAM_WINDOW; sent += MAX_FRAME_PAYLOAD) peer.send(data(1, MAX_FRAME_PAYLOAD), data(3, MAX_FRAME_PAYLOAD));
    assert.ok(!peer.taken().some(({ type, stream }) => type === WindowUpdate && stream === 1));
    peer.send(data(1, 1), data(3, 1));
    assert.deepEqual(resetsOf(peer), [[1, ErrorCode.FlowControlError]]);
    assert.deepEqual(other.events.slice(-2), ['data 1', 'data end']);
    assert.equal(peer.held, 0);
  });

  it('of the connection is widened also by data that are dropped', () => {
    const peer = Http2Peer.opened();
    peer.request(1).stream.reset(ErrorCode.Cancel);
    for (let sent = 0; sent < 4 * CONNECTION_WINDOW; sent += MAX_FRAME_PAYLOAD) peer.send(data(1, MAX_FRAME_PAYLOAD));
    assert.equal(peer.connection.isOver, false);
  });

  it('of the connection are its limit within one read', () => {
    const peer = Http2Peer.opened();
    peer.takes = () => true;
    for (const id of [1, 3, 5, 7, 9]) peer.request(id);
    const frames = [1, 3, 5, 7, 9].flatMap((id) => Array(14).fill(data(id, MAX_FRAME_PAYLOAD)));
    peer.send(...frames);
    assert.equal(peer.error, ErrorCode.FlowControlError);
  });
});

describe('an answer', () => {
  it('with all that was written in a turn leaves by one write, the streams in turn', async () => {
    const peer = Http2Peer.opened();
    const [a, b] = [peer.request(1, { ends: true }), peer.request(3, { ends: true })];
    for (const { stream } of [a, b]) {
      stream.respond(ANSWER, false);
      stream.write(Buffer.alloc(100, stream.id));
      stream.write(Buffer.alloc(200, stream.id));
      stream.end(TRAILERS);
    }
    assert.equal(peer.writes.length, 0);
    await turnEnd();
    assert.equal(peer.writes.length, 1);
    const frames = peer.taken().map(({ type, flags, stream, payload }) => [type, flags, stream, payload.length]);
    // The first block of the connection says that there is no table.
    assert.deepEqual(frames, [
      [Headers, 4, 1, ANSWER.length + 1],
      [Headers, 4, 3, ANSWER.length],
      [Data, 0, 1, 100],
      [Data, 0, 3, 100],
      [Data, 0, 1, 200],
      [Data, 0, 3, 200],
      [Headers, 5, 1, TRAILERS.length],
      [Headers, 5, 3, TRAILERS.length],
    ]);
    for (const { events } of [a, b]) assert.deepEqual(events, ['written', 'written', 'close']);
  });

  it('in a read is sent at its end, with the frames that it calls for', () => {
    const peer = Http2Peer.opened();
    peer.takes = () => true;
    const { stream } = peer.request(1);
    stream.handler = Object.assign(Object.create(stream.handler ?? null), { onDataEnd: () => stream.respond(ANSWER, false) });
    peer.send(data(1, 1), frame(Ping, 0, 0, u32(7, 8)));
    assert.deepEqual(
      peer.writes.map((frames) => frames.map(({ type }) => type)),
      [[Ping, Headers]],
    );
  });

  it('is cut at the largest frame and the windows of its client, and goes on when they are widened', async () => {
    const peer = Http2Peer.opened();
    peer.send(frame(Settings, 0, 0, settings([Setting.InitialWindowSize, 30_000], [Setting.MaxFrameSize, 20_000])));
    const { stream, events } = peer.request(1, { ends: true });
    const message = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 251));
    peer.taken();
    stream.respond(ANSWER, false);
    stream.write(message);
    stream.end(TRAILERS);
    await turnEnd();
    const sent = peer.taken().filter(({ type }) => type === Data);
    assert.deepEqual(
      sent.map(({ payload }) => payload.length),
      [20_000, 10_000],
    );
    assert.deepEqual(events, []);
    peer.send(frame(WindowUpdate, 0, 1, u32(1)));
    peer.send(frame(Settings, 0, 0, settings([Setting.InitialWindowSize, 40_000])));
    peer.send(frame(WindowUpdate, 0, 1, u32(9_999)));
    const rest = peer.taken().filter(({ type }) => type !== Settings);
    assert.deepEqual(
      rest.map(({ type, payload }) => [type, payload.length]),
      [
        [Data, 1],
        [Data, 10_000],
        [Data, 9_999],
        [Headers, TRAILERS.length],
      ],
    );
    assert.deepEqual(Buffer.concat([...sent, ...rest.slice(0, -1)].map(({ payload }) => payload)), message);
    assert.deepEqual(events, ['written', 'close']);
  });

  it('waits for the window of the connection, and headers do not', async () => {
    const peer = Http2Peer.opened();
    const streams = [1, 3].map((id) => peer.request(id, { ends: true }).stream);
    streams[0].respond(ANSWER, false);
    streams[0].write(Buffer.alloc(INITIAL_WINDOW));
    await turnEnd();
    peer.taken();
    streams[1].respond(ANSWER, false);
    streams[1].write(Buffer.alloc(10));
    await turnEnd();
    assert.deepEqual(
      peer.taken().map(({ type, stream }) => [type, stream]),
      [[Headers, 3]],
    );
    peer.send(frame(WindowUpdate, 0, 0, u32(100)));
    assert.deepEqual(
      peer.taken().map(({ type, stream, payload }) => [type, stream, payload.length]),
      [[Data, 3, 10]],
    );
  });

  it('has long headers in as many frames as its client takes', async () => {
    const peer = Http2Peer.opened();
    const { stream } = peer.request(1, { ends: true });
    const block = encodeHeaders({ ':status': '200', a: 'b'.repeat(40_000) });
    stream.respond(block, true);
    await turnEnd();
    const frames = peer.taken();
    assert.deepEqual(
      frames.map(({ type, flags, payload }) => [type, flags, payload.length]),
      [
        [Headers, Flag.EndStream, 16_384],
        [Continuation, 0, 16_384],
        [Continuation, Flag.EndHeaders, block.length + 1 - 2 * 16_384],
      ],
    );
    assert.deepEqual(Buffer.concat(frames.map(({ payload }) => payload)).subarray(1), block);
  });

  it('in a turn of the engine leaves in one write at its end', async () => {
    const peer = Http2Peer.opened();
    const streams = [1, 3].map((id) => peer.request(id).stream);
    for (const stream of streams) stream.respond(ANSWER, false);
    await turnEnd();
    peer.taken();
    peer.turns.hold();
    for (const stream of streams) stream.write(Buffer.from('abc'));
    await turnEnd();
    assert.equal(peer.writes.length, 0);
    peer.turns.release();
    assert.deepEqual(
      peer.writes.map((frames) => frames.map(({ stream }) => stream)),
      [[1, 3]],
    );
    // What was written before the turn leaves after the code that wrote it, as without a turn.
    peer.taken();
    streams[0].write(Buffer.from('d'));
    peer.turns.hold();
    streams[1].write(Buffer.from('e'));
    peer.turns.release();
    assert.equal(peer.writes.length, 0);
    await turnEnd();
    assert.deepEqual(
      peer.taken().map(({ stream }) => stream),
      [1, 3],
    );
  });

  it('of many streams is given to a slow socket one buffer at a time, and reports to writers when it is taken', async () => {
    const peer = Http2Peer.opened();
    peer.send(frame(WindowUpdate, 0, 0, u32(10_000_000)));
    peer.isBlocked = true;
    const handlers = Array.from({ length: 10 }, (_, i) => peer.request(2 * i + 1, { ends: true }));
    for (const { stream } of handlers) {
      stream.respond(ANSWER, false);
      stream.write(Buffer.alloc(20_000));
    }
    await turnEnd();
    assert.equal(peer.writes.length, 1);
    assert.ok(handlers.every(({ events }) => events.length === 0));
    let writes = 0;
    while (handlers.some(({ events }) => !events.includes('written'))) {
      assert.ok(++writes < 10);
      const before = peer.writes.length;
      peer.connection.onDrained();
      assert.ok(peer.writes.length - before <= 1);
    }
    assert.ok(writes >= 3, `${writes} writes`);
  });

  it('of a stream that is reset is not sent on', async () => {
    const peer = Http2Peer.opened();
    const { stream, events } = peer.request(1);
    stream.respond(ANSWER, false);
    stream.write(Buffer.alloc(INITIAL_WINDOW + 1));
    await turnEnd();
    peer.send(frame(RstStream, 0, 1, u32(8)));
    peer.taken();
    peer.send(frame(WindowUpdate, 0, 0, u32(100_000)));
    stream.write(Buffer.alloc(1));
    await turnEnd();
    assert.deepEqual([peer.taken(), events], [[], ['close']]);
  });
});

describe('limits', () => {
  it('streams above the limit are refused, until it is raised', async () => {
    const peer = Http2Peer.opened({ maxStreams: 2 });
    for (const id of [1, 3, 5]) peer.request(id);
    assert.deepEqual(resetsOf(peer), [[5, ErrorCode.RefusedStream]]);
    peer.connection.permitStreams(3);
    await turnEnd();
    assert.deepEqual(peer.taken()[0].payload, settings([Setting.MaxConcurrentStreams, 3]));
    peer.request(7);
    assert.equal(peer.handlers.length, 3);
    peer.send(frame(RstStream, 0, 1, u32(8)));
    peer.request(9);
    assert.equal(peer.handlers.length, 4, 'a stream that has ended does not count');
  });

  for (const [what, misuse] of [
    ['resets', (id: number) => [request(id), frame(RstStream, 0, id, u32(8))]],
    ['wrong windows', (id: number) => [request(id), frame(WindowUpdate, 0, id, u32(0))]],
    ['malformed requests', (id: number) => [request(id, 0, encodeHeaders({ ':method': 'GET' }))]],
    ['trailers that end nothing', (id: number) => [request(id), request(id)]],
  ] as const)
    it(`too many ${what} end the connection`, () => {
      const peer = Http2Peer.opened({ resetBurst: 10 });
      for (let i = 0; i < 10; i++) peer.send(...misuse(2 * i + 1));
      assert.equal(peer.connection.isOver, false);
      peer.send(...misuse(21));
      assert.deepEqual([peer.limits, peer.error], [['resets'], ErrorCode.EnhanceYourCalm]);
    });

  for (const [what, made] of [
    ['pings', frame(Ping, 0, 0, u32(1, 2))],
    ['settings', frame(Settings, 0, 0)],
    ['empty data', frame(Data, 0, 1)],
    ['priorities', frame(FrameType.Priority, 0, 3, Buffer.alloc(5))],
    ['updates of windows', frame(WindowUpdate, 0, 0, u32(1))],
    ['unknown frames', frame(99, 0, 0)],
    ['acknowledgements', frame(Settings, Flag.Ack, 0)],
  ] as const)
    it(`a flood of ${what} ends the connection`, () => {
      const peer = Http2Peer.opened();
      peer.request(1);
      const many = Buffer.concat(Array(1000).fill(made));
      for (let i = 0; i < 200 && !peer.connection.isOver; i++) peer.send(many);
      assert.deepEqual([peer.limits, peer.error], [['idle-frames'], ErrorCode.EnhanceYourCalm]);
    });

  it('pings and updates of windows that data call for do not count', () => {
    const peer = Http2Peer.opened();
    peer.takes = () => true;
    peer.request(1);
    const round = [data(1, 1), frame(Ping, 0, 0, u32(1, 2)), frame(WindowUpdate, 0, 0, u32(1)), frame(WindowUpdate, 0, 1, u32(1))];
    const many = Buffer.concat(Array(1000).fill(Buffer.concat(round)));
    for (let i = 0; i < 30; i++) {
      peer.send(many);
      peer.taken();
    }
    assert.equal(peer.connection.isOver, false);
  });

  it('a client that does not read the answers to its frames is cut', async () => {
    const peer = Http2Peer.opened();
    peer.isBlocked = true;
    for (let i = 0; i < 2000 && !peer.connection.isOver; i++) peer.send(frame(Ping, 0, 0, u32(1, 2)));
    assert.deepEqual(peer.limits, ['unread']);
  });

  it('a header block in too many frames, or that takes too much memory, ends the connection', () => {
    const many = Http2Peer.opened();
    many.send(frame(Headers, 0, 1, REQUEST));
    for (let i = 0; i < 9; i++) many.send(frame(Continuation, 0, 1));
    assert.equal(many.error, ErrorCode.EnhanceYourCalm);
    const large = Http2Peer.opened({}, 40_000);
    large.send(frame(Headers, 0, 1, Buffer.alloc(16_000)), frame(Continuation, 0, 1, Buffer.alloc(16_000)));
    assert.equal(large.connection.isOver, false);
    large.send(frame(Continuation, 0, 1, Buffer.alloc(16_000)));
    assert.deepEqual([large.error, large.held], [ErrorCode.EnhanceYourCalm, 0]);
  });

  it('a stream whose data find no memory is reset', () => {
    const peer = Http2Peer.opened({}, 10_000);
    peer.request(1);
    peer.request(3);
    peer.send(data(1, 8000), data(3, 8000));
    assert.deepEqual(resetsOf(peer), [[3, ErrorCode.EnhanceYourCalm]]);
    peer.send(frame(RstStream, 0, 1, u32(8)));
    assert.equal(peer.held, 0);
  });
});

describe('the end of a connection', () => {
  it('that leaves waits for its streams, and serves no new one', async () => {
    const peer = Http2Peer.opened();
    const { stream, events } = peer.request(1, { ends: true });
    peer.connection.leave();
    await turnEnd();
    const [goAway] = peer.taken();
    assert.deepEqual([goAway.type, goAway.payload.readUInt32BE(0), goAway.payload.readUInt32BE(4)], [GoAway, 1, ErrorCode.NoError]);
    peer.request(3);
    peer.send(data(3, 10));
    assert.deepEqual([peer.handlers.length, peer.isClosed], [1, false]);
    stream.respond(ANSWER, true);
    await turnEnd();
    assert.deepEqual([events, peer.isClosed, peer.closes], [['close'], true, 1]);
  });

  it('without streams leaves at once', () => {
    const peer = Http2Peer.opened();
    peer.connection.leave();
    assert.deepEqual([peer.error, peer.isClosed], [ErrorCode.NoError, true]);
  });

  it('whose client leaves ends with its streams, and with an error at once', () => {
    const calm = Http2Peer.opened();
    calm.request(1);
    calm.send(frame(GoAway, 0, 0, Buffer.concat([u32(0, ErrorCode.NoError), Buffer.alloc(1000)])));
    assert.equal(calm.isClosed, false);
    calm.send(frame(RstStream, 0, 1, u32(8)));
    assert.equal(calm.isClosed, true);
    const failed = Http2Peer.opened();
    const { events } = failed.request(1);
    failed.send(frame(GoAway, 0, 0, u32(0, ErrorCode.InternalError)), request(3));
    assert.deepEqual([failed.isClosed, failed.handlers.length, events], [true, 1, ['close']]);
  });

  it('that is lost ends its streams, which are not counted as resets', () => {
    const peer = Http2Peer.opened({ resetBurst: 1 });
    for (const id of [1, 3, 5, 7]) peer.request(id);
    peer.connection.onLost();
    peer.connection.onLost();
    assert.deepEqual([peer.limits, peer.closes], [[], 1]);
    for (const { events } of peer.handlers) assert.deepEqual(events, ['close']);
  });

  it('a ping is answered with its payload, and the server hears of the answer to its own', async () => {
    const peer = Http2Peer.opened();
    let pongs = 0;
    peer.connection.ping(() => pongs++);
    await turnEnd();
    const [ping] = peer.taken();
    peer.send(frame(Ping, Flag.Ack, 0, u32(9, 9)));
    assert.equal(pongs, 0);
    peer.send(frame(Ping, Flag.Ack, 0, ping.payload), frame(Ping, 0, 0, u32(3, 4)));
    assert.equal(pongs, 1);
    assert.deepEqual(peer.taken()[0], { type: Ping, flags: Flag.Ack, stream: 0, payload: u32(3, 4) });
  });
});

function request(stream: number, flags: number = 0, headers: Buffer = REQUEST): Buffer {
  return frame(FrameType.Headers, Flag.EndHeaders | flags, stream, headers);
}

function withLength(length: string): Buffer {
  return encodeHeaders({ ':method': 'POST', ':scheme': 'http', ':path': '/a', 'content-length': length });
}
