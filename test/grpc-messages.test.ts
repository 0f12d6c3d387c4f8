import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MessageReader, PREFIX_BYTES } from '../gateway/endpoints/grpc/message-reader.ts';
import { PartialBytes } from '../gateway/endpoints/grpc/partial-bytes.ts';
import { encodeDetails, GrpcStatus, MOST_DETAILS, shortDetails } from '../gateway/endpoints/grpc/status.ts';

function framed(messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    messages.map((message) => {
      const prefix = Buffer.alloc(PREFIX_BYTES);
      prefix.writeUInt32BE(message.length, 1);
      return Buffer.concat([prefix, message]);
    }),
  );
}

/** Collects copies; accepts no more after `most`. */
function collector(most: number = Number.POSITIVE_INFINITY) {
  const messages: Buffer[] = [];
  return {
    messages,
    onMessage: (bytes: Buffer, at: number, length: number) => messages.push(Buffer.from(bytes.subarray(at, at + length))) < most,
  };
}

describe('gRPC messages', () => {
  it('are decoded correctly, however the bytes are split', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
        (messages, cuts) => {
          const bytes = framed(messages);
          const sink = collector();
          const reader = new MessageReader(sink, 40, PartialBytes.ofServer());
          for (let at = 0; at < bytes.length; ) {
            const length = cuts.next().value as number;
            assert.equal(reader.read(bytes.subarray(at, at + length)), undefined);
            at += length;
          }
          assert.equal(reader.pending, false);
          assert.deepEqual(
            sink.messages,
            messages.map((message) => Buffer.from(message)),
          );
        },
      ),
    );
  });

  it('are rejected by their length before they are received, whole or in pieces', () => {
    for (const step of [1, 3, 5, 100]) {
      const sink = collector();
      const reader = new MessageReader(sink, 10, PartialBytes.ofServer());
      const bytes = Buffer.concat([framed([Buffer.alloc(10)]), Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1])]);
      let code: number | undefined;
      for (let at = 0; at < bytes.length && code === undefined; at += step) code = reader.read(bytes.subarray(at, at + step))?.code;
      assert.equal(code, GrpcStatus.ResourceExhausted);
      assert.equal(sink.messages.length, 1);
    }
  });

  it('are not read further when the sink accepts no more', () => {
    const sink = collector(2);
    const reader = new MessageReader(sink, 10, PartialBytes.ofServer());
    reader.read(framed([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')]));
    assert.deepEqual(sink.messages.map(String), ['a', 'b']);
  });

  it('detect a premature end', () => {
    const reader = new MessageReader(collector(), 10, PartialBytes.ofServer());
    for (let bytes = 1; bytes < PREFIX_BYTES + 4; bytes++) {
      reader.read(Buffer.from([bytes === 5 ? 4 : 0]));
      assert.equal(reader.pending, true, `${bytes} bytes`);
    }
    reader.read(Buffer.alloc(1));
    assert.equal(reader.pending, false);
  });

  it('end with details in percent-encoding', () => {
    assert.equal(encodeDetails('100 % of ü\n'), '100 %25 of %C3%BC%0A');
    assert.equal(decodeURIComponent(encodeDetails('BUSY: "ask" again – später')), 'BUSY: "ask" again – später');
  });

  it('end with details that fit into the headers of an answer, cut at a whole character', () => {
    assert.equal(shortDetails('BUSY'), 'BUSY');
    for (const character of ['A', 'ü', '€', '🚀']) {
      const short = shortDetails(character.repeat(MOST_DETAILS + 1));
      assert.match(short, new RegExp(`^(${character})+…$`, 'u'));
      assert.ok(Buffer.byteLength(short) > MOST_DETAILS - 4 && Buffer.byteLength(short) <= MOST_DETAILS, character);
    }
  });
});
