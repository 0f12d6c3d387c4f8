import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FrameReader } from '../gateway/endpoints/http2/frame-reader.ts';
import { ErrorCode, FrameType, MAX_FRAME_PAYLOAD, PREFACE } from '../gateway/endpoints/http2/protocol.ts';
import { type Frame, frame, framesOf, OPENING } from './support/http2-frames.ts';
import { Http2Peer, REQUEST } from './support/http2-peer.ts';
import { times } from './support/long-runs.ts';

function reader(): { read(bytes: Buffer): void; readonly frames: Frame[]; readonly errors: number[] } {
  const frames: Frame[] = [];
  const errors: number[] = [];
  const frameReader = new FrameReader({
    onFrame: (type, flags, stream, bytes, at, length) => {
      frames.push({ type, flags, stream, payload: Buffer.from(bytes.subarray(at, at + length)) });
      return true;
    },
    onBadFrame: (code) => void errors.push(code),
  });
  return { frames, errors, read: (bytes) => frameReader.read(bytes, bytes.length) };
}

/** Feeds the bytes in chunks of these sizes, the rest at once. Chunks share one memory, as reads do. */
function feed(bytes: Buffer, sizes: readonly number[], read: (bytes: Buffer) => void): void {
  const shared = Buffer.alloc(bytes.length);
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    const chunk = bytes.subarray(at, at + size);
    chunk.copy(shared);
    read(shared.subarray(0, chunk.length));
    shared.fill(0xee);
    at += chunk.length;
  }
}

const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 2000 })), { maxLength: 60 });
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.integer({ min: 0, max: MAX_FRAME_PAYLOAD }).map((length) => new Uint8Array(length).fill(7)),
);
const anyFrame = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(0x7fff_ffff), payload);

describe('frames', () => {
  it('are the same however their bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 8 }), sizes, (made, cuts) => {
        const bytes = Buffer.concat(made.map((parts) => frame(...parts)));
        const { frames, errors, read } = reader();
        feed(Buffer.concat([PREFACE, bytes]), cuts, read);
        assert.deepEqual(errors, []);
        assert.deepEqual(frames, framesOf(bytes));
      }),
      { numRuns: times(200, 3000) },
    );
  });

  it('that are too long are an error before they arrive, in one chunk or in pieces', () => {
    const head = frame(FrameType.Data, 0, 1, Buffer.alloc(MAX_FRAME_PAYLOAD + 1)).subarray(0, 9);
    for (const cuts of [[], [PREFACE.length, 1, 3]]) {
      const { frames, errors, read } = reader();
      feed(Buffer.concat([PREFACE, head]), cuts, read);
      assert.deepEqual([frames, errors], [[], [ErrorCode.FrameSizeError]]);
    }
  });

  it('stand behind a preface, of which each byte counts', () => {
    for (let i = 0; i < PREFACE.length; i++) {
      const bytes = Buffer.from(OPENING);
      bytes[i] ^= 1;
      const { frames, errors, read } = reader();
      feed(bytes, [5, 5], read);
      assert.deepEqual([frames, errors], [[], [ErrorCode.ProtocolError]]);
    }
  });
});

/** Frames that mean something, and some that mean nothing. */
type Parts = [type: number, flags: number, stream: number, payload: Uint8Array];
const likelyFrame: fc.Arbitrary<Parts> = fc.oneof(
  fc.tuple(fc.constant(FrameType.Headers), fc.constantFrom(4, 5), fc.constantFrom(1, 3, 5), fc.constant(REQUEST)),
  fc.tuple(fc.constant(FrameType.Data), fc.constantFrom(0, 1), fc.constantFrom(1, 3, 5), payload),
  fc.tuple(fc.constant(FrameType.Headers), fc.constantFrom(0, 1, 4, 5, 12, 36), fc.nat(9), fc.constant(REQUEST)),
  fc.tuple(fc.constant(FrameType.Data), fc.constantFrom(0, 1, 8, 9), fc.nat(9), payload),
  fc.tuple(fc.nat(10), fc.nat(255), fc.nat(9), fc.uint8Array({ maxLength: 20 })),
  fc.tuple(
    fc.constantFrom(FrameType.RstStream, FrameType.WindowUpdate),
    fc.constant(0),
    fc.nat(9),
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
  ),
  fc.tuple(fc.constant(FrameType.Ping), fc.constantFrom(0, 1), fc.constant(0), fc.uint8Array({ minLength: 8, maxLength: 8 })),
);

describe('any bytes of a client', () => {
  const met = { taken: 0, held: 0, ended: 0, reset: 0, failed: 0 };

  /** What the handlers and the client of a connection have received at the end. */
  function outcome(bytes: Buffer, cuts: readonly number[]): unknown {
    const peer = Http2Peer.opened({ resetBurst: 3 }, 100_000);
    peer.takes = ({ id }) => id % 4 === 1;
    feed(bytes, cuts, (chunk) => peer.connection.onBytes(chunk, chunk.length));
    if (peer.held > 0) met.held++;
    if (peer.isClosed) met.failed++;
    const streams = peer.handlers.map(({ stream, events, body }) => {
      if (body.length > 0) met.taken++;
      if (events.includes('end')) met.ended++;
      return [stream.id, events.filter((event) => !event.startsWith('data')), Buffer.concat(body)];
    });
    const answers = peer.taken().filter(({ type }) => type !== FrameType.WindowUpdate);
    met.reset += answers.filter(({ type }) => type === FrameType.RstStream).length;
    peer.connection.onLost();
    assert.equal(peer.held, 0, 'memory of held data is given back');
    assert.equal(peer.closes, 1);
    for (const { events } of peer.handlers) assert.equal(events.filter((event) => event === 'close').length, 1);
    return [streams, answers, peer.limits];
  }

  it('never throw and leave nothing, and mean the same however they are cut', () => {
    fc.assert(
      fc.property(fc.array(likelyFrame, { maxLength: 12 }), sizes, (made, cuts) => {
        const opened = [1, 3].map((id) => frame(FrameType.Headers, 4, id, REQUEST));
        const bytes = Buffer.concat([...opened, ...made.map((parts) => frame(...parts))]);
        assert.deepEqual(outcome(bytes, cuts), outcome(bytes, []));
      }),
      { numRuns: times(1000, 20_000) },
    );
    for (const [what, count] of Object.entries(met)) assert.ok(count > 0, `${what} was not met`);
  });

  it('may be noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), sizes, (noise, cuts) => void outcome(Buffer.from(noise), cuts)),
      { numRuns: times(400, 10_000) },
    );
  });
});
