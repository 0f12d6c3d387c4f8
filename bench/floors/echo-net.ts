/** The echo on a bare TCP connection: what the machine takes for the bytes alone. It ends with its parent process. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { LENGTH_BYTES, LengthSplitter } from '../load/net-transport.ts';
import { EchoAnswer } from './echo-answer.ts';
import { EchoMemory } from './echo-memory.ts';

function serve(socket: Socket): void {
  const splitter = new LengthSplitter();
  const memory = new EchoMemory();
  let answer: EchoAnswer | undefined;
  const onMessage = (message: Buffer): void => {
    if (answer === undefined) {
      answer = new EchoAnswer(message.readDoubleLE());
      return;
    }
    const bytes = answer.to(message, LENGTH_BYTES, memory);
    bytes.writeUInt32LE(bytes.length - LENGTH_BYTES);
  };
  socket.on('data', (piece) => {
    splitter.push(piece, onMessage);
    const answers = memory.written();
    if (answers.length !== 0) socket.write(answers);
  });
  // The generator closes without a farewell.
  socket.on('error', () => socket.destroy());
}

const server = createServer({ noDelay: true }, serve);
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
