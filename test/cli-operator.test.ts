/** A venue operated from the command line, with an API key and contexts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { CLI, openbell } from './support/exchange-process.ts';
import { GuardedExchange } from './support/guarded-exchange.ts';
import { Issuer } from './support/issuer.ts';

describe('a venue operated from the command line', () => {
  const dir = mkdtempSync(join(tmpdir(), 'openbell-operator-'));
  const keyFile = join(dir, 'ops.pem');
  const contexts = join(dir, 'config', 'openbell', 'contexts.yaml');
  const env = { XDG_CONFIG_HOME: join(dir, 'config') };
  let exchange: GuardedExchange;
  const ask = (...args: string[]) => openbell(args, env);
  const askJson = async (...args: string[]) => {
    const { code, stdout, stderr } = await ask(...args, '--json');
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return JSON.parse(stdout);
  };

  before(async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    writeFileSync(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
    const key = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
    const issuer = new Issuer();
    await issuer.addKey('ES256');
    const keys = `keys:\n  - { id: ops, public-key: ${key}, roles: operator custodian trader, accounts: "* 1 90" }\n  - { id: watch, public-key: ${key}, roles: auditor, accounts: "*" }\n`;
    exchange = await GuardedExchange.start(issuer, {}, keys);
    const { grpc, ws, http } = exchange.ports;
    const ports = ['--grpc-port', `${grpc}`, '--ws-port', `${ws}`, '--http-port', `${http}`, '--api-key-file', keyFile];
    const added = await ask('context', 'add', 'venue', ...ports, '--api-key-id', 'ops', '--use');
    assert.deepEqual([added.code, added.stderr], [0, '']);
    assert.equal((await ask('context', 'add', 'prod', ...ports, '--api-key-id', 'ops', '--guard')).code, 0);
    assert.equal((await ask('context', 'add', 'audit', ...ports, '--api-key-id', 'watch')).code, 0);
  });
  after(async () => {
    await exchange?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('contexts are kept for their owner only, and name files', async () => {
    assert.equal(statSync(contexts).mode & 0o777, 0o600);
    const { current, contexts: all } = parse(readFileSync(contexts, 'utf8'));
    assert.equal(current, 'venue');
    assert.deepEqual(all.prod, {
      'grpc-port': exchange.ports.grpc,
      'ws-port': exchange.ports.ws,
      'http-port': exchange.ports.http,
      'api-key-id': 'ops',
      'api-key-file': keyFile,
      guard: true,
    });
    const again = await ask('context', 'add', 'venue');
    assert.deepEqual([again.code, /--replace/.test(again.stderr)], [2, true]);
  });

  it('a file that a context names and that is not there is reported when the context is defined', async () => {
    const missing = join(dir, 'not-yet.token');
    const early = await ask('context', 'add', 'early', '--token-file', missing);
    assert.equal(early.code, 0);
    assert.ok(early.stderr.startsWith(`openbell: warning: --token-file ${missing} cannot be read (ENOENT)`), early.stderr);
    assert.equal((await ask('context', 'rm', 'early')).code, 0);
  });

  it('a flag comes before the environment, that before the context, that before the default', async () => {
    const flags = ['--http-port', '1', '--context', 'prod'];
    const { stdout } = await openbell(['context', 'show', ...flags, '--json'], { ...env, OPENBELL_WS_PORT: '2', OPENBELL_HTTP_PORT: '3' });
    const { context, guard, settings } = JSON.parse(stdout);
    assert.deepEqual([context, guard], ['prod', true]);
    const shown = Object.fromEntries(
      settings.map(({ setting, value, origin }: Record<string, unknown>) => [setting, `${value} ${origin}`]),
    );
    assert.deepEqual(shown, {
      host: '127.0.0.1 default',
      'grpc-port': `${exchange.ports.grpc} context`,
      'ws-port': '2 environment',
      'http-port': '1 flag',
      'api-key-id': 'ops context',
      'api-key-file': `${keyFile} context`,
      account: '1 default',
    });
    // A token that is closer than the key of the context takes its place.
    const withToken = await openbell(['context', 'show', '--json'], { ...env, OPENBELL_TOKEN_FILE: 'token' });
    const names = JSON.parse(withToken.stdout).settings.map(({ setting }: { setting: string }) => setting);
    assert.deepEqual([names.includes('token-file'), names.includes('api-key-id')], [true, false]);
  });

  it('assets, symbols and accounts are defined, listed and changed', async () => {
    assert.deepEqual(await askJson('asset', 'add', 'EUR', '--id', '20', '--decimals', '6'), { id: 20, name: 'EUR', decimals: 6 });
    assert.ok((await askJson('asset', 'ls')).assets.some(({ name }: { name: string }) => name === 'EUR'));
    const definition = ['--id', '90', '--base', 'BTC', '--quote', 'EUR', '--tick', '0.01', '--lot', '0.0001', '--phase', 'auction'];
    const made = await askJson(
      'symbol',
      'add',
      'BTC-EUR',
      ...definition,
      '--maker-fee',
      '0.01%',
      '--taker-fee',
      '0.05%',
      '--max-quantity',
      '50',
    );
    assert.deepEqual([made.phase, made.fees.maker, made.limits.maxQuantity], ['auction', '0.0100%', '50.0000']);
    const set = await askJson(
      'symbol',
      'set',
      'BTC-EUR',
      '--price-band',
      '10%',
      '--reference-price',
      '100',
      '--dynamic-band',
      '5%',
      '--maker-fee',
      '-0.005%',
    );
    assert.deepEqual(
      [set.priceBand, set.referencePrice, set.volatility.dynamicBand, set.fees.maker],
      ['10.0000%', '100.00', '5.0000%', '-0.0050%'],
    );
    assert.match((await ask('symbol', 'show', 'BTC-EUR')).stdout, /^limits\.maxQuantity +50\.0000$/m);
    assert.match((await ask('symbol', 'ls')).stdout, /BTC-EUR +auction/);
    const account = ['account', 'add', '90', '--name', 'desk', '--deposit', 'EUR=10.00', '--max-open-orders', '7', '--key', 'define-90'];
    assert.deepEqual([(await askJson(...account)).id, (await askJson(...account)).repeated], [90, true]);
    assert.ok((await askJson('account', 'ls')).accounts.includes(90));
    assert.equal((await askJson('account', 'set', '90', '--max-open-orders', '9')).maxOpenOrders, 9);
    assert.equal(
      (await askJson('account', 'show', '90')).balances.find(({ asset }: { asset: string }) => asset === 'EUR').available,
      '10.000000',
    );
    assert.deepEqual(await askJson('uncross', 'BTC-EUR').then(({ quantityLots }) => quantityLots), 0);
  });

  it('money moves once, and an answer that is lost can be asked for again', async () => {
    const text = await ask('deposit', '90', '5.00', 'EUR');
    const key = /\nkey ([\w-]{36})\n$/.exec(text.stdout)?.[1] ?? '';
    assert.match(text.stdout, /^deposited 5\.000000 EUR, account 90, command \d+\n/);
    assert.equal((await askJson('deposit', '90', '5.00', 'EUR', '--key', key)).repeated, true);
    assert.equal((await askJson('withdraw', '90', '1.00', 'EUR')).amount, '1.000000');
    const ledger = await askJson('ledger', '90', '--asset', 'EUR');
    assert.deepEqual(
      ledger.entries.map(({ kind, amount }: Record<string, string>) => `${kind} ${amount}`),
      ['withdrawal -1.000000', 'deposit 5.000000', 'deposit 10.000000'],
    );
    const { balances } = await askJson('account', '90');
    assert.equal(balances.find(({ asset }: { asset: string }) => asset === 'EUR').available, '14.000000');
    const lost = await ask('deposit', '90', '5.00', 'EUR', '--http-port', '1', '--key', 'k1');
    assert.equal(lost.code, 3);
    const other = await openbell(['deposit', '90', '5.00', 'EUR', '--http-port', '1', '--context', 'none', '--key', 'k1'], env);
    assert.equal(other.code, 3);
    assert.match(other.stderr, /next: it may have happened; this does not move the money twice: openbell deposit 90 5\.00 EUR --key k1\n$/);
  });

  it('what is hard to undo needs --yes without a terminal, and everything in a guarded context', async () => {
    for (const args of [
      ['halt', '--all'],
      ['cancel-all', '--venue'],
      ['sessions', 'end', 'orders-1'],
      ['asset', 'add', 'X', '--id', '21', '--decimals', '2', '--context', 'prod'],
      ['order', 'buy', '1', 'BTC-USD', '1.00', '--context', 'prod'],
    ]) {
      const { code, stdout } = await ask(...args, '--json');
      assert.deepEqual([code, JSON.parse(stdout).error.code], [2, 'NOT_CONFIRMED'], args.join(' '));
    }
    assert.equal((await askJson('halt', '--all', '--yes', '--context', 'prod')).symbols > 3, true);
    assert.equal((await askJson('phase', 'continuous', '--all')).symbols > 3, true);
    await askJson('order', 'buy', '1', 'BTC-USD', '50000.00');
    assert.deepEqual(await askJson('cancel-all', '--venue', '--yes'), { cancelled: 1, symbols: { 'BTC-USD': 1 } });
  });

  it('sessions are listed and ended, by those who may', async () => {
    assert.deepEqual(await askJson('sessions', 'ls', '--context', 'audit'), { sessions: [] });
    const denied = await ask('sessions', 'end', 'orders-1', '--yes', '--context', 'audit');
    assert.equal(denied.code, 1);
    assert.match(denied.stderr, /^openbell: PERMISSION_DENIED: .*\nnext: docs\/SECURITY\.md#roles/);
    const order = await ask('order', 'buy', '1', 'BTC-USD', '50000.00', '--yes', '--context', 'audit');
    assert.match(order.stderr, /^openbell: PERMISSION_DENIED: .*\nnext: docs\/SECURITY\.md#roles/, 'order commands as well');
    const unknown = await ask('sessions', 'end', 'orders-999', '--yes');
    assert.match(unknown.stderr, /^openbell: UNKNOWN_SESSION: .*\nnext: `openbell sessions ls`/);
  });

  it('an API key that is wrong is distinguished from one that cannot be read', async () => {
    const none = await ask('symbol', 'ls', '--api-key-file', join(dir, 'none.pem'));
    assert.deepEqual([none.code, /cannot read the private key from/.test(none.stderr)], [2, true]);
    const unknown = await ask('symbol', 'ls', '--api-key-id', 'nobody');
    assert.deepEqual([unknown.code, /UNAUTHENTICATED/.test(unknown.stderr)], [1, true]);
    const alone = await ask('symbol', 'ls', '--api-key-id', 'ops', '--context', 'none');
    assert.deepEqual([alone.code, /go together/.test(alone.stderr)], [2, true]);
  });

  it('a file that others may write is refused, and an unknown context is named', async () => {
    const unknown = await ask('symbol', 'ls', '--context', 'nowhere', '--json');
    assert.deepEqual([unknown.code, JSON.parse(unknown.stdout).error.code], [2, 'USAGE']);
    chmodSync(contexts, 0o666);
    const open = await ask('symbol', 'ls');
    assert.deepEqual([open.code, /others may write it/.test(open.stderr)], [2, true]);
    chmodSync(contexts, 0o600);
  });

  /** A shell with `openbell` on its path. The reply is what completes a line. */
  const SHELLS: [shell: string, script: (line: string) => string][] = [
    [
      'bash',
      (line) => `source <(openbell completion bash); COMP_LINE=${quoted(line)}; read -ra COMP_WORDS <<< "$COMP_LINE"
[[ $COMP_LINE == *" " ]] && COMP_WORDS+=(""); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _openbell; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
    [
      'zsh',
      (line) => `compdef() { :; }; compadd() { print -l -- $candidates; }; _files() { :; }
eval "$(openbell completion zsh)"; line=${quoted(line)}; words=(\${(z)line}); [[ $line == *" " ]] && words+=(""); CURRENT=\${#words}; _openbell`,
    ],
    ['fish', (line) => `openbell completion fish | source; complete -C ${quoted(line)}`],
  ];
  for (const [shell, script] of SHELLS) {
    it(`${shell} completes commands, flags, contexts and symbols`, (t) => {
      const missing = missingShell(shell);
      if (missing !== undefined) return t.skip(missing);
      const bin = join(dir, `bin-${shell}`);
      spawnSync('mkdir', [bin]);
      writeFileSync(join(bin, 'openbell'), `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(CLI)} "$@"\n`, { mode: 0o755 });
      // The exchange is in this process, and does not answer while a shell runs synchronously: symbols are tested below.
      const complete = (line: string): string[] => {
        const all = { ...process.env, ...env, PATH: `${bin}${delimiter}${process.env.PATH}` };
        const { status, stdout, stderr } = spawnSync(shell, ['-c', script(line)], { env: all, encoding: 'utf8', timeout: 60_000 });
        assert.equal(status, 0, stderr);
        return stdout
          .split('\n')
          .map((each) => each.split('\t')[0])
          .filter((each) => each !== '');
      };
      assert.deepEqual(complete('openbell cancel-').sort(), ['cancel-all', 'cancel-orders']);
      assert.deepEqual(complete('openbell account s').sort(), ['set', 'show', 'suspend']);
      assert.deepEqual(complete('openbell symbol ls --cont'), ['--context']);
      assert.deepEqual(complete('openbell symbol ls --context ').sort(), ['audit', 'none', 'prod', 'venue']);
    });
  }

  it('zsh completes at the first time, if the script is in a directory of fpath', (t) => {
    const missing = missingShell('zsh');
    if (missing !== undefined) return t.skip(missing);
    const bin = join(dir, 'bin-fpath');
    spawnSync('mkdir', [bin]);
    writeFileSync(join(bin, 'openbell'), `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(CLI)} "$@"\n`, { mode: 0o755 });
    const script = `compadd() { print -l -- $candidates; }; _files() { :; }
openbell completion zsh > ${quoted(join(bin, '_openbell'))}; fpath=(${quoted(bin)} $fpath); autoload -Uz _openbell
words=(openbell cancel-); CURRENT=2; _openbell`;
    const all = { ...process.env, ...env, PATH: `${bin}${delimiter}${process.env.PATH}` };
    const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script], { env: all, encoding: 'utf8', timeout: 60_000 });
    assert.deepEqual([stdout.trim().split('\n').sort(), stderr], [['cancel-all', 'cancel-orders'], '']);
  });

  it('the names of symbols complete, and nothing if the exchange does not answer', async () => {
    assert.equal((await ask('completion', 'words', '--', 'book', 'BTC-U')).stdout, 'BTC-USD\n');
    assert.deepEqual(await ask('completion', 'words', '--', 'book', '--http-port', '1', 'BTC-U'), { code: 0, stdout: '', stderr: '' });
  });
});

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Why a test with this shell is skipped. @throws AssertionError instead where all shells must be there: in CI, and bash everywhere */
function missingShell(shell: string): string | undefined {
  if (spawnSync(shell, ['-c', 'exit 0']).status === 0) return undefined;
  const text = `${shell} is missing; apt-get install ${shell}`;
  if (shell === 'bash' || process.env.OPENBELL_CI) assert.fail(text);
  return `NOT TESTED: ${text}`;
}
