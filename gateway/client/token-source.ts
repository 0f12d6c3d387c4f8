import { sign } from 'node:crypto';
import { tokenProblem } from '../bearer-token.ts';
import { challengeText } from '../challenge-text.ts';
import { withoutSecrets } from '../secret-text.ts';
import { OpenbellError } from './errors.ts';
import { failureText } from './failure-text.ts';
import type { Dispatcher } from './tls.ts';
import type { ApiKey, Credentials } from './types.ts';

const FETCH_TIMEOUT_MS = 5000;
/** A session token is not used in its last half minute, because a call takes time. */
const MARGIN_MS = 30_000;

/** The source of a client's tokens. It is queried for each connection, so a reconnect uses a new token. */
export class TokenSource {
  /** Whether a new token can be obtained after one was rejected. */
  readonly renewable: boolean;
  readonly #give: () => Promise<string>;
  /** Of an API key: kept until it is about to expire. */
  #kept: { readonly token: string; readonly until: number } | undefined;

  private constructor(renewable: boolean, give: () => Promise<string>) {
    this.renewable = renewable;
    this.#give = give;
  }

  /** @param admin where the admin port is, such as http://127.0.0.1:7403 @returns undefined without credentials */
  static of({ token, tokenProvider, apiKey }: Credentials, admin: string, dispatcher?: Dispatcher): TokenSource | undefined {
    if ([token, tokenProvider, apiKey].filter((each) => each !== undefined).length > 1)
      throw new OpenbellError('UNAUTHENTICATED', 'give one of token, tokenProvider and apiKey');
    if (token !== undefined) return new TokenSource(false, async () => token);
    if (tokenProvider !== undefined) return new TokenSource(true, async () => tokenProvider());
    if (apiKey === undefined) return undefined;
    const source: TokenSource = new TokenSource(true, () => source.#byKey(apiKey, admin, dispatcher));
    return source;
  }

  /**
   * @throws OpenbellError UNAUTHENTICATED when the key was rejected or what was given is no token, CONNECTION_LOST when there is no token
   *   now. The token is never quoted.
   */
  async get(): Promise<string> {
    try {
      const token = await this.#give();
      const problem = typeof token === 'string' ? tokenProblem(token) : 'it is not a string';
      if (problem !== undefined) throw new OpenbellError('UNAUTHENTICATED', `what was given as the token is not one: ${problem}`);
      return token;
    } catch (error) {
      if (error instanceof OpenbellError) throw error;
      throw new OpenbellError('CONNECTION_LOST', `there is no token now: ${withoutSecrets(failureText(error))}`);
    }
  }

  /** Discards the last token after the exchange rejected it: a restarted exchange accepts no earlier session token. */
  discard(): void {
    this.#kept = undefined;
  }

  async #byKey({ id, privateKey }: ApiKey, admin: string, dispatcher: Dispatcher | undefined): Promise<string> {
    if (this.#kept !== undefined && performance.now() < this.#kept.until) return this.#kept.token;
    const { nonce } = await post<{ nonce: string }>(`${admin}/v1/auth/challenge`, { key: id }, dispatcher);
    const signature = sign(null, Buffer.from(challengeText(id, nonce)), privateKey).toString('base64');
    const answer = { key: id, nonce, signature };
    const { token, expiresInSeconds } = await post<{ token: string; expiresInSeconds: number }>(
      `${admin}/v1/auth/session`,
      answer,
      dispatcher,
    );
    this.#kept = { token, until: performance.now() + expiresInSeconds * 1000 - MARGIN_MS };
    return token;
  }
}

async function post<T>(url: string, body: object, dispatcher: Dispatcher | undefined): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    ...(dispatcher && { dispatcher }),
  });
  const answer = (await response.json()) as T & { readonly message?: string };
  if (response.ok) return answer;
  if (response.status === 401) throw new OpenbellError('UNAUTHENTICATED', answer.message ?? 'the API key was rejected', 110);
  throw new Error(`${url} answered ${response.status}`);
}
