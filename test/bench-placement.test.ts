import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ExchangeProcess } from '../bench/load/exchange-process.ts';
import { LoadClient } from '../bench/load/load-client.ts';
import { describePlacement, onCores } from '../bench/load/placement.ts';
import { ANYWHERE, allowedCores, clientsApart, offTheExchange } from '../bench/suite/cores.ts';
import { runInProcess } from '../bench/suite/scope-process.ts';
import { coresOf } from './support/bench-scopes/placed.ts';
import { temporaryDirectory } from './support/engine-fixture.ts';

const status = (list: string): string => `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${list}\nMems_allowed:\t1\n`;

describe('placement', () => {
  for (const [list, cores] of [
    ['0', [0]],
    ['0-3', [0, 1, 2, 3]],
    ['1,3-4,8', [1, 3, 4, 8]],
  ] as const)
    it(`reads ${list}`, () => assert.deepEqual(allowedCores(status(list)), cores));

  it('leaves a command unchanged if there is no core to bind it to', () => {
    assert.deepEqual(onCores(undefined, ['a']), { command: process.execPath, args: ['a'] });
    assert.match(describePlacement(ANYWHERE), /No process is bound/);
  });

  const { exchange: own, clients } = clientsApart();
  const skip = own === undefined && 'SKIPPED: one core, or no taskset';

  it('is the same while this process is bound, and all its threads get their cores back', { skip }, async () => {
    const before = coresOf(process.pid);
    await offTheExchange(async () => {
      assert.deepEqual(coresOf(process.pid), [clients]);
      assert.deepEqual(clientsApart(), { exchange: own, clients });
    });
    await assert.rejects(
      offTheExchange(() => Promise.reject(new Error('the work failed'))),
      /the work failed/,
    );
    assert.deepEqual(coresOf(process.pid), before);
  });

  it('keeps everything but the exchange and its floors on the core of the generator, the runner too', { skip }, async () => {
    const file = fileURLToPath(new URL('./support/bench-scopes/placed.ts', import.meta.url));
    const before = coresOf(process.pid);
    const listener = { progress: () => undefined, line: (text: string) => assert.fail(text) };
    const assignment = { file, profile: 'ci', windows: 3, dir: '', options: {} } as const;
    const outcome = await runInProcess(assignment, 120_000, new AbortController().signal, listener);
    assert.ok('result' in outcome, JSON.stringify(outcome));
    const found: unknown = JSON.parse(outcome.result.method[0]);
    assert.deepEqual(found, { runner: [clients], scope: [clients], generator: [clients], echo: [own], jitter: [own] });
    assert.deepEqual(coresOf(process.pid), before);
  });

  it('binds the exchange and the load generator to different cores, with all their threads', { skip }, async (t) => {
    const stopped = new AbortController();
    t.after(() => stopped.abort());
    const data = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const exchange = await ExchangeProcess.start({ data, durability: 'fast', cores: own, signal: stopped.signal });
    const load = new LoadClient(stopped.signal, clients);
    // It answers: by now it is node, and no longer taskset.
    await load.close();
    assert.deepEqual([coresOf(exchange.pid), coresOf(load.pid)], [[own], [clients]]);
    assert.ok(!own?.split(',').includes(clients ?? ''));
    await load.end();
    await exchange.stop();
  });
});
