import { stat } from 'node:fs/promises';
import type { Logger } from '../log.ts';
import { readTlsMaterial, type TlsFiles, type TlsMaterial } from './tls-material.ts';

/** Interval between checks of the files, ms. */
const POLL_MS = 2000;
const DAY_MS = 86_400_000;
/** A certificate that expires sooner is reported by a warning, once a day. */
const NEAR_MS = 14 * DAY_MS;

/**
 * The certificate of all ports, read again when its files change. It polls
 * their state instead of watching them: Kubernetes swaps a symlink two
 * directories up, which a file watch does not report. I/O thread.
 */
export class Certificates {
  readonly #files: TlsFiles;
  readonly #log: Logger;
  readonly #listeners: ((material: TlsMaterial) => void)[] = [];
  readonly #timer: NodeJS.Timeout;
  #current: TlsMaterial;
  /** State of the files when they were last read. */
  #seen: string | undefined;
  #looking = false;
  #warnedAt = Number.NEGATIVE_INFINITY;
  #reloads = 0;

  /** @throws TlsError when the files do not make a usable pair */
  constructor(files: TlsFiles, log: Logger, pollMs: number = POLL_MS) {
    this.#files = files;
    this.#log = log;
    this.#current = readTlsMaterial(files);
    this.#warn();
    this.#timer = setInterval(() => void this.#look(), pollMs);
    this.#timer.unref();
  }

  get current(): TlsMaterial {
    return this.#current;
  }

  /** Number of reloads. */
  get reloads(): number {
    return this.#reloads;
  }

  /** Called with each new pair. If it throws, the error is logged and its port keeps the old pair. */
  onChange(listener: (material: TlsMaterial) => void): void {
    this.#listeners.push(listener);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const state = await stateOf(this.#files);
    this.#looking = false;
    this.#warn();
    if (state === this.#seen) return;
    this.#seen = state;
    let material: TlsMaterial;
    try {
      material = readTlsMaterial(this.#files);
    } catch (error) {
      this.#log.error({ err: error }, 'the changed TLS files cannot be used; the previous certificate stays in use');
      return;
    }
    if (same(material, this.#current)) return;
    this.#current = material;
    this.#reloads++;
    this.#warnedAt = Number.NEGATIVE_INFINITY;
    for (const listener of this.#listeners) this.#notify(listener, material);
    this.#log.info({ certificates: material.expiries.map(shown) }, 'TLS certificate reloaded');
    this.#warn();
  }

  #notify(listener: (material: TlsMaterial) => void, material: TlsMaterial): void {
    try {
      listener(material);
    } catch (error) {
      this.#log.error({ err: error }, 'a port could not use the changed TLS certificate and keeps the previous one');
    }
  }

  #warn(): void {
    const now = Date.now();
    const near = this.#current.expiries.filter(({ validTo }) => validTo - now < NEAR_MS);
    if (near.length === 0 || now - this.#warnedAt < DAY_MS) return;
    this.#warnedAt = now;
    for (const expiry of near) {
      const expired = expiry.validTo <= now;
      this.#log.warn(shown(expiry), expired ? 'a TLS certificate has expired: clients reject it' : 'a TLS certificate expires soon');
    }
  }
}

function shown({ certificate, subject, validTo }: TlsMaterial['expiries'][number]): object {
  return { certificate, subject, validTo: new Date(validTo).toISOString() };
}

function same(one: TlsMaterial, other: TlsMaterial): boolean {
  const ca = one.clientCa === other.clientCa || (one.clientCa && other.clientCa?.equals(one.clientCa)) === true;
  return ca && one.cert.equals(other.cert) && one.key.equals(other.key);
}

/** Changes whenever a file changes. It follows links, so a swapped link has another inode. */
async function stateOf({ cert, key, clientCa }: TlsFiles): Promise<string> {
  const states = [cert, key, clientCa].map(async (file) => {
    if (file === undefined) return '';
    const state = await stat(file, { bigint: true }).catch(() => undefined);
    return state && `${state.dev}:${state.ino}:${state.size}:${state.mtimeNs}:${state.ctimeNs}`;
  });
  return (await Promise.all(states)).join(' ');
}
