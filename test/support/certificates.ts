import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Pair {
  /** Paths of PEM files. */
  readonly cert: string;
  readonly key: string;
}

export interface Issue {
  readonly name: string;
  /** In openssl's writing: `DNS:localhost,URI:spiffe://...`. */
  readonly names?: string;
  /** Below 0: it has ended. */
  readonly days?: number;
  /** Instead of days. */
  readonly seconds?: number;
}

/** A certificate authority in a directory, by the openssl command. */
export class Authority {
  readonly dir: string;
  readonly ca: Pair;

  constructor(dir: string, name = 'test authority') {
    mkdirSync(dir, { recursive: true });
    this.dir = dir;
    this.ca = { cert: join(dir, 'ca.pem'), key: join(dir, 'ca.key') };
    openssl('req', '-x509', ...newKey(this.ca.key), '-out', this.ca.cert, '-subj', `/CN=${name}`, '-days', '30');
  }

  issue({ name, names = 'DNS:localhost,IP:127.0.0.1', days = 30, seconds }: Issue): Pair {
    const [cert, key, request, extensions] = ['pem', 'key', 'csr', 'ext'].map((end) => join(this.dir, `${name}.${end}`));
    writeFileSync(extensions, `subjectAltName=${names}\n`);
    openssl('req', '-new', ...newKey(key), '-out', request, '-subj', `/CN=${name}`);
    if (seconds !== undefined) {
      this.#sign(request, cert, extensions, seconds);
      return { cert, key };
    }
    const signer = ['-CA', this.ca.cert, '-CAkey', this.ca.key, '-CAcreateserial'];
    openssl('x509', '-req', '-in', request, ...signer, '-days', String(days), '-out', cert, '-extfile', extensions);
    return { cert, key };
  }

  /** By `openssl ca`, because `openssl x509` supports no lifetime below a day. */
  #sign(request: string, cert: string, extensions: string, seconds: number): void {
    const config = join(this.dir, 'ca.cnf');
    const database = join(this.dir, 'index.txt');
    writeFileSync(database, '');
    writeFileSync(
      config,
      `[ca]\ndefault_ca=own\n[own]\ndatabase=${database}\nserial=${this.dir}/serial\nrand_serial=yes\ndefault_days=1\nnew_certs_dir=${this.dir}\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n`,
    );
    const end = new Date(Date.now() + seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, '');
    const signer = ['-cert', this.ca.cert, '-keyfile', this.ca.key, '-enddate', end];
    openssl('ca', '-batch', '-notext', '-config', config, ...signer, '-in', request, '-out', cert, '-extfile', extensions);
  }
}

/**
 * A directory as Kubernetes mounts a secret: `tls.crt` links to `..data/tls.crt`,
 * and `..data` is a link that is swapped in one step.
 */
export class MountedSecret {
  readonly cert: string;
  readonly key: string;
  readonly #dir: string;
  #version = 0;

  constructor(dir: string, pair: Pair) {
    mkdirSync(dir, { recursive: true });
    this.#dir = dir;
    this.cert = join(dir, 'tls.crt');
    this.key = join(dir, 'tls.key');
    this.mount(pair);
    symlinkSync('..data/tls.crt', this.cert);
    symlinkSync('..data/tls.key', this.key);
  }

  mount({ cert, key }: Pair): void {
    const before = `..version-${this.#version++}`;
    const version = `..version-${this.#version}`;
    mkdirSync(join(this.#dir, version));
    writeFileSync(join(this.#dir, version, 'tls.crt'), readFileSync(cert));
    writeFileSync(join(this.#dir, version, 'tls.key'), readFileSync(key));
    symlinkSync(version, join(this.#dir, '..next'));
    renameSync(join(this.#dir, '..next'), join(this.#dir, '..data'));
    rmSync(join(this.#dir, before), { recursive: true, force: true });
  }
}

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file];
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
