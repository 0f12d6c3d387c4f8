/** The thread of the bare way: it takes what the venue writes to its socket, and wakes the thread that waits on its count. It reads nothing of it. */
import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

export interface BareLineStart {
  readonly port: number;
  /** Of a frame. */
  readonly frameBytes: number;
  /** Word 0: frames that have come whole. */
  readonly count: Int32Array;
}

if (parentPort !== null) serve(parentPort, workerData as BareLineStart);

function serve(port: NonNullable<typeof parentPort>, { port: venuePort, frameBytes, count }: BareLineStart): void {
  let bytes = 0;
  const socket = connect(venuePort, '127.0.0.1', () => port.postMessage('connected'));
  socket.on('data', (data) => {
    bytes += data.length;
    Atomics.store(count, 0, Math.floor(bytes / frameBytes));
    Atomics.notify(count, 0);
  });
}
