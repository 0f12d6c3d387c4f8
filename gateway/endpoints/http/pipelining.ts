import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The library's parser of a connection, as far as it is used here. Its types leave it out. */
interface RequestParser {
  /** Called for each request. 2: the parser reads no further. */
  onIncoming?: (request: IncomingMessage, keepAlive: boolean) => number;
}

/** Answer of `onIncoming` that stops the parser. */
const STOP = 2;

/**
 * Bounds the requests of a connection that wait for their answers. The library itself parses and
 * starts all requests that arrive in one read, up to 2,500 in one turn of the event loop. A connection
 * beyond the limit is closed, and the rest of its bytes is not parsed.
 * @param event of the server for each connection that it reads requests from
 * @param mostOf the connection's limit now
 */
export function limitPipelining(
  server: Server,
  event: 'connection' | 'secureConnection',
  mostOf: (socket: Socket) => number,
  onExceeded: () => void,
): void {
  const open = new WeakMap<Socket, number>();
  // Behind the library's own listener, which makes the parser.
  server.on(event, (socket: Socket) => {
    const { parser } = socket as Socket & { parser?: RequestParser };
    const onIncoming = parser?.onIncoming;
    if (parser === undefined || onIncoming === undefined) return;
    parser.onIncoming = (request, keepAlive) => {
      const waiting = open.get(socket) ?? 0;
      if (socket.destroyed || waiting >= mostOf(socket)) {
        if (!socket.destroyed) onExceeded();
        socket.destroy();
        return STOP;
      }
      open.set(socket, waiting + 1);
      return onIncoming(request, keepAlive);
    };
  });
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    response.once('close', () => open.set(socket, (open.get(socket) ?? 1) - 1));
  });
}
