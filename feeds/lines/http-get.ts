import { DelegateBackoff, ExponentialBackoff, handleWhen, type IBackoff, retry } from 'cockatiel';
import { FeedFault, MAX_FRAME_BYTES } from '../feed.ts';
import { type Breaker, GivenUp } from './breaker.ts';
import type { LineCounters } from './line-counters.ts';
import { LineFault, reasonOf } from './line-fault.ts';

export interface HttpOptions {
  /** For one try, from the request to the last byte, ms. */
  readonly timeoutMs: number;
  /** Of a decompressed answer. */
  readonly maxBytes: number;
  /** Tries after the first. */
  readonly retries: number;
  /** Wait before the second try, ms; doubles with each further one, with jitter. */
  readonly retryMs: number;
  /** The longest `Retry-After` that is waited for; with a longer one the request fails. */
  readonly maxRetryAfterMs: number;
}

export const DEFAULT_HTTP: HttpOptions = {
  timeoutMs: 10_000,
  maxBytes: MAX_FRAME_BYTES,
  retries: 3,
  retryMs: 500,
  maxRetryAfterMs: 60_000,
};

/** A try that failed, and whether another one is worth it. */
class TryFault extends LineFault {
  readonly again: boolean;
  readonly afterMs: number;

  constructor(fault: FeedFault, message: string, again: boolean, status = 0, afterMs = 0) {
    super(fault, message, status);
    this.again = again;
    this.afterMs = afterMs;
  }
}

/**
 * GETs one URL. Repeats after failures of the network, status 418, 429 and 5xx; waits as
 * long as `Retry-After` says. Each try passes the breaker, which counts those failures.
 * @returns the whole body
 * @throws LineFault `HTTP_FAILED`, `FRAME_TOO_LARGE`, `CIRCUIT_OPEN`
 */
export async function httpGet(
  url: string,
  breaker: Breaker,
  counters: LineCounters,
  signal: AbortSignal,
  options: HttpOptions = DEFAULT_HTTP,
): Promise<Uint8Array> {
  const policy = retry(
    handleWhen((error) => error instanceof TryFault && error.again),
    { maxAttempts: options.retries, backoff: backoffOf(options) },
  );
  policy.onRetry(() => counters.requestRetries++);
  try {
    const body = await policy.execute(async ({ signal: ended }) => {
      const answer = await breaker.call(() => tryOnce(url, ended, options));
      // A refusal by the venue says nothing about its health: the breaker must not count it.
      if (answer instanceof TryFault) throw answer;
      return answer;
    }, signal);
    counters.answers++;
    counters.answerBytes += body.length;
    return body;
  } catch (error) {
    if (!signal.aborted) counters.requestsFailed++;
    if (!(error instanceof LineFault)) throw new LineFault(FeedFault.HttpFailed, `${url}: ${reasonOf(error)}`, 0, { cause: error });
    if (error.fault === FeedFault.CircuitOpen) counters.breakerRefusals++;
    throw error;
  }
}

/** @returns the body, or the venue's refusal of this request @throws TryFault when the venue is not well */
async function tryOnce(
  url: string,
  ended: AbortSignal,
  { timeoutMs, maxBytes, maxRetryAfterMs }: HttpOptions,
): Promise<Uint8Array | TryFault> {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([ended, late]),
      redirect: 'manual',
      headers: { accept: 'application/json' },
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      const { status } = response;
      const afterMs = retryAfterMs(response.headers.get('retry-after'));
      const busy = status === 418 || status === 429;
      const fault = new TryFault(
        FeedFault.HttpFailed,
        `${url}: HTTP ${status}${afterMs > 0 ? `, again after ${Math.ceil(afterMs / 1000)} s` : ''}`,
        (busy || status >= 500) && afterMs <= maxRetryAfterMs,
        status,
        afterMs,
      );
      if (status >= 500) throw fault;
      return fault;
    }
    return await boundedBody(url, response, maxBytes);
  } catch (error) {
    if (error instanceof TryFault) {
      if (error.fault === FeedFault.FrameTooLarge) return error;
      throw error;
    }
    if (ended.aborted) throw new GivenUp('its connection ended');
    const reason = late.aborted ? `no whole answer within ${timeoutMs} ms` : reasonOf(error);
    throw new TryFault(FeedFault.HttpFailed, `${url}: ${reason}`, true);
  }
}

async function boundedBody(url: string, response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    // Leaving the loop cancels the body.
    if (size > maxBytes) throw new TryFault(FeedFault.FrameTooLarge, `${url}: the answer exceeds ${maxBytes} bytes`, false);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size);
}

/** Seconds or a date (RFC 9110, 10.2.3) as ms from now; 0 without one. */
function retryAfterMs(text: string | null): number {
  if (text === null) return 0;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? 0 : Math.max(0, date - Date.now());
}

/** Exponential with jitter, but never before `Retry-After`. */
function backoffOf({ retryMs, maxRetryAfterMs }: HttpOptions) {
  const first = new ExponentialBackoff({ initialDelay: retryMs, maxDelay: Math.max(retryMs, maxRetryAfterMs) });
  return new DelegateBackoff<{ readonly result: unknown }, IBackoff<unknown>>(({ result }, before) => {
    const state = before?.next(undefined) ?? first.next();
    const error = (result as { readonly error?: unknown }).error;
    const afterMs = error instanceof TryFault ? error.afterMs : 0;
    return { delay: Math.max(state.duration, afterMs), state };
  });
}
