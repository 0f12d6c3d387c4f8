import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js';
import { pino } from 'pino';
import { z } from 'zod';
import { SILENT } from '../gateway/audit/audit-sink.ts';
import type { GrpcCall } from '../gateway/endpoints/grpc/call.ts';
import { PREFIX_BYTES } from '../gateway/endpoints/grpc/message-reader.ts';
import { GrpcServer } from '../gateway/endpoints/grpc/server.ts';
import { AdminServer } from '../gateway/endpoints/http/admin.ts';
import { PreAuthLimit } from '../gateway/endpoints/pre-auth-limit.ts';
import { SocketServer } from '../gateway/endpoints/websocket/socket-server.ts';
import { createMetrics } from '../gateway/metrics.ts';
import { Certificates } from '../gateway/tls/certificates.ts';
import { peerOfUpgrade } from '../gateway/tls/peer-certificate.ts';
import { readTlsMaterial, TlsError } from '../gateway/tls/tls-material.ts';
import { Authority, MountedSecret, type Pair } from './support/certificates.ts';
import { EVERYBODY } from './support/everybody.ts';
import { until } from './support/until.ts';

const POLL_MS = 20;
const raw = (bytes: Buffer): Buffer => bytes;

/** All three ports with one certificate; each answers with the identity of its peer. */
class Ports {
  readonly log: Record<string, unknown>[] = [];
  readonly rejectedHandshakes: string[] = [];
  readonly certificates: Certificates;
  readonly #grpc: GrpcServer;
  readonly #sockets: SocketServer;
  readonly #admin: AdminServer;
  grpc = 0;
  ws = 0;
  http = 0;

  constructor(pair: Pair, clientCa?: string) {
    const log = pino({}, { write: (line: string) => void this.log.push(JSON.parse(line)) });
    this.certificates = new Certificates({ ...pair, clientCa }, log, POLL_MS);
    const { certificates } = this;
    this.#grpc = new GrpcServer({
      methods: { '/test/Who': echo },
      maxMessageBytes: 1024,
      certificates,
      onHandshakeRejected: (peer, reason) => this.rejectedHandshakes.push(`${peer} ${reason}`),
    });
    this.#sockets = new SocketServer(certificates);
    this.#sockets.ws<{ who: string }>('/*', {
      upgrade: (res, req, context) => {
        const who = JSON.stringify(peerOfUpgrade(res));
        res.upgrade({ who }, req.getHeader('sec-websocket-key'), '', '', context);
      },
      message: (ws) => void ws.send(ws.getUserData().who),
    });
    this.#admin = new AdminServer({
      host: '127.0.0.1',
      port: 0,
      registry: createMetrics(),
      log,
      unready: () => [],
      certificates,
      identity: EVERYBODY,
      audit: SILENT,
      preAuthLimit: new PreAuthLimit({ timeoutMs: 60_000, givesWay: 'oldest' }, () => false),
    });
    this.#admin.serve([
      {
        method: 'GET',
        path: '/v1/thing',
        summary: '',
        answer: z.unknown(),
        guarded: true,
        action: 'market:read',
        handle: () => ({ json: { thing: 1 } }),
      },
    ]);
  }

  async start(): Promise<this> {
    this.grpc = await this.#grpc.listen('127.0.0.1', 0);
    this.ws = this.#sockets.listen('127.0.0.1', 0);
    this.http = await this.#admin.listen();
    return this;
  }

  async stop(): Promise<void> {
    this.certificates.stop();
    this.#sockets.close();
    await this.#grpc.stop(100);
    await this.#admin.stop();
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    await until(condition, what).catch((error) => {
      throw new Error(`${error.message}; log ${JSON.stringify(this.log)}`);
    });
  }
}

/** Answers each message with the peer. */
function echo(call: GrpcCall): void {
  call.serve(
    {
      onMessage: () => {
        const who = Buffer.from(JSON.stringify({ address: call.peerAddress, certificate: call.peerCertificate }));
        call.write(Buffer.concat([Buffer.alloc(PREFIX_BYTES), who]));
        return true;
      },
      onMessagesEnd: () => undefined,
      onHalfClose: () => call.end(),
      onWritten: () => undefined,
      onClose: () => undefined,
    },
    {},
  );
}

