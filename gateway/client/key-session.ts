import { sign } from 'node:crypto';
import { challengeText } from '../challenge-text.ts';
import { OpenbellError } from './errors.ts';
import { type Dispatcher, request } from './network.ts';
import type { KeySession } from './token-source.ts';
import type { ApiKey } from './types.ts';

const FETCH_TIMEOUT_MS = 5000;

/**
 * Exchanges an API key for a token: signs a challenge of the exchange.
 * @param admin where the admin port is, such as http://127.0.0.1:7403
 * @throws OpenbellError UNAUTHENTICATED when the key was rejected; Error when there is no answer, or the key is no key
 */
export async function logIn({ id, privateKey }: ApiKey, admin: string, dispatcher: Dispatcher | undefined): Promise<KeySession> {
  const { nonce } = await post<{ nonce: string }>(`${admin}/v1/auth/challenge`, { key: id }, dispatcher);
  const signature = sign(null, Buffer.from(challengeText(id, nonce)), privateKey).toString('base64');
  return await post<KeySession>(`${admin}/v1/auth/session`, { key: id, nonce, signature }, dispatcher);
}

async function post<T>(url: string, body: object, dispatcher: Dispatcher | undefined): Promise<T> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  };
  const response = await request(url, init, dispatcher);
  const answer = (await response.json()) as T & { readonly message?: string };
  if (response.ok) return answer;
  if (response.status === 401) throw new OpenbellError('UNAUTHENTICATED', answer.message ?? 'the API key was rejected', 110);
  throw new Error(`${url} answered ${response.status}`);
}
