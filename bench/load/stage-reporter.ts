import type { ScopeContext } from '../suite/scope.ts';

const REPORT_MS = 500;

/** Reports the progress to the runner, also during a load of a minute. The part done is the share of the expected duration. */
export class StageReporter {
  readonly #context: ScopeContext;
  readonly #expectedMs: number;
  readonly #startMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  #stage = '';

  constructor(context: ScopeContext, expectedSeconds: number) {
    this.#context = context;
    this.#expectedMs = expectedSeconds * 1000;
    this.#timer = setInterval(() => this.#report(), REPORT_MS);
  }

  /** Of the scope. */
  get signal(): AbortSignal {
    return this.#context.signal;
  }

  /** @throws the signal's reason when the scope was aborted */
  begin(stage: string): void {
    this.#context.signal.throwIfAborted();
    this.#stage = stage;
    this.#report();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #report(): void {
    this.#context.progress(this.#stage, Math.min(0.99, (performance.now() - this.#startMs) / this.#expectedMs));
  }
}
