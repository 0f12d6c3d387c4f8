import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { ENVOY, withoutEnvoy } from './support/envoy-fixture.ts';

const ROOT = join(import.meta.dirname, '..');
/** A network of its own, because the lines use the default ports; and processes that end with the test. */
const AS_ROOT = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
const NET = ['unshare', ...AS_ROOT, '--net', '--pid', '--fork', '--kill-child', '--', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"'];

function withoutNetwork(): string | false {
  const { status } = spawnSync(NET[0], [...NET.slice(1), 'true']);
  return status === 0 || process.env.OPENBELL_CI === '1' ? false : 'NOT TESTED: needs unshare and ip for a network of its own';
}

test("mesh/README.md's block starts Envoy, an exchange and their callers, as it stands", {
  skip: withoutEnvoy || withoutNetwork(),
}, async (t) => {
  const readme = readFileSync(join(ROOT, 'mesh/README.md'), 'utf8');
  const block = /## The bare Envoy, to paste\n[\s\S]*?```bash\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const end = /Afterwards: `(kill .*)`/.exec(readme)?.[1] ?? '';
  const temporary = mkdtempSync(join(tmpdir(), 'openbell-paste-'));
  t.after(() => rmSync(temporary, { recursive: true, force: true, maxRetries: 3 }));
  // Of the user: an end, should a line wait for something that does not come.
  const script = `${block}\n${end}\nwait\necho "exchange: $(tail -n 3 "$dir/exchange.log")"`;
  const env = { ...process.env, ENVOY_BIN: ENVOY, TMPDIR: temporary };
  const child = spawn('timeout', ['--kill-after', '5', '600', ...NET, 'bash', '-m', '-c', script], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ]);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /^accepted /m, stdout);
  // The trader's account, with the order's money reserved, and by the office another one.
  assert.match(stdout, /account\s+1\b/, stdout);
  assert.match(stdout, /account\s+2\b/, stdout);
});
