/** The echo on uWebSockets.js, which cuts the frames and sends the answers to all frames of a read in one write. It ends with its parent process. */
import { App, us_socket_local_port, type WebSocket } from 'uWebSockets.js';
import { WS_LAST_REPORT, WS_ORDERS_PATH } from '../load/ws-transport.ts';
import { EchoAnswer } from './echo-answer.ts';

interface User {
  readonly answer: EchoAnswer;
}

App()
  .ws<User>(WS_ORDERS_PATH, {
    compression: 0,
    maxBackpressure: 0,
    maxPayloadLength: 2 ** 20,
    upgrade: (res, req, context) => {
      const last = Number(req.getQuery('last-report') ?? 0);
      const header = (name: string): string => req.getHeader(name);
      res.writeStatus('101 Switching Protocols').writeHeader(WS_LAST_REPORT, String(last));
      res.upgrade<User>(
        { answer: new EchoAnswer(last) },
        header('sec-websocket-key'),
        header('sec-websocket-protocol'),
        header('sec-websocket-extensions'),
        context,
      );
    },
    message: (ws: WebSocket<User>, message) => void ws.send(ws.getUserData().answer.to(new Uint8Array(message)), true),
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (socket === false) throw new Error('the echo on uWebSockets.js has no port');
    process.send?.(us_socket_local_port(socket));
  });
process.on('disconnect', () => process.exit());
