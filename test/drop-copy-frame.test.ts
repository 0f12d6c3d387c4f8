import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Builder, ByteBuffer } from 'flatbuffers';
import { Code, codeName } from '../engine/codes.ts';
import { decodeDropCopy, encodeDropCopy, MAX_DROP_COPY_ACCOUNTS, type Resumption } from '../engine/wire/drop-copy-frame.ts';
import { DropCopyFrame } from '../engine/wire/generated/drop-copy-frame.js';
import { ResumePoint } from '../engine/wire/generated/resume-point.js';

/** A frame as another language builds it, with flatc's code. */
function built(version: number, points: readonly { account: number; resume: number; lastReport: bigint }[]): Uint8Array {
  const builder = new Builder(64);
  DropCopyFrame.startPointsVector(builder, points.length);
  for (const { account, resume, lastReport } of points.toReversed()) ResumePoint.createResumePoint(builder, account, resume, lastReport);
  const vector = builder.endVector();
  DropCopyFrame.startDropCopyFrame(builder);
  DropCopyFrame.addSchemaVersion(builder, version);
  DropCopyFrame.addPoints(builder, vector);
  builder.finish(DropCopyFrame.endDropCopyFrame(builder));
  return builder.asUint8Array();
}

const account = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const points = fc.uniqueArray(fc.record({ account, after: fc.option(fc.maxSafeNat(), { nil: undefined }) }, { noNullPrototype: true }), {
  minLength: 1,
  maxLength: 40,
  selector: (point) => point.account,
});

test('what is encoded is decoded, by this reader and by the generated code, behind any headroom', () => {
  fc.assert(
    fc.property(points, fc.constantFrom(1, 2), fc.integer({ min: 0, max: 9 }), (sent: Resumption[], version, headroom) => {
      const bytes = encodeDropCopy(sent, version, headroom);
      assert.deepEqual(decodeDropCopy(bytes, headroom, bytes.length - headroom), { code: Code.OK, version, points: sent });
      const frame = DropCopyFrame.getRootAsDropCopyFrame(new ByteBuffer(new Uint8Array(bytes.subarray(headroom))));
      assert.equal(frame.schemaVersion(), version);
      const theirs = Array.from({ length: frame.pointsLength() }, (_, i) => frame.points(i));
      assert.deepEqual(
        theirs.map((point) => [point?.account(), point?.resume(), Number(point?.lastReport())]),
        sent.map((point) => [point.account, point.after === undefined ? 0 : 1, point.after ?? 0]),
      );
    }),
  );
});

test('frames of other builders, and each wrong one has its code', () => {
  const one = { account: 1, resume: 1, lastReport: 5n };
  const many = (count: number) => Array.from({ length: count }, (_, i) => ({ ...one, account: i + 1 }));
  const cases: [what: string, bytes: Uint8Array, code: string][] = [
    ['one', built(2, [one]), 'OK'],
    ['the most', built(1, many(MAX_DROP_COPY_ACCOUNTS)), 'OK'],
    ['one more', built(1, many(MAX_DROP_COPY_ACCOUNTS + 1)), 'FRAME_TOO_LARGE'],
    ['none', built(1, []), 'BAD_RANGE'],
    ['an account twice', built(1, [one, one]), 'BAD_RANGE'],
    ['account 0', built(1, [{ ...one, account: 0 }]), 'BAD_RANGE'],
    ['resume 2', built(1, [{ ...one, resume: 2 }]), 'BAD_RANGE'],
    ['a number without resume', built(1, [{ ...one, resume: 0 }]), 'BAD_RANGE'],
    ['2^53', built(1, [{ ...one, lastReport: 2n ** 53n }]), 'BAD_RANGE'],
    ['no version', built(0, [one]), 'WRONG_SCHEMA_VERSION'],
    ['a later version', built(9, [one]), 'WRONG_SCHEMA_VERSION'],
    ['nothing', new Uint8Array(0), 'MALFORMED_FRAME'],
    ['a truncated one', built(1, many(3)).slice(0, 60), 'MALFORMED_FRAME'],
  ];
  for (const [what, bytes, code] of cases) assert.equal(codeName(decodeDropCopy(bytes).code), code, what);
});

test('arbitrary bytes are never followed out of the frame', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.array(fc.tuple(fc.nat(79), fc.nat(255)), { maxLength: 6 }), (bytes, changes) => {
      decodeDropCopy(bytes);
      const frame = encodeDropCopy([1, 2, 3].map((id) => ({ account: id, after: id })));
      for (const [at, value] of changes) frame[at] = value;
      decodeDropCopy(frame);
    }),
  );
});
