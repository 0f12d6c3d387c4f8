import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ExchangeProcess } from '../bench/load/exchange-process.ts';
import { LoadClient } from '../bench/load/load-client.ts';
import { ANYWHERE, allowedCores, clientsApart, describePlacement, onCores } from '../bench/load/placement.ts';
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
  it('binds the exchange and the load generator to different cores, with all their threads', {
    skip: own === undefined && 'SKIPPED: one core, or no taskset',
  }, async (t) => {
    const stopped = new AbortController();
    t.after(() => stopped.abort());
    const data = temporaryDirectory((cleanUp) => t.after(cleanUp));
    const exchange = await ExchangeProcess.start({ data, durability: 'fast', cores: own, signal: stopped.signal });
    const load = new LoadClient(stopped.signal, clients);
    // It answers: by now it is node, and no longer taskset.
    await load.close();
    const found = (pid: number): string => allowedCores(readFileSync(`/proc/${pid}/status`, 'latin1')).join();
    assert.deepEqual([found(exchange.pid), found(load.pid)], [own, clients]);
    assert.ok(!own?.split(',').includes(clients ?? ''));
    await load.end();
    await exchange.stop();
  });
});
