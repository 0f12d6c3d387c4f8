/** The thread that stands for an outside venue: a WebSocket server on loopback, in the form of Bybit v5, whose price moves by a tick with each frame. */
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { type WebSocket, WebSocketServer } from 'ws';
import { SharedClock } from './shared-clock.ts';

export interface ReferenceVenueStart {
  /** When each frame was given to its socket, ms of the shared clock. */
  readonly sentMs: Float64Array;
  readonly framesPerSecond: number;
}

/** Sends this many frames. The thread answers each message with `done`. */
export interface ReferenceVenueWindow {
  readonly frames: number;
}

/** Middle of the first frame in ticks of 0.01; frame i has i more. */
export const FIRST_TICKS = 6_000_000;

if (parentPort !== null) serve(parentPort, workerData as ReferenceVenueStart);

function serve(port: NonNullable<typeof parentPort>, { sentMs, framesPerSecond }: ReferenceVenueStart): void {
  const clock = new SharedClock();
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  let socket: WebSocket | undefined;
  let next = 0;
  let left = 0;
  const send = (): void => {
    const text = frame(next);
    sentMs[next++] = clock.nowMs();
    socket?.send(text);
    if (--left === 0) port.postMessage('done');
    else setTimeout(send, 1000 / framesPerSecond);
  };
  server.on('connection', (connected) => {
    // The subscription.
    connected.once('message', () => {
      socket = connected;
      port.postMessage('connected');
    });
  });
  port.on('message', ({ frames }: ReferenceVenueWindow) => {
    left = frames;
    send();
  });
  server.on('listening', () => port.postMessage((server.address() as AddressInfo).port));
}

function frame(index: number): string {
  const price = (ticks: number): string => (ticks / 100).toFixed(2);
  const middle = FIRST_TICKS + index;
  const data = { s: 'BTCUSDT', b: [[price(middle - 1), '1.5']], a: [[price(middle + 1), '1.5']], u: index + 2, seq: index };
  return JSON.stringify({ topic: 'orderbook.50.BTCUSDT', type: 'snapshot', ts: 1_700_000_000_000 + index, data });
}
