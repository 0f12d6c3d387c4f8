import { Socket } from 'node:net';

/** Bytes of one read at most. */
const READ_BYTES = 64 * 1024;
/** Of all sockets: what was read is processed before the next read. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

interface Accepted {
  _handle: object | null;
}

/**
 * Reads an accepted socket into memory that is used again. The usual reads allocate memory for each, which V8 counts as
 * external, and collects often. Node offers it for sockets that connect, and a server has no option for it: so a second socket takes over the first
 * one's handle, as `node:cluster` does.
 * @param accepted of a server with `pauseOnConnect`; nothing was read of it
 * @param onBytes gets the bytes from 0 to `end`, valid during the call
 * @returns the socket to use instead; undefined: this Node has no such handle
 */
export function readInPlace(accepted: Socket, onBytes: (bytes: Buffer, end: number) => void): Socket | undefined {
  const { _handle: handle } = accepted as unknown as Accepted;
  if (typeof (handle as { useUserBuffer?: unknown } | null)?.useUserBuffer !== 'function') return undefined;
  const onread = {
    buffer: shared,
    callback: (length: number, bytes: Uint8Array): boolean => {
      onBytes(bytes as Buffer, length);
      return true;
    },
  };
  const socket = new Socket({ handle, onread, readable: true, writable: true } as ConstructorParameters<typeof Socket>[0]);
  (accepted as unknown as Accepted)._handle = null;
  // The server counts the accepted one.
  socket.once('close', () => accepted.destroy());
  accepted.once('close', () => socket.destroy());
  return socket;
}
