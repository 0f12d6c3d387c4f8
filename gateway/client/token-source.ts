import { tokenProblem } from '../bearer-token.ts';
import { withoutSecrets } from '../secret-text.ts';
import { OpenbellError } from './errors.ts';
import { failureText } from './failure-text.ts';
import type { ApiKey, Credentials } from './types.ts';

/** A session token is not used in its last half minute, because a call takes time. */
const MARGIN_MS = 30_000;

/** A token that an API key was exchanged for. */
export interface KeySession {
  readonly token: string;
  readonly expiresInSeconds: number;
}

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

  /** @param logIn exchanges an API key for a token @returns undefined without credentials */
  static of({ token, tokenProvider, apiKey }: Credentials, logIn: (apiKey: ApiKey) => Promise<KeySession>): TokenSource | undefined {
    if ([token, tokenProvider, apiKey].filter((each) => each !== undefined).length > 1)
      throw new OpenbellError('UNAUTHENTICATED', 'give one of token, tokenProvider and apiKey');
    if (token !== undefined) return new TokenSource(false, async () => token);
    if (tokenProvider !== undefined) return new TokenSource(true, async () => tokenProvider());
    if (apiKey === undefined) return undefined;
    const source: TokenSource = new TokenSource(true, () => source.#byKey(() => logIn(apiKey)));
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

  async #byKey(logIn: () => Promise<KeySession>): Promise<string> {
    if (this.#kept !== undefined && performance.now() < this.#kept.until) return this.#kept.token;
    const { token, expiresInSeconds } = await logIn();
    this.#kept = { token, until: performance.now() + expiresInSeconds * 1000 - MARGIN_MS };
    return token;
  }
}
