/**
 * The echo with the framing of gRPC directly on `node:http2`, one stream per account: what Node's own HTTP/2 takes for it. It ends with
 * its parent process.
 */
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { GRPC_PREFIX_BYTES, GrpcSplitter, LAST_REPORT } from '../load/grpc-transport.ts';
import { EchoAnswer } from './echo-answer.ts';
import { EchoMemory } from './echo-memory.ts';

/** Flow-control window in bytes, for a stream and for a connection. */
const WINDOW = 2 ** 22;

function serve(stream: ServerHttp2Stream, last: number): void {
  const splitter = new GrpcSplitter();
  const memory = new EchoMemory();
  const answer = new EchoAnswer(last);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', [LAST_REPORT]: String(last) });
  const onMessage = (message: Buffer): void => {
    const bytes = answer.to(message, GRPC_PREFIX_BYTES, memory);
    bytes[0] = 0;
    bytes.writeUInt32BE(bytes.length - GRPC_PREFIX_BYTES, 1);
  };
  stream.on('data', (piece: Buffer) => {
    splitter.push(piece, onMessage);
    const answers = memory.written();
    if (answers.length !== 0) stream.write(answers);
  });
  // The generator resets its stream at the end.
  stream.on('error', () => undefined);
}

const server = createServer({ settings: { initialWindowSize: WINDOW } });
server.on('session', (session) => session.setLocalWindowSize(WINDOW));
server.on('stream', (stream, headers) => serve(stream, Number(headers[LAST_REPORT] ?? 0)));
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
