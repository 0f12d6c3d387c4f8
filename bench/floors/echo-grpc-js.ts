/**
 * The echo's process: the cost of the general gRPC library without an exchange
 * behind it. It implements the order entry's Session as far as a load needs it, and
 * ends with its parent process.
 */
import { Metadata, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { SESSION_PATH } from '../load/transport.ts';
import { EchoAnswer } from './echo-answer.ts';

const LAST_REPORT = 'x-openbell-last-report';
const raw = (bytes: Buffer): Buffer => bytes;

const server = new Server({ 'grpc.enable_channelz': 0, 'grpc-node.flow_control_window': 2 ** 22 });
server.addService(
  {
    Session: {
      path: SESSION_PATH,
      requestStream: true,
      responseStream: true,
      requestSerialize: raw,
      requestDeserialize: raw,
      responseSerialize: raw,
      responseDeserialize: raw,
    },
  },
  {
    Session: (call: ServerDuplexStream<Buffer, Buffer>) => {
      const last = Number(call.metadata.get(LAST_REPORT)[0] ?? 0);
      const headers = new Metadata();
      headers.set(LAST_REPORT, String(last));
      call.sendMetadata(headers);
      const answer = new EchoAnswer(last);
      call.on('data', (bytes: Buffer) => call.write(answer.to(bytes)));
      call.on('end', () => call.end());
    },
  },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.send?.(port);
});
process.on('disconnect', () => process.exit());
