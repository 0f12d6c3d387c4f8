import type { Registry } from 'prom-client';
import type { Slices } from '../../slices.ts';

/** Scrapes within this time get the same text, ms. */
const FRESH_MS = 1000;

/**
 * The text of `GET /metrics`. It takes some milliseconds of the thread that takes orders, so it is
 * made in slices, at most once a second, and concurrent scrapes share it. I/O thread.
 */
export class MetricsText {
  readonly #registry: Registry;
  readonly #slices: Slices;
  readonly #freshMs: number;
  #text: Promise<string> | undefined;

  constructor(registry: Registry, slices: Slices, freshMs: number = FRESH_MS) {
    this.#registry = registry;
    this.#slices = slices;
    this.#freshMs = freshMs;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  read(): Promise<string> {
    this.#text ??= this.#make();
    return this.#text;
  }

  async #make(): Promise<string> {
    try {
      const texts: string[] = [];
      for (const { name } of this.#registry.getMetricsAsArray()) {
        const text = await this.#slices.run(
          'metrics',
          one(() => this.#registry.getSingleMetricAsString(name)),
        );
        texts.push(withoutNan(await text.made));
      }
      return `${texts.join('\n\n')}\n`;
    } finally {
      setTimeout(() => {
        this.#text = undefined;
      }, this.#freshMs).unref();
    }
  }
}

/** Work of one piece. The promise is wrapped: the slice ends before it is settled. */
// biome-ignore lint/correctness/useYield: the work has one piece
function* one<T>(work: () => Promise<T>): Generator<undefined, { readonly made: Promise<T> }> {
  return { made: work() };
}

/** A gauge without a sample yet, such as the event-loop lag right after a scrape: the sample is left out. */
function withoutNan(text: string): string {
  if (!/ nan$/im.test(text)) return text;
  return text
    .split('\n')
    .filter((line) => !/ nan$/i.test(line))
    .join('\n');
}
