import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { orderEntryClient } from '../gateway/client/grpc-client.ts';
import { Authority } from './support/certificates.ts';

describe('order entry over TLS to an address', () => {
  let dir: string;
  let authority: Authority;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'openbell-tls-address-'));
    authority = new Authority(join(dir, 'ours'));
  });
  after(() => rmSync(dir, { recursive: true }));

  /** Connects to a server with a certificate for `names`. @returns the server name that was sent, false without one */
  async function connectTo(names: string, ca = authority, host = '127.0.0.1'): Promise<unknown> {
    const { cert, key } = authority.issue({ name: `server-${names.replace(/\W/g, '-')}`, names });
    const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });
    let sent: unknown;
    server.on('secureConnection', (socket: TLSSocket) => {
      sent = socket.servername;
    });
    server.on('sessionError', () => undefined);
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = orderEntryClient(host, (server.address() as AddressInfo).port, { ca: readFileSync(ca.ca.cert) });
    try {
      await new Promise<void>((resolve, reject) => {
        client.makeUnaryRequest(
          '/none',
          () => Buffer.alloc(0),
          () => undefined,
          Buffer.alloc(0),
          (error) => (error?.message.includes('No connection established') ? reject(error) : resolve()),
        );
      });
      return sent;
    } finally {
      client.close();
      server.close();
    }
  }

  it('no server name is sent, as an address is none, and Node does not warn', { timeout: 120_000 }, async (t) => {
    const warnings: Error[] = [];
    const listener = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listener);
    t.after(() => process.off('warning', listener));
    assert.equal(await connectTo('IP:127.0.0.1'), false);
    assert.equal(await connectTo('DNS:localhost', authority, 'localhost'), 'localhost');
    await new Promise(setImmediate);
    assert.deepEqual(warnings, []);
  });

  it('a certificate for another address or a name, or of another authority, is rejected', { timeout: 120_000 }, async () => {
    await assert.rejects(connectTo('IP:127.0.0.2'), /127\.0\.0\.1 is not in the cert's list/);
    await assert.rejects(connectTo('DNS:localhost'), /127\.0\.0\.1 is not in the cert's list/);
    const stranger = new Authority(join(dir, 'theirs'), 'stranger');
    await assert.rejects(connectTo('IP:127.0.0.1', stranger), /unable to verify|unable to get/);
  });
});