/** Name in the certificate that the port shows. @throws the alert it ends the handshake with */
async function shownBy(
  port: number,
  options: ConnectionOptions,
): Promise<{ name: unknown; protocol: string | null; alpn: string | false }> {
  const socket = connect({ port, host: '127.0.0.1', ALPNProtocols: ['h2', 'http/1.1'], ...options });
  await once(socket, 'secureConnect');
  const seen = { name: socket.getPeerCertificate().subject.CN, protocol: socket.getProtocol(), alpn: socket.alpnProtocol ?? false };
  socket.destroy();
  return seen;
}

/** A hand-written WebSocket client; returns the handshake's status line, or the error. */
async function upgrade(port: number, options: ConnectionOptions): Promise<{ status: string; socket: TLSSocket }> {
  const socket = connect({ port, host: '127.0.0.1', ...options });
  socket.on('error', () => undefined);
  socket.write(
    'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  const status = await once(socket, 'data').then(
    ([bytes]) => String(bytes).split('\r\n')[0],
    (error: NodeJS.ErrnoException) => `closed: ${error.code}`,
  );
  return { status, socket };
}

/** Sends an empty message, resolves with the answer's text. */
async function ask(socket: TLSSocket): Promise<string> {
  socket.write(Buffer.from([0x82, 0x80, 0, 0, 0, 0]));
  const [frame] = (await once(socket, 'data')) as [Buffer];
  return frame.subarray(frame[1] === 126 ? 4 : 2).toString();
}

