/** What Node's `fetch` and `WebSocket` take to use other certificates. A browser has none. */
export type Dispatcher = object;

/** `fetch`, through the dispatcher if there is one. */
export function request(url: string, init: RequestInit, dispatcher: Dispatcher | undefined): Promise<Response> {
  return fetch(url, dispatcher === undefined ? init : ({ ...init, dispatcher } as RequestInit));
}

/** What only Node's `WebSocket` takes. */
export interface SocketExtras {
  readonly dispatcher?: Dispatcher | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A WebSocket that is connecting. A browser's takes no extras: give it none. */
export function openSocket(url: string, protocols: string[], { dispatcher, headers }: SocketExtras = {}): WebSocket {
  if (dispatcher === undefined && headers === undefined) return new WebSocket(url, protocols);
  // Node's WebSocket takes options in this place.
  const options = { protocols, ...(headers && { headers }), ...(dispatcher && { dispatcher }) };
  return new WebSocket(url, options as unknown as string[]);
}

/** Lets Node end while the timer runs. A page needs no such thing. */
export function inBackground<Timer>(timer: Timer): Timer {
  (timer as { unref?: () => void }).unref?.();
  return timer;
}

/** Calls `work` after the present turn of the event loop; in a browser, after the promises that are settled now. */
export const afterTurn: (work: () => void) => void =
  typeof setImmediate === 'function' ? (work) => void setImmediate(work) : (work) => queueMicrotask(work);
