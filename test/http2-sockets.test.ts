import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { CallHandler, GrpcCall } from '../gateway/endpoints/grpc/call.ts';
import { PREFIX_BYTES } from '../gateway/endpoints/grpc/message-reader.ts';
import { GrpcServer, type GrpcServerOptions } from '../gateway/endpoints/grpc/server.ts';
import { encodeHeaders } from '../gateway/endpoints/http2/header-block.ts';
import { FrameType, Setting } from '../gateway/endpoints/http2/protocol.ts';
import { createLogger } from '../gateway/log.ts';
import { Certificates } from '../gateway/tls/certificates.ts';
import { Authority } from './support/certificates.ts';
import { frame, OPENING, settings, u32 } from './support/http2-frames.ts';
import { until } from './support/order-entry-fixture.ts';

const CALL = { ':method': 'POST', ':path': '/test/Call', 'content-type': 'application/grpc', te: 'trailers' };
const BLOCK = encodeHeaders({ ':scheme': 'http', ...CALL });
const MESSAGE = 50_000;
const MESSAGES = 400;

/** Sends messages, the next when the last is written, each with its number. */
class Sender implements CallHandler {
  sent = 0;
  closed = false;
  readonly #call: GrpcCall;

  constructor(call: GrpcCall) {
    this.#call = call;
    call.serve(this);
  }

  onMessage(): boolean {
    return true;
  }

  onMessagesEnd(): void {
    // They are not read.
  }

  onHalfClose(): void {
    this.onWritten();
  }

  onWritten(): void {
    if (this.sent === MESSAGES) return this.#call.end();
    const bytes = Buffer.alloc(PREFIX_BYTES + MESSAGE, this.sent);
    this.sent++;
    this.#call.write(bytes);
  }

  onClose(): void {
    this.closed = true;
  }
}

async function serve(
  t: TestContext,
  tls: boolean,
  options: Partial<GrpcServerOptions> = {},
): Promise<{ readonly port: number; readonly calls: Sender[] }> {
  let certificates: Certificates | undefined;
  if (tls) {
    const dir = mkdtempSync(join(tmpdir(), 'openbell-http2-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    certificates = new Certificates({ ...new Authority(dir).issue({ name: 'server' }), clientCa: undefined }, createLogger('silent'));
  }
  const calls: Sender[] = [];
  const methods = { '/test/Call': (call: GrpcCall) => void calls.push(new Sender(call)) };
  const server = new GrpcServer({ methods, maxMessageBytes: 1024, certificates, ...options });
  t.after(async () => {
    certificates?.stop();
    await server.stop(0);
  });
  return { port: await server.listen('127.0.0.1', 0), calls };
}

describe('sockets of the gRPC port', () => {
  for (const tls of [false, true])
    it(`that take nothing for a while make writers wait, and lose nothing ${tls ? 'with' : 'without'} TLS`, async (t) => {
      const { port, calls } = await serve(t, tls);
      const socket: Socket = tls ? connectTls({ port, ALPNProtocols: ['h2'], rejectUnauthorized: false }) : connect(port, '127.0.0.1');
      t.after(() => socket.destroy());
      await once(socket, tls ? 'secureConnect' : 'connect');
      const session = connectHttp2(`http://127.0.0.1:${port}`, {
        createConnection: () => socket,
        settings: { initialWindowSize: 2 ** 30 },
      });
      t.after(() => session.destroy());
      await once(session, 'connect');
      session.setLocalWindowSize(2 ** 30);
      const stream = session.request(CALL, { endStream: true });
      await once(stream, 'response');
      socket.pause();
      // More than the socket's buffers hold: the writer must wait before it has sent all.
      await until(() => calls[0].sent > 1, 'the first messages to be written');
      socket.resume();
      let at = 0;
      let sum = 0;
      stream.on('data', (bytes: Buffer) => {
        for (const byte of bytes) {
          const within = at++ % (PREFIX_BYTES + MESSAGE);
          if (within === PREFIX_BYTES) sum += byte;
        }
      });
      const [trailers] = (await once(stream, 'trailers')) as [Record<string, string>];
      assert.equal(trailers['grpc-status'], '0');
      assert.equal(at, MESSAGES * (PREFIX_BYTES + MESSAGE));
      assert.equal(
        sum,
        Array.from({ length: MESSAGES }, (_, i) => i & 255).reduce((a, b) => a + b),
      );
      await until(() => calls[0].closed, 'the end of the call');
    });

  it('that are not read keep no more than a buffer and what the kernel takes', async (t) => {
    const { port, calls } = await serve(t, false);
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    const windows = [
      frame(FrameType.Settings, 0, 0, settings([Setting.InitialWindowSize, 2 ** 30])),
      frame(FrameType.WindowUpdate, 0, 0, u32(2 ** 30)),
    ];
    socket.write(Buffer.concat([OPENING, ...windows, frame(FrameType.Headers, 5, 1, BLOCK)]));
    await until(() => calls.length === 1 && calls[0].sent > 1, 'the first messages');
    let before = -1;
    await until(() => {
      const same = calls[0].sent === before;
      before = calls[0].sent;
      return same;
    }, 'the writer to wait');
    assert.ok(calls[0].sent < MESSAGES, `${calls[0].sent} messages`);
    socket.destroy();
    await until(() => calls[0].closed, 'the end of the call');
  });

  it('whose client closes its side end their calls', async (t) => {
    const { port, calls } = await serve(t, false);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    t.after(() => socket.destroy());
    socket.resume().on('error', () => undefined);
    socket.write(Buffer.concat([OPENING, frame(FrameType.Headers, 4, 1, BLOCK)]));
    await until(() => calls.length === 1, 'the call');
    const closed = once(socket, 'close');
    socket.end();
    await until(() => calls[0].closed, 'the end of the call');
    await closed;
  });

  it('whose client does not answer a ping in time are cut, with their calls', async (t) => {
    const { port, calls } = await serve(t, false, { keepaliveMs: 50, pongMs: 50 });
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.resume().on('error', () => undefined);
    const closed = once(socket, 'close');
    socket.write(Buffer.concat([OPENING, frame(FrameType.Headers, 4, 1, BLOCK)]));
    await closed;
    await until(() => calls[0].closed, 'the end of the call');
  });

  it('whose client answers pings stay open', async (t) => {
    const { port, calls } = await serve(t, false, { keepaliveMs: 20, pongMs: 60_000 });
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    t.after(() => session.destroy());
    session.request(CALL).on('error', () => undefined);
    let pings = 0;
    session.on('ping', () => pings++);
    await until(() => pings >= 3 && calls.length === 1, 'three pings');
    assert.equal(calls[0].closed, false);
  });

  it('with TLS are closed when their client does not choose HTTP/2', async (t) => {
    const { port } = await serve(t, true);
    const socket = connectTls({ port, rejectUnauthorized: false });
    t.after(() => socket.destroy());
    socket.on('error', () => undefined).resume();
    await once(socket, 'close');
  });
});
