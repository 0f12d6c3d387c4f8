type Listener = (...values: unknown[]) => void;

/**
 * The events of the client in a page, in place of `node:events`, which a page does not have. A listener that throws stops none of the
 * others: its error is reported to the page.
 */
export class EventEmitter<Events extends object = Record<string, unknown[]>> {
  readonly #listeners = new Map<PropertyKey, Set<Listener>>();

  on<Name extends keyof Events>(event: Name, listener: (...values: Events[Name] extends unknown[] ? Events[Name] : never) => void): this {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener as Listener));
    return this;
  }

  off<Name extends keyof Events>(event: Name, listener: (...values: Events[Name] extends unknown[] ? Events[Name] : never) => void): this {
    this.#listeners.get(event)?.delete(listener as Listener);
    return this;
  }

  /** Calls the listener once. */
  once<Name extends keyof Events>(event: Name, listener: (...values: Events[Name] extends unknown[] ? Events[Name] : never) => void): this {
    const first = ((...values: Parameters<typeof listener>): void => {
      this.off(event, first);
      listener(...values);
    }) as typeof listener;
    return this.on(event, first);
  }

  /** @returns whether there is a listener */
  emit<Name extends keyof Events>(event: Name, ...values: Events[Name] extends unknown[] ? Events[Name] : never): boolean {
    const listeners = this.#listeners.get(event);
    if (listeners === undefined || listeners.size === 0) return false;
    for (const listener of [...listeners]) {
      try {
        listener(...values);
      } catch (error) {
        reportError(error);
      }
    }
    return true;
  }

  listenerCount(event: keyof Events): number {
    return this.#listeners.get(event)?.size ?? 0;
  }
}

/** Of a page: an error that nothing has caught. */
declare function reportError(error: unknown): void;
