import * as uWS from 'uWebSockets.js';
import { serveOrderSockets } from '../../gateway/endpoints/websocket/order-sockets.ts';
import { EVERYBODY } from './everybody.ts';
import type { TestExchange } from './order-entry-fixture.ts';

/** Order entry over WebSocket on a free port, without authentication; the caller closes `app`. */
export async function orderSockets({ sessions }: TestExchange): Promise<{ readonly app: uWS.TemplatedApp; readonly port: number }> {
  const app = uWS.App();
  serveOrderSockets(app, sessions, EVERYBODY);
  const port = await new Promise<number>((resolve) =>
    app.listen('127.0.0.1', 0, (socket) => resolve(uWS.us_socket_local_port(socket as unknown as uWS.us_socket))),
  );
  return { app, port };
}
