import type { SocketRoutes } from './socket-server.ts';

/**
 * Answers requests below a path with 404. Every other path of the port is market data, which a client of this path would not
 * notice.
 * @param details the path to use instead
 */
export function notFoundBelow(app: SocketRoutes, path: string, details: string): void {
  app.ws(`${path}/*`, {
    upgrade: (res) => {
      res.writeStatus('404 Not Found').writeHeader('content-type', 'text/plain; charset=utf-8');
      res.end(`NOT_FOUND: ${details}\n`, true);
    },
  });
}
