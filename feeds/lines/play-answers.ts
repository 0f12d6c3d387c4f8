interface Answer {
  readonly body: Buffer;
  released: boolean;
  taken: boolean;
}

/** Parameters that say how much of a thing is asked for, not what: a client may ask for more than the recorded one did. */
const AMOUNTS = ['limit', 'depth', 'count', 'step', 'showPermissionSets'];
/** A request that has no released answer waits this long for one of the future, ms. */
const MAX_EARLY_MS = 2_000;
/** How long the frames after an answer wait for the request, ms. A client that does not ask for it needs it not. */
const MAX_UNASKED_MS = 1_000;

/**
 * The HTTP answers of a capture, for its server. Each recorded answer is given once, in order; the last one again
 * and again. An answer is given when its time in the session has come.
 */
export class PlayAnswers {
  readonly #byUrl = new Map<string, Answer[]>();
  readonly #unasked = new Set<string>();
  /** Called when something was released or taken. */
  readonly #changed = new Set<() => void>();

  /** @param urls those of the capture, as often as it has an answer @param bodies theirs */
  constructor(answers: readonly { readonly url: string; readonly body: Buffer }[]) {
    for (const { url, body } of answers) {
      const key = keyOf(url);
      let list = this.#byUrl.get(key);
      if (list === undefined) {
        list = [];
        this.#byUrl.set(key, list);
      }
      list.push({ body, released: false, taken: false });
    }
  }

  /** A connection begins: nothing is taken, nothing is released. */
  reset(): void {
    for (const list of this.#byUrl.values()) {
      for (const answer of list) {
        answer.released = false;
        answer.taken = false;
      }
    }
  }

  /** The time of the next answer of a URL has come. */
  release(url: string): void {
    const answer = this.#byUrl.get(keyOf(url))?.find(({ released }) => !released);
    if (answer !== undefined) answer.released = true;
    this.#notify();
  }

  /** Waits until a client has taken every released answer of a URL; not for long, and not again if none asked. */
  async taken(url: string, signal: AbortSignal): Promise<void> {
    const key = keyOf(url);
    if (this.#unasked.has(key)) return;
    const open = () => this.#byUrl.get(key)?.some(({ released, taken }) => released && !taken) === true;
    if (!(await this.#until(() => !open(), MAX_UNASKED_MS, signal))) this.#unasked.add(key);
  }

  /** The body for a request, once there is one; undefined: the capture has none for it. @param path with the query */
  async take(path: string, signal: AbortSignal): Promise<Buffer | undefined> {
    const key = keyOf(path);
    const list = this.#byUrl.get(key);
    if (list === undefined) return undefined;
    this.#unasked.delete(key);
    const next = () => list.find(({ released, taken }) => released && !taken);
    if (next() === undefined && list.some(({ released }) => !released)) await this.#until(() => next() !== undefined, MAX_EARLY_MS, signal);
    const answer = next() ?? list.find(({ taken }) => !taken) ?? list[list.length - 1];
    answer.taken = true;
    this.#notify();
    return answer.body;
  }

  #notify(): void {
    for (const wake of this.#changed) wake();
  }

  /** @returns false when the time was over before the condition held */
  #until(holds: () => boolean, ms: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#changed.delete(look);
        resolve(holds());
      };
      const look = () => {
        if (holds()) end();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end, { once: true });
      this.#changed.add(look);
      look();
    });
  }
}

/** Path and parameters, whatever their order, without the host, amounts and a slash at the end. */
function keyOf(url: string): string {
  const { pathname, searchParams } = new URL(url, 'http://capture');
  for (const name of AMOUNTS) searchParams.delete(name);
  searchParams.sort();
  return `${pathname.replace(/\/+$/, '')}?${searchParams}`;
}
