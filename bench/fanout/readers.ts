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

async function deliver({ port, account, symbol, rate, seq, warmupMs, windowMs, windows }: DeliverRequest): Promise<Delivered> {
  const flow = new OrderFlow([symbol], RESTING, 0, Date.now() * 1000);
  const session = await LoadSession.open('ws', port, account, flow);
  const { inFlight, transport } = session;
  const batch = new CommandBatch(BATCH);
  const recorders = Array.from({ length: windows }, () => new Recorder());
  const frames = new Array<number>(windows).fill(0);
  const watch = new WindowWatch(windows);
  const pacer = new Pacer(rate / BATCH, performance.now() + 1);
  const from = pacer.startMs + warmupMs;
  const end = from + windows * windowMs;
  const messages = Math.ceil((rate * (end - pacer.startMs)) / 1000 / BATCH);
  for (const reader of readers) reader.seq = seq;
  onBook = (reader, now, nowMs) => {
    const arrived = Math.floor((nowMs - from) / windowMs);
    if (arrived >= 0 && arrived < windows) frames[arrived]++;
    for (let at = Math.ceil((reader.seq - seq) / TIMED) * TIMED; at < now - seq; at += TIMED) {
      const planned = pacer.plannedMs(Math.floor(at / BATCH));
      const window = Math.floor((planned - from) / windowMs);
      if (window >= 0 && window < windows) recorders[window].record(nowMs - planned);
    }
    if (now > reader.seq) reader.seq = now;
  };
  let sent = 0;
  while (sent < messages) {
    const now = performance.now();
    for (const due = Math.min(messages, pacer.due(now)); sent < due; sent++) {
      const planned = pacer.plannedMs(sent);
      watch.sent(Math.floor((planned - from) / windowMs), now - planned);
      batch.clear();
      for (let i = 0; i < BATCH; i++) flow.next(batch, inFlight.add(planned));
      transport.add(batch.bytes());
    }
    transport.flush();
    if (session.lost !== undefined) throw new Error(`the session was lost: ${session.lost}`);
    await pause();
  }
  // Frames in transit still arrive, and count.
  const last = seq + sent * BATCH;
  const behind = (): number => readers.filter((reader) => reader.seq < last).length;
  for (const until = performance.now() + LAST_MS; performance.now() < until && behind() > 0; ) await pause();
  onBook = () => undefined;
  // The missing latencies would be the longest ones.
  if (behind() > 0) throw new Error(`${behind()} of ${readers.length} readers did not get the last change within ${LAST_MS / 1000} s`);
  if (inFlight.rejected > 0) throw new Error(`${inFlight.rejected} commands were rejected, the first with code ${inFlight.rejectCode}`);
  await session.close();
  const latencies = recorders.map((recorder) => recorder.take());
  return {
    windows: latencies.map((latency, i) => ({ latency, framesPerSecond: (frames[i] * 1000) / windowMs })),
    gaps: readers.reduce((sum, reader) => sum + reader.gaps, 0),
    faults: watch.faults(latencies),
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
