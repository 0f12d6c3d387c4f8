/** The thread that stands for an outside venue: a WebSocket server on loopback, in the form of Bybit v5, whose price moves by a tick with each frame. */
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { parentPort, workerData } from 'node:worker_threads';
import { WebSocketServer } from 'ws';
import { SharedClock } from './shared-clock.ts';

export interface ReferenceVenueStart {
  /** When each frame was given to its socket, ms of the shared clock. */
  readonly sentMs: Float64Array;
  readonly bareSentMs: Float64Array;
}

/** Where the venue listens. */
export interface ReferenceVenuePorts {
  readonly webSocket: number;
  /** Bare frames of {@link BARE_FRAME_BYTES}. */
  readonly bare: number;
}

/** Sends this many frames. The thread answers each message with `done`. */
export interface ReferenceVenueWindow {
  readonly frames: number;
  readonly framesPerSecond: number;
  /** To the bare line. Its frames have numbers of their own. */
  readonly bare: boolean;
}

/** Middle of the first frame in ticks of 0.01; frame i has i more. */
export const FIRST_TICKS = 6_000_000;

/** About as long as the others. */
export const BARE_FRAME_BYTES = 256;

const FINAL_TEXT = 0x81;
const LENGTH_IN_16_BITS = 126;

if (parentPort !== null) serve(parentPort, workerData as ReferenceVenueStart);

/** What is sent on one socket, and when it was. */
interface Line {
  readonly sentMs: Float64Array;
  readonly frame: (index: number) => Buffer;
  socket: Duplex | undefined;
  next: number;
}

function serve(port: NonNullable<typeof parentPort>, { sentMs, bareSentMs }: ReferenceVenueStart): void {
  const clock = new SharedClock();
  // Made and framed before they are due: the time of the venue's own work is not that of the feed.
  const frames = Array.from(sentMs, (_, index) => framed(frame(index)));
  const bareFrame = Buffer.alloc(BARE_FRAME_BYTES);
  const feed: Line = { sentMs, frame: (index) => frames[index], socket: undefined, next: 0 };
  const bare: Line = { sentMs: bareSentMs, frame: () => bareFrame, socket: undefined, next: 0 };
  const webSockets = new WebSocketServer({ noServer: true });
  const http = createServer();
  const bareServer = createTcpServer((socket: Socket) => {
    bare.socket = socket.setNoDelay();
  });
  const send = (line: Line, left: number, intervalMs: number): void => {
    const { sentMs: times, next } = line;
    const bytes = line.frame(next);
    line.next++;
    times[next] = clock.nowMs();
    line.socket?.write(bytes);
    if (left === 1) port.postMessage('done');
    else setTimeout(send, intervalMs, line, left - 1, intervalMs);
  };
  http.on('upgrade', (request, socket: Duplex, head) => {
    webSockets.handleUpgrade(request, socket, head, (connected) => {
      // The subscription.
      connected.once('message', () => {
        feed.socket = socket;
        port.postMessage('connected');
      });
    });
  });
  port.on('message', (window: ReferenceVenueWindow) => send(window.bare ? bare : feed, window.frames, 1000 / window.framesPerSecond));
  const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;
  http.listen(0, '127.0.0.1', () => {
    bareServer.listen(0, '127.0.0.1', () => {
      port.postMessage({ webSocket: portOf(http), bare: portOf(bareServer) } satisfies ReferenceVenuePorts);
    });
  });
}

/** The first frame is the snapshot; each further one takes both levels away and puts them a tick higher. */
function frame(index: number): string {
  const price = (ticks: number): string => (ticks / 100).toFixed(2);
  const middle = FIRST_TICKS + index;
  const side = (sign: number): string[][] => {
    const level = [price(middle + sign), '1.5'];
    return index === 0 ? [level] : [[price(middle - 1 + sign), '0'], level];
  };
  const data = { s: 'BTCUSDT', b: side(-1), a: side(1), u: index + 1, seq: index };
  const ts = 1_700_000_000_000 + index;
  return JSON.stringify({ topic: 'orderbook.50.BTCUSDT', type: index === 0 ? 'snapshot' : 'delta', ts, data, cts: ts });
}

/** A whole text frame without a mask (RFC 6455, 5.2), of 126 to 65,535 bytes. */
function framed(text: string): Buffer {
  const payload = Buffer.from(text);
  const bytes = Buffer.alloc(4 + payload.length);
  bytes.writeUInt8(FINAL_TEXT, 0);
  bytes.writeUInt8(LENGTH_IN_16_BITS, 1);
  bytes.writeUInt16BE(payload.length, 2);
  payload.copy(bytes, 4);
  return bytes;
}
