import { assert } from '../../engine/assert.ts';
import { RECORD_BYTES, RecordKind } from '../../feeds/feed-record.ts';
import { allocateBroadcast, BroadcastProducer, BroadcastReader } from '../../feeds/rings/broadcast-ring.ts';
import { median } from '../suite/result.ts';

export interface RingWindow {
  /** Records/s on one core: written, published, read and checked by each reader. */
  readonly ours: number;
  /** Records/s of a bare copy: written to an array, copied once per reader, checked. */
  readonly bare: number;
  readonly ratio: number;
}

const CAPACITY = 65_536;
/** Records between two publications. */
const BATCH = 64;
const TURN_RECORDS = 200_000;
const TURNS = 6;
const FIELDS = RECORD_BYTES / 8;

/** One window of a ring with so many readers on one core, against a copy of the same records without a ring. */
export function ringWindow(readers: number): RingWindow {
  const ring = new RingTurn(readers);
  const bare = new BareTurn(readers);
  const turns = Array.from({ length: TURNS }, (_, turn) => {
    if (turn % 2 === 1) {
      const bareMs = bare.run();
      return { oursMs: ring.run(), bareMs };
    }
    return { oursMs: ring.run(), bareMs: bare.run() };
  });
  const rate = (ms: readonly number[]): number => (TURN_RECORDS / median(ms)) * 1000;
  return {
    ours: rate(turns.map(({ oursMs }) => oursMs)),
    bare: rate(turns.map(({ bareMs }) => bareMs)),
    ratio: median(turns.map(({ oursMs, bareMs }) => bareMs / oursMs)),
  };
}

class RingTurn {
  readonly #producer: BroadcastProducer;
  readonly #readers: BroadcastReader[];
  #written = 0;

  constructor(readers: number) {
    const handle = allocateBroadcast({ capacity: CAPACITY, batch: BATCH });
    this.#producer = new BroadcastProducer(handle);
    this.#readers = Array.from({ length: readers }, () => new BroadcastReader(handle, { limit: BATCH }));
  }

  run(): number {
    const from = this.#written;
    const start = performance.now();
    while (this.#written < from + TURN_RECORDS) {
      for (let i = 0; i < BATCH; i++) {
        const record = this.#producer.claim();
        const n = this.#written++;
        record.kind = RecordKind.level;
        record.instrument = n & 1023;
        record.receiveTimeUs = n;
        record.a = n;
        record.b = n;
      }
      this.#producer.flush();
      for (const reader of this.#readers) this.#read(reader);
    }
    return performance.now() - start;
  }

  #read(reader: BroadcastReader): void {
    const count = reader.poll();
    for (let i = 0; i < count; i++) assert(reader.at(i).a === reader.first + i, 'feeds: a record with the wrong number');
    assert(count === BATCH, 'feeds: a batch is read whole');
  }
}

class BareTurn {
  readonly #records = new Float64Array(CAPACITY * FIELDS);
  readonly #copies: Float64Array[];
  #written = 0;

  constructor(readers: number) {
    this.#copies = Array.from({ length: readers }, () => new Float64Array(BATCH * FIELDS));
  }

  run(): number {
    const records = this.#records;
    const from = this.#written;
    const start = performance.now();
    while (this.#written < from + TURN_RECORDS) {
      const first = this.#written;
      for (let i = 0; i < BATCH; i++) {
        const n = this.#written++;
        const at = (n % CAPACITY) * FIELDS;
        for (let field = 0; field < FIELDS; field++) records[at + field] = n;
      }
      for (const copy of this.#copies) {
        const at = (first % CAPACITY) * FIELDS;
        for (let field = 0; field < BATCH * FIELDS; field++) copy[field] = records[at + field];
        for (let i = 0; i < BATCH; i++) assert(copy[i * FIELDS] === first + i, 'feeds: a copy with the wrong number');
      }
    }
    return performance.now() - start;
  }
}
