import { Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js';
import { type OpenTransport, type OrderTransport, SESSION_PATH, type TransportListener, type TransportOptions } from './transport.ts';

const raw = (bytes: Buffer): Buffer => bytes;

/** The gRPC library that clients use; it sends each message separately. */
export async function openGrpcJs({ port, account, lastReport }: TransportOptions, listener: TransportListener): Promise<OpenTransport> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
    'grpc-node.flow_control_window': 2 ** 22,
    'grpc.use_local_subchannel_pool': 1,
  });
  const metadata = new Metadata();
  metadata.set('x-openbell-account', String(account));
  if (lastReport !== undefined) metadata.set('x-openbell-last-report', String(lastReport));
  const call = client.makeBidiStreamRequest(SESSION_PATH, raw, raw, metadata);
  const headers = await new Promise<Metadata>((resolve, reject) => {
    call.once('error', reject);
    call.once('metadata', resolve);
  });
  return { transport: new GrpcJsTransport(client, call, listener), lastReport: Number(headers.get('x-openbell-last-report')[0]) };
}

class GrpcJsTransport implements OrderTransport {
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  #closing = false;
  /** Also if the connection was lost before. */
  readonly #ended: Promise<void>;

  constructor(client: Client, call: ClientDuplexStream<Buffer, Buffer>, listener: TransportListener) {
    this.#client = client;
    this.#call = call;
    this.#ended = new Promise((resolve) => void call.once('status', () => resolve()));
    call.on('data', (bytes: Buffer) => listener.onMessage(bytes, performance.now()));
    call.on('error', (error) => {
      if (!this.#closing) listener.onLost(error.message);
    });
    call.on('end', () => {
      if (!this.#closing) listener.onLost('the exchange ended the session');
    });
  }

  get waitingBytes(): number {
    return this.#call.writableLength;
  }

  add(frame: Uint8Array): void {
    this.#call.write(Buffer.from(frame));
  }

  flush(): void {
    // The library has sent, or queued, each message already.
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#call.cancel();
    await this.#ended;
    this.#client.close();
  }
}