function get(port: number, path: string, options: ConnectionOptions): Promise<number | string> {
  return new Promise((resolve) => {
    const outgoing = request({ port, host: '127.0.0.1', path, agent: false, ...options }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    outgoing.end();
  });
}

function who(
  port: number,
  ca: Buffer,
  pair?: Pair,
): { client: Client; stream: ClientDuplexStream<Buffer, Buffer>; ask: () => Promise<string> } {
  const keys = pair === undefined ? [] : [readFileSync(pair.key), readFileSync(pair.cert)];
  const client = new Client(`127.0.0.1:${port}`, credentials.createSsl(ca, ...keys), { 'grpc.enable_retries': 0 });
  const stream = client.makeBidiStreamRequest('/test/Who', raw, raw, new Metadata());
  stream.on('error', () => undefined);
  const answer = async () => {
    stream.write(Buffer.alloc(0));
    return await once(stream, 'data').then(
      ([bytes]) => (bytes as Buffer).toString(),
      (error: Error) => error.message,
    );
  };
  return { client, stream, ask: answer };
}

describe('TLS', () => {
  let dir: string;
  let authority: Authority;
  let stranger: Authority;
  let first: Pair;
  let second: Pair;
  let client: Pair;
  let ca: Buffer;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'openbell-tls-'));
    authority = new Authority(join(dir, 'ours'));
    stranger = new Authority(join(dir, 'theirs'), 'stranger');
    first = authority.issue({ name: 'first' });
    second = authority.issue({ name: 'second' });
    client = authority.issue({ name: 'desk-7', names: 'DNS:desk-7.example,URI:spiffe://openbell/desk-7' });
    ca = readFileSync(authority.ca.cert);
  });
  after(() => rmSync(dir, { recursive: true }));
  const keysOf = (pair: Pair) => ({ cert: readFileSync(pair.cert), key: readFileSync(pair.key) });

  it('supports TLS 1.3 on every port, and no earlier version', async (t) => {
    const ports = await new Ports(first).start();
    t.after(() => ports.stop());
    for (const port of ['grpc', 'ws', 'http'] as const) {
      const { name, protocol, alpn } = await shownBy(ports[port], { ca });
      assert.deepEqual([port, name, protocol], [port, 'first', 'TLSv1.3']);
      if (port === 'grpc') assert.equal(alpn, 'h2');
      for (const maxVersion of ['TLSv1.2', 'TLSv1.1'] as const) {
        const seclevel = { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } as const;
        await assert.rejects(shownBy(ports[port], { ca, maxVersion, ...seclevel }), /alert|ECONNRESET/i, `${port} took ${maxVersion}`);
      }
    }
  });

  it('with a client CA: a missing, foreign or expired certificate is rejected; health answers every caller', async (t) => {
    const ports = await new Ports(first, authority.ca.cert).start();
    t.after(() => ports.stop());
    const expired = authority.issue({ name: 'expired', days: -1 });
    const outside: [string, Pair | undefined][] = [
      ['none', undefined],
      ['stranger', stranger.issue({ name: 'desk-7' })],
      ['expired', expired],
    ];
    for (const [name, pair] of outside) {
      const options = { ca, ...(pair && keysOf(pair)) };
      const { client: rejected, ask: answer } = who(ports.grpc, ca, pair);
      assert.match(await answer(), /UNAVAILABLE/, `gRPC took ${name}`);
      rejected.close();
      const { status, socket } = await upgrade(ports.ws, options);
      socket.destroy();
      assert.match(status, pair === undefined ? /401/ : /401|closed/, `WebSocket took ${name}`);
      assert.equal(await get(ports.http, '/v1/thing', options), 401, `admin took ${name}`);
      assert.equal(await get(ports.http, '/metrics', options), 401, `metrics took ${name}`);
      assert.equal(await get(ports.http, '/health/ready', options), 200);
    }
    await ports.until('three rejected handshakes', () => ports.rejectedHandshakes.length >= 3);
    assert.match(ports.rejectedHandshakes[0], /^127\.0\.0\.1 ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE/);

    // TLS 1.3 can resume the connection of a health check without a full handshake: this does not prove a certificate.
    const probe = connect({ port: ports.http, host: '127.0.0.1', ca });
    probe.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [session] = (await once(probe, 'session')) as [Buffer];
    probe.destroy();
    assert.equal(await get(ports.http, '/v1/thing', { ca, session }), 401);

    const shown = { ca, ...keysOf(client) };
    assert.equal(await get(ports.http, '/v1/thing', shown), 200);
    const named = (text: string) => {
      const { address, certificate } = JSON.parse(text);
      const { subject, dnsNames, uris, fingerprint } = certificate;
      assert.deepEqual(
        { address, subject, dnsNames, uris },
        { address: '127.0.0.1', subject: 'CN=desk-7', dnsNames: ['desk-7.example'], uris: ['spiffe://openbell/desk-7'] },
      );
      assert.match(fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    };
    const grpc = who(ports.grpc, ca, client);
    named(await grpc.ask());
    grpc.client.close();
    const { socket } = await upgrade(ports.ws, shown);
    named(await ask(socket));
    socket.destroy();
  });

  it('loads a changed certificate, replaced as by Kubernetes; open connections stay connected', async (t) => {
    const secret = new MountedSecret(join(dir, 'secret'), first);
    const ports = await new Ports(secret).start();
    t.after(() => ports.stop());
    const grpc = who(ports.grpc, ca);
    const { socket } = await upgrade(ports.ws, { ca });
    t.after(() => {
      grpc.client.close();
      socket.destroy();
    });
    await grpc.ask();
    await ask(socket);
    for (const [version, pair] of [second, first, second].entries()) {
      secret.mount(pair);
      await ports.until('the reload', () => ports.certificates.reloads === version + 1);
      const expected = pair === first ? 'first' : 'second';
      for (const port of [ports.grpc, ports.ws, ports.http]) assert.equal((await shownBy(port, { ca })).name, expected);
      assert.match(await grpc.ask(), /127\.0\.0\.1/);
      assert.match(await ask(socket), /127\.0\.0\.1/);
    }
    const { socket: later } = await upgrade(ports.ws, { ca });
    assert.match(await ask(later), /127\.0\.0\.1/);
    later.destroy();
  });

  it('rejects no connection while it loads changed certificates', async (t) => {
    const secret = new MountedSecret(join(dir, 'busy'), first);
    const ports = await new Ports(secret).start();
    t.after(() => ports.stop());
    const statuses = new Map<string, number>();
    let done = false;
    const connecting = Array.from({ length: 8 }, async () => {
      while (!done) {
        const { status, socket } = await upgrade(ports.ws, { ca });
        socket.destroy();
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    });
    for (let switches = 1; switches <= 12; switches++) {
      secret.mount(switches % 2 === 0 ? first : second);
      await ports.until('the reload', () => ports.certificates.reloads === switches);
      await sleep(50);
    }
    done = true;
    await Promise.all(connecting);
    assert.deepEqual([...statuses.keys()], ['HTTP/1.1 101 Switching Protocols'], JSON.stringify([...statuses]));
  });

  it('keeps the old certificate while the files do not match', async (t) => {
    const files = { cert: join(dir, 'live.pem'), key: join(dir, 'live.key') };
    const put = (cert: string | Buffer, key: string | Buffer) => {
      writeFileSync(files.cert, cert);
      writeFileSync(files.key, key);
    };
    const one = keysOf(first);
    const other = keysOf(second);
    put(one.cert, one.key);
    const ports = await new Ports(files).start();
    t.after(() => ports.stop());
    const broken: [string, Buffer, Buffer, RegExp][] = [
      ['mismatched', other.cert, one.key, /is not the key of the certificate/],
      ['half a certificate', other.cert.subarray(0, 300), other.key, /live\.pem: not a whole PEM file/],
      ['half a key', other.cert, other.key.subarray(0, 100), /live\.key: not a whole PEM file/],
      ['empty', Buffer.alloc(0), Buffer.alloc(0), /not a whole PEM file/],
    ];
    for (const [what, cert, key, message] of broken) {
      ports.log.length = 0;
      put(cert, key);
      const logged = () => ports.log.some(({ err }) => message.test((err as Error | undefined)?.message ?? ''));
      await ports.until(`${what} is logged`, logged);
      for (const port of [ports.grpc, ports.ws, ports.http]) assert.equal((await shownBy(port, { ca })).name, 'first', what);
    }
    assert.equal(ports.certificates.reloads, 0);
    put(other.cert, other.key);
    await ports.until('the reload', () => ports.certificates.reloads === 1);
    for (const port of [ports.grpc, ports.ws, ports.http]) assert.equal((await shownBy(port, { ca })).name, 'second');
  });

  it('warns once about certificates that have expired or will soon expire', async () => {
    const log: Record<string, unknown>[] = [];
    const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line)) });
    const certificates = new Certificates(
      { ...authority.issue({ name: 'soon', days: 3 }), clientCa: authority.issue({ name: 'over', days: -1 }).cert },
      logger,
      POLL_MS,
    );
    await sleep(10 * POLL_MS);
    certificates.stop();
    assert.deepEqual(
      log.map(({ msg, subject }) => `${subject}: ${msg}`),
      ['CN=soon: a TLS certificate expires soon', 'CN=over: a TLS certificate has expired: clients reject it'],
    );
  });

  it('names the invalid file, and never its content', () => {
    const secretText = 'not-a-key-but-nobodys-business';
    const key = join(dir, 'wrong.key');
    writeFileSync(key, secretText);
    const wrong: [Pair & { clientCa?: string }, RegExp][] = [
      [{ cert: join(dir, 'nowhere.pem'), key: first.key }, /nowhere\.pem: cannot be read \(ENOENT\); give a PEM file with --tls-cert/],
      [{ cert: first.cert, key }, /wrong\.key: not a whole PEM file/],
      [{ cert: first.cert, key: second.key }, /second\.key is not the key of the certificate in .*first\.pem/],
      [{ ...first, clientCa: key }, /wrong\.key: holds no certificate/],
    ];
    for (const [files, message] of wrong) {
      assert.throws(
        () => readTlsMaterial({ clientCa: undefined, ...files }),
        (error) => error instanceof TlsError && message.test(error.message) && !error.message.includes(secretText),
      );
    }
  });
});
