import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { jsonProblem } from '../json-problem.ts';
import type { Logger } from '../log.ts';
import { WatchedFile } from './watched-file.ts';

/** The public keys that verify tokens. */
export interface KeySet {
  /** Changes whenever the keys change; tokens verified with earlier keys must then be verified again. */
  readonly version: number;
  /** Refreshes the keys if due; call it before `version` and `key`. */
  refresh(): void;
  /** For jose. @throws KeysUnavailableError, and jose's errors for an unknown key */
  readonly key: JWTVerifyGetKey;
}

/** No keys were loaded yet, and the issuer does not answer. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
}

/** A JWKS in a file. */
export class FileKeySet implements KeySet {
  version = 0;
  readonly #file: WatchedFile<JWTVerifyGetKey>;

  /** @throws Error when the file cannot be read or is not a JWKS */
  constructor(path: string, log: Logger) {
    this.#file = new WatchedFile(path, parseKeySet, log, () => {
      this.version++;
    });
  }

  refresh(): void {
    this.#file.get();
  }

  readonly key: JWTVerifyGetKey = async (header, token) => {
    try {
      return await this.#file.get()(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return await this.#file.get(true)(header, token);
    }
  };
}

export interface UrlKeySetTimes {
  /** Age at which keys are fetched again in the background, ms. Default 10 min. */
  readonly maxAgeMs?: number;
  /** Minimum interval between fetches caused by an unknown key id, ms. Default 30 s: callers with invented key ids must not cause a flood at the issuer. */
  readonly cooldownMs?: number;
  /** Default 5 s. */
  readonly timeoutMs?: number;
}

const MAX_BYTES = 256 * 1024;

/**
 * A JWKS behind a URL. Once keys are loaded, they stay in use while the
 * issuer does not answer.
 */
export class UrlKeySet implements KeySet {
  version = 0;
  readonly #url: string;
  readonly #log: Logger;
  readonly #times: Required<UrlKeySetTimes>;
  #keys: JWTVerifyGetKey | undefined;
  #text = '';
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;

  constructor(url: string, log: Logger, times: UrlKeySetTimes = {}) {
    this.#url = url;
    this.#log = log;
    this.#times = { maxAgeMs: 600_000, cooldownMs: 30_000, timeoutMs: 5000, ...times };
  }

  refresh(): void {
    if (performance.now() - this.#fetchedAt > this.#times.maxAgeMs) void this.#fetch();
  }

  readonly key: JWTVerifyGetKey = async (header, token) => {
    if (this.#keys === undefined) await this.#fetch();
    try {
      return await this.#known()(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#fetch();
      return await this.#known()(header, token);
    }
  };

  #known(): JWTVerifyGetKey {
    if (this.#keys === undefined) throw new KeysUnavailableError(`no keys from ${this.#url} yet`);
    return this.#keys;
  }

  /** One at a time, and none within the cooldown. */
  async #fetch(): Promise<void> {
    if (this.#fetching === undefined) {
      const now = performance.now();
      // Without any keys the cooldown is a second, because all callers with tokens wait.
      if (now - this.#fetchedAt < (this.#keys === undefined ? Math.min(1000, this.#times.cooldownMs) : this.#times.cooldownMs)) return;
      this.#fetchedAt = now;
      this.#fetching = this.#load().finally(() => {
        this.#fetching = undefined;
      });
    }
    await this.#fetching;
  }

  async #load(): Promise<void> {
    try {
      const response = await fetch(this.#url, { redirect: 'error', signal: AbortSignal.timeout(this.#times.timeoutMs) });
      if (!response.ok) throw new Error(`HTTP status ${response.status}`);
      const text = await boundedText(response);
      if (text === this.#text) return;
      this.#keys = parseKeySet(text);
      this.#text = text;
      this.version++;
      this.#log.info({ url: this.#url }, 'keys for tokens read');
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : (error as Error);
      const rest = this.#keys === undefined ? 'tokens are rejected until they can be read' : 'the previous keys stay in use';
      this.#log.error({ url: this.#url, problem: cause.message }, `the keys for tokens cannot be read; ${rest}`);
    }
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws Error whose message names the problem */
function parseKeySet(text: string): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(JSON.parse(text));
  } catch (error) {
    throw new Error(`not a JSON Web Key Set: ${jsonProblem(error)}`);
  }
}
