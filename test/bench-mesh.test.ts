import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { StageReporter } from '../bench/load/stage-reporter.ts';
import { type Venue, withVenue } from '../bench/load/venue.ts';
import { envoyConfig } from '../bench/mesh/envoy-config.ts';
import { EnvoyProcess } from '../bench/mesh/envoy-process.ts';
import { interleaved } from '../bench/mesh/interleaved.ts';
import { ANYWHERE } from '../bench/suite/cores.ts';
import { Parts, type ScopeContext } from '../bench/suite/scope.ts';
import { ENVOY, withoutEnvoy } from './support/envoy-fixture.ts';

const CLAIMS = { 'x-openbell-subject': 'bench', 'x-openbell-accounts': '1 2', 'x-openbell-expires': '9999999999' };

test('rejected commands are a note on the figures of the mesh scope, not the end of it', { skip: withoutEnvoy }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-bench-mesh-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
  const { signal } = new AbortController();
  const context: ScopeContext = { profile: 'ci', windows: 3, dir, progress: () => undefined, signal, options: {} };
  const stage = new StageReporter(context, 10);
  const parts = new Parts(signal);
  t.after(() => stage.end());
  const headers = { ...CLAIMS, 'x-openbell-roles': 'operator auditor', 'x-openbell-accounts': '*' };
  const options = { durability: 'fast', placement: ANYWHERE, flags: ['--auth-proxies', '127.0.0.0/8'], headers } as const;
  await withVenue(context, 'mesh', options, async (venue) => {
    const bootstrap = (listen: number) => envoyConfig({ listen, upstream: venue.exchange.ports.grpc });
    const envoy = await EnvoyProcess.start({ binary: ENVOY as string, dir, bootstrap, signal });
    try {
      // A session that may not order: the exchange rejects each command before it is sequenced, as it does when its ring is full.
      const caller = { headers: { ...CLAIMS, 'x-openbell-roles': 'read-only' } };
      const rejecting: Venue = { ...venue, open: (transport, port) => venue.open(transport, port, caller) };
      const metrics = await interleaved(rejecting, envoy, { pairs: 2, rates: [1000], warmupMs: 20, windowMs: 100 }, stage, parts);
      assert.deepEqual(parts.outcome, {});
      const latency = metrics.filter(({ id }) => id.endsWith('.latency'));
      assert.equal(latency.length, 4);
      for (const { note } of latency) assert.match(note ?? '', /commands were rejected/);
      for (const { id, note } of metrics.filter(({ id }) => id.startsWith('mesh.added'))) assert.match(note ?? '', /not sustained/, id);
    } finally {
      await envoy.end();
    }
  });
});
