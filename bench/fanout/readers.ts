/** The readers' process, forked by the scope. It connects to loopback only, and ends with its parent process. */
import type { Socket } from 'node:net';
import { CommandBatch } from '../../engine/wire/frames.ts';
import { LoadSession } from '../load/load-session.ts';
import { OrderFlow } from '../load/order-flow.ts';
import { WindowWatch } from '../load/window-watch.ts';
import { Pacer } from '../suite/pacer.ts';
import { Recorder } from '../suite/recorder.ts';
import { MarketReader, subscribe } from './market-reader.ts';
import type { ConnectRequest, Delivered, DeliverRequest, ReadersReply, ReadersRequest, SlowRequest } from './readers-protocol.ts';

/** Connections that are opened at once. */
const AT_ONCE = 100;
const BATCH = 10;
const RESTING = 500;
/** Every n-th command is timed, at every reader. */
const TIMED = 50;
/** For the last change to arrive. */
const LAST_MS = 5000;
/** The reading pattern of a slow reader of the second kind. */
const NAP_MS = 8000;
const READ_MS = 500;

let readers: MarketReader[] = [];
let slow: Socket[] = [];
let napping: NodeJS.Timeout | undefined;
let onBook: (reader: MarketReader, seq: number, nowMs: number) => void = () => undefined;

async function open({ port, count, channel, symbol }: ConnectRequest): Promise<void> {
  for (let opened = 0; opened < count; opened += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - opened) }, () =>
      MarketReader.open(port, channel, symbol, (reader, seq, nowMs) => onBook(reader, seq, nowMs)),
    );
    readers.push(...(await Promise.all(some)));
  }
}

async function openSlow({ port, count, channel, symbol }: SlowRequest): Promise<void> {
  slow = await Promise.all(Array.from({ length: count }, () => subscribe(port, channel, symbol)));
  for (const socket of slow) socket.on('error', () => undefined); // expected: the exchange disconnects it
  napping = setInterval(() => {
    const some = slow.filter((_, i) => i % 2 === 0);
    for (const socket of some) socket.resume();
    setTimeout(() => some.forEach((socket) => void socket.pause()), READ_MS);
  }, NAP_MS);
}

function close(): void {
  clearInterval(napping);
  for (const { socket } of readers) socket.destroy();
  for (const socket of slow) socket.destroy();
  readers = [];
  slow = [];
}

async function deliver({ port, account, symbol, rate, seq, warmupMs, windowMs }: DeliverRequest): Promise<Delivered> {
  const flow = new OrderFlow([symbol], RESTING, 0, Date.now() * 1000);
  const session = await LoadSession.open('ws', port, account, flow);
  const { inFlight, transport } = session;
  const batch = new CommandBatch(BATCH);
  const recorder = new Recorder();
  let frames = 0;
  const watch = new WindowWatch(1);
  const pacer = new Pacer(rate / BATCH, performance.now() + 1);
  const from = pacer.startMs + warmupMs;
  const end = from + windowMs;
  const messages = Math.ceil((rate * (end - pacer.startMs)) / 1000 / BATCH);
  const inWindow = (ms: number): boolean => ms >= from && ms < end;
  // A rejected command may have no number in the sequence, so that those of the later ones are unknown: also one of the warm-up.
  inFlight.onReject = () => watch.rejected(0, inFlight.rejectCode);
  for (const reader of readers) Object.assign(reader, { seq, gaps: 0 });
  onBook = (reader, now, nowMs) => {
    if (inWindow(nowMs)) frames++;
    for (let at = Math.ceil((reader.seq - seq) / TIMED) * TIMED; at < now - seq; at += TIMED) {
      const planned = pacer.plannedMs(Math.floor(at / BATCH));
      if (inWindow(planned)) recorder.record(nowMs - planned);
    }
    if (now > reader.seq) reader.seq = now;
  };
  const failed = (): boolean => inFlight.rejected > 0 || session.lost !== undefined;
  let sent = 0;
  while (sent < messages && !failed()) {
    const now = performance.now();
    for (const due = Math.min(messages, pacer.due(now)); sent < due; sent++) {
      const planned = pacer.plannedMs(sent);
      watch.sent(inWindow(planned) ? 0 : -1, now - planned);
      batch.clear();
      for (let i = 0; i < BATCH; i++) flow.next(batch, inFlight.add(planned));
      transport.add(batch.bytes());
    }
    transport.flush();
    await pause();
  }
  // Frames in transit still arrive, and count.
  const last = seq + sent * BATCH;
  const behind = (): number => readers.filter((reader) => reader.seq < last).length;
  for (const until = performance.now() + LAST_MS; performance.now() < until && behind() > 0 && !failed(); ) await pause();
  onBook = () => undefined;
  if (session.lost !== undefined) watch.brokeOff(0, `the session was lost: ${session.lost}`);
  // The missing latencies would be the longest ones.
  else if (!failed() && behind() > 0)
    watch.brokeOff(0, `${behind()} of ${readers.length} readers did not get the last change within ${LAST_MS / 1000} s`);
  await session.close();
  const latency = recorder.take();
  const [fault] = watch.faults([latency]);
  return {
    latency,
    framesPerSecond: (frames * 1000) / windowMs,
    fault,
    gaps: readers.reduce((sum, reader) => sum + reader.gaps, 0),
    sendDelay: watch.sendDelay(),
  };
}

/** A timer, not setImmediate: spinning would take a core that the exchange and the readers' sockets need. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

async function answer(request: ReadersRequest): Promise<Delivered | undefined> {
  if (request.op === 'connect') await open(request);
  else if (request.op === 'slow') await openSlow(request);
  else if (request.op === 'deliver') return await deliver(request);
  else close();
  return undefined;
}

const reply = (message: ReadersReply): void => void process.send?.(message);
process.on('disconnect', () => process.exit());
process.on('message', (request: ReadersRequest) => {
  answer(request).then(
    (delivered) => reply(delivered === undefined ? {} : { delivered }),
    (error: unknown) => reply({ error: error instanceof Error ? error.message : String(error) }),
  );
});
