import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';

const MODULE = new URL('../feeds/lines/reset-socket.ts', import.meta.url).href;

/** A process of its own: what is tested is that it ends. */
function run(before: string): { status: number | null; stdout: string } {
  const source = `
    import { connect, createServer } from 'node:net';
    import { resetSocket } from ${JSON.stringify(MODULE)};
    const server = createServer((socket) => {
      socket.on('error', ({ code }) => console.log(code)).on('end', () => console.log('FIN')).on('close', () => server.close()).resume();
    });
    server.listen(0, '127.0.0.1', () => {
      const socket = connect(server.address().port, '127.0.0.1', () => {
        ${before}
        resetSocket(socket);
      });
    });`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8', timeout: 60_000 });
}

describe('a reset', () => {
  it('is one for the peer', () => {
    const { status, stdout } = run('');
    assert.deepEqual([status, stdout], [0, 'ECONNRESET\n']);
  });

  it('of a socket that has begun to end closes it, and the process ends', () => {
    const { status, stdout } = run("socket.end('x');");
    assert.equal(status, 0);
    assert.notEqual(stdout, '');
  });
});
