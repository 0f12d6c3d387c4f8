import { RingProducer } from '../../engine/rings/ring.ts';
import { type RingTap, TappedRing } from '../../engine/rings/tapped-ring.ts';
import { getI64, putI64 } from '../../engine/units.ts';
import { Report } from '../../engine/wire/layout.ts';

/** Fields of a report in a test, numbers only; omitted ones are 0. */
export type ReportFields = Partial<Record<Exclude<keyof typeof Report, 'bytes'>, number>>;

const BYTE = new Set(['kind', 'side', 'timeInForce', 'flags', 'trigger', 'reserved']);
const SHORT = new Set(['code']);
const WORD = new Set(['symbol', 'account', 'tag', 'stopPrice']);

/** The engine's side of a report ring, driven by a test. */
export class ReportSource {
  /** Positions of the history and of the other reader. */
  readonly history: RingTap;
  readonly sessions: RingTap;
  readonly #producer: RingProducer;

  constructor(capacity = 1024) {
    const ring = new TappedRing({ slotBytes: Report.bytes, capacity }, ['sessions', 'history']);
    this.history = ring.tap('history');
    this.sessions = ring.tap('sessions');
    this.#producer = new RingProducer(ring.handle);
  }

  /** False when the ring is full. */
  put(fields: ReportFields): boolean {
    const slot = this.#producer.tryClaim();
    if (slot === -1) return false;
    const { u8, i32 } = this.#producer.slots;
    u8.fill(0, slot * Report.bytes, (slot + 1) * Report.bytes);
    writeReport(u8, i32, slot * Report.bytes, fields);
    return true;
  }

  publish(): void {
    this.#producer.publish();
  }

  depth(): number {
    return this.#producer.depth();
  }
}

export function writeReport(u8: Uint8Array, i32: Int32Array, at: number, fields: ReportFields): void {
  for (const [name, value] of Object.entries(fields)) {
    const offset = at + Report[name as keyof typeof Report];
    if (BYTE.has(name)) u8[offset] = value;
    else if (SHORT.has(name)) new DataView(u8.buffer, u8.byteOffset).setUint16(offset, value, true);
    else if (WORD.has(name)) i32[offset >> 2] = value;
    else putI64(i32, offset >> 2, value);
  }
}

/** Reads one field of each packed report. */
export function column(packed: Uint8Array, field: keyof typeof Report): number[] {
  const copy = packed.slice();
  const words = new Int32Array(copy.buffer);
  const values: number[] = [];
  for (let at = 0; at < copy.length; at += Report.bytes) {
    const offset = at + Report[field];
    if (BYTE.has(field)) values.push(copy[offset]);
    else if (SHORT.has(field)) values.push(words[offset >> 2] & 0xffff);
    else if (WORD.has(field)) values.push(words[offset >> 2] >>> 0);
    else values.push(getI64(words, offset >> 2));
  }
  return values;
}
