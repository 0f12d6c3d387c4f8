import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GrpcServer } from '../gateway/endpoints/grpc/server.ts';
import { createLogger } from '../gateway/log.ts';
import { Certificates } from '../gateway/tls/certificates.ts';
import { Authority } from './support/certificates.ts';

/** A tool of Go, which .ci/run installs. */
const missing = spawnSync('h2spec', ['--version']).error !== undefined;
const skip = missing && process.env.OPENBELL_CI !== '1' ? 'NOT TESTED: needs h2spec on the PATH' : false;

for (const tls of [false, true]) {
  test(`the gRPC port passes all of h2spec ${tls ? 'over TLS' : 'in clear'}`, { skip }, async (t) => {
    let certificates: Certificates | undefined;
    if (tls) {
      const dir = mkdtempSync(join(tmpdir(), 'openbell-h2spec-'));
      t.after(() => rmSync(dir, { recursive: true, force: true }));
      certificates = new Certificates({ ...new Authority(dir).issue({ name: 'server' }), clientCa: undefined }, createLogger('silent'));
    }
    const server = new GrpcServer({ methods: {}, maxMessageBytes: 1024, certificates });
    t.after(async () => {
      certificates?.stop();
      await server.stop(0);
    });
    const port = await server.listen('127.0.0.1', 0);
    // Its limit for an answer is the seconds of -o.
    const args = ['-h', '127.0.0.1', '-p', String(port), '-o', '60', ...(tls ? ['-t', '-k'] : [])];
    const child = spawn('h2spec', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let report = '';
    child.stdout.on('data', (bytes: Buffer) => {
      report += bytes;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, report);
    assert.match(report, /145 tests, 145 passed, 0 skipped, 0 failed/);
  });
}
