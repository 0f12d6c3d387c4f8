import { FRAME_HEADER_BYTES, type FrameType, PREFACE } from '../../gateway/endpoints/http2/protocol.ts';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The bytes of a frame of HTTP/2. */
export function frame(type: FrameType | number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(FRAME_HEADER_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => {
    bytes.writeUInt32BE(value, 4 * i);
  });
  return bytes;
}

/** Payload of a SETTINGS frame. */
export function settings(...pairs: (readonly [setting: number, value: number])[]): Buffer {
  return Buffer.concat(pairs.map(([setting, value]) => Buffer.concat([Buffer.from([0, setting]), u32(value)])));
}

/** What a client sends first. */
export const OPENING = Buffer.concat([PREFACE, frame(4, 0, 0)]);

/** Cuts whole frames. */
export function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3);
    const payload = Buffer.from(bytes.subarray(at + FRAME_HEADER_BYTES, end));
    frames.push({ type: bytes[at + 3], flags: bytes[at + 4], stream: bytes.readUInt32BE(at + 5), payload });
    at = end;
  }
  return frames;
}
