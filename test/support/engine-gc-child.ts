/**
 * Run with `--trace-gc --expose-gc`, and the number of commands and their flow as its arguments: `core` or `mix`. The engine stage in a
 * separate thread, fed over its real ring; prints marks between which the engine thread must not
 * collect garbage. The main thread generates the commands, those of `core` from a second copy of
 * the state, and may collect garbage.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { CoreFlow } from '../../bench/core/core-flow.ts';
import { resolveLimits } from '../../engine/limits.ts';
import { Exchange } from '../../engine/machine/exchange.ts';
import { allocateRing, RingConsumer, type RingHandle, RingProducer } from '../../engine/rings/ring.ts';
import { SpillingProducer } from '../../engine/rings/spilling-producer.ts';
import { allocateControl, Control } from '../../engine/threads/control.ts';
import { EngineCore } from '../../engine/threads/engine-core.ts';
import { type MixCommand, MixFlow, MOST_SLOTS, SLOT_BYTES } from './mix-flow.ts';

const limits = resolveLimits({ orders: 2 ** 14, rememberedOrders: 2 ** 16 });
const COMMANDS = Number(process.argv[2]);
const WARM_UP = Math.min(2_000_000, COMMANDS);
const CHUNK = 1000;

interface Rings {
  commands: RingHandle;
  reports: RingHandle;
  market: RingHandle;
  control: SharedArrayBuffer;
  /** Word 0: 1 = collect now, 2 = collected, 3 = stop. */
  signal: Int32Array;
}

if (isMainThread) main();
else engine(workerData as Rings);

function engine({ commands, reports, market, control, signal }: Rings): void {
  const outputs = { reports: new SpillingProducer(reports), market: new SpillingProducer(market) };
  const exchange = new Exchange(limits, outputs);
  const ring = new RingConsumer(commands);
  const core = new EngineCore(exchange, ring, outputs, new Control(control));
  let requested = 0;
  while (requested !== 3) {
    if (core.poll() === 0) ring.park(1);
    requested = Atomics.load(signal, 0);
    if (requested !== 1) continue;
    globalThis.gc?.();
    Atomics.store(signal, 0, 2);
    Atomics.notify(signal, 0);
  }
}

function main(): void {
  globalThis.gc?.();
  console.log('MAIN-ISOLATE');
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const rings: Rings = {
    commands: allocateRing({ slotBytes: 64, capacity: 2 ** 14, consumers: 1 }),
    reports: allocateRing({ slotBytes: 128, capacity: 2 ** 15, consumers: 1 }),
    market: allocateRing({ slotBytes: 64, capacity: 2 ** 15, consumers: 1 }),
    control: allocateControl(),
    signal,
  };
  const worker = new Worker(new URL(import.meta.url), { workerData: rings });
  const producer = new RingProducer(rings.commands);
  const ends = [new RingConsumer(rings.reports), new RingConsumer(rings.market)];
  const empty = (): void => {
    for (const end of ends) {
      while (end.next() !== -1);
      end.release();
    }
  };
  const send = (bytes: Uint8Array, slot: number): void => {
    let to = producer.tryClaim();
    while (to === -1) {
      producer.publish();
      empty();
      to = producer.tryClaim();
    }
    producer.slots.u8.set(bytes.subarray(slot * 64, slot * 64 + 64), to * 64);
  };
  const makeChunk = process.argv[3] === 'mix' ? mix(send) : core(send);
  const feed = (count: number): void => {
    for (let done = 0; done < count; done += CHUNK) {
      makeChunk();
      producer.publish();
      empty();
    }
    while (producer.depth() > 0) empty();
  };
  feed(WARM_UP);
  Atomics.store(signal, 0, 1);
  while (Atomics.load(signal, 0) === 1) Atomics.wait(signal, 0, 1, 100);
  console.log('ENGINE-BEGIN');
  feed(COMMANDS);
  console.log(`ENGINE-END ${COMMANDS}`);
  Atomics.store(signal, 0, 3);
  void worker.once('exit', () => undefined);
}

type Send = (bytes: Uint8Array, slot: number) => void;

/** Sends the set-up. Returns what sends the next chunk. */
function core(send: Send): () => void {
  const copy = new Exchange(limits);
  const flow = new CoreFlow(copy, CHUNK);
  flow.setUp(() => send(flow.bytes, 0));
  return () => {
    flow.make(CHUNK);
    for (let slot = 0; slot < CHUNK; slot++) {
      send(flow.bytes, slot);
      copy.apply(flow.bytes, flow.words, slot);
    }
  };
}

function mix(send: Send): () => void {
  const flow = new MixFlow();
  const bytes = new Uint8Array(MOST_SLOTS * SLOT_BYTES);
  const words = new Int32Array(bytes.buffer);
  const put = (command: MixCommand): void => {
    const slots = flow.encode(command, bytes, words, 0);
    for (let slot = 0; slot < slots; slot++) send(bytes, slot);
  };
  for (const command of flow.setUp()) put(command);
  return () => {
    for (let i = 0; i < CHUNK; i++) put(flow.next());
  };
}
