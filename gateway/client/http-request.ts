import { OpenbellError } from './errors.ts';
import { failureText } from './failure-text.ts';
import { type Dispatcher, request } from './network.ts';
import { SHARD_HEADER } from './symbols.ts';
import type { TokenSource } from './token-source.ts';

/** A request of many orders takes several commands. */
const TIMEOUT_MS = 30_000;

/** Where and how to ask the admin port. */
export interface HttpOptions {
  /** Address of the admin port, such as http://127.0.0.1:7403. */
  readonly origin: string;
  readonly tokens: TokenSource | undefined;
  readonly dispatcher: Dispatcher | undefined;
  readonly shard: number | undefined;
}

/** What is read of an error of the exchange (RFC 9457). */
interface Problem {
  readonly code: number;
  readonly name: string;
  readonly detail: string;
}

/**
 * Sends a request to the admin port: a POST with `body`, else a GET unless `method` is given.
 * @throws OpenbellError with the name of the exchange's error; HTTP_FAILED when there is no answer, or none of the exchange
 */
export async function httpRequest<T>(
  { origin, tokens, dispatcher, shard }: HttpOptions,
  path: string,
  body?: object,
  method?: 'DELETE',
): Promise<T> {
  const token = await tokens?.get();
  let status: number;
  let text: string;
  try {
    const response = await request(
      `${origin}${path}`,
      {
        ...(method && { method }),
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(shard !== undefined && { [SHARD_HEADER]: String(shard) }),
        },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      dispatcher,
    );
    status = response.status;
    text = await response.text();
  } catch (error) {
    throw new OpenbellError('HTTP_FAILED', `no answer from ${origin}${path} (${failureText(error)})`);
  }
  const answer = parse(text) as (T & Partial<Problem>) | undefined;
  if ((status === 200 || status === 201) && answer !== undefined) return answer;
  const { code, name = 'HTTP_FAILED', detail = `${origin}${path} answered with HTTP status ${status}` } = answer ?? {};
  throw new OpenbellError(name, detail, code === 0 ? undefined : code);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
