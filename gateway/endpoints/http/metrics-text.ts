import type { Registry } from 'prom-client';
import { Rate } from '../../rate.ts';
import type { Slices } from '../../slices.ts';

/** How often the text is made anew: per second, and in a burst. */
const PER_SECOND = 2;
const BURST = 10;

/**
 * The text of `GET /metrics`. It takes some milliseconds of the thread that takes orders, so it is
 * made in slices, and concurrent scrapes share it. Beyond a rate that no monitoring reaches, scrapes
 * get the last text, which is half a second old at most. I/O thread.
 */
export class MetricsText {
  readonly #registry: Registry;
  readonly #slices: Slices;
  readonly #rate = new Rate(PER_SECOND, BURST);
  #last: string | undefined;
  #making: Promise<string> | undefined;

  constructor(registry: Registry, slices: Slices) {
    this.#registry = registry;
    this.#slices = slices;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async read(): Promise<string> {
    if (this.#making !== undefined) return await this.#making;
    if (!this.#rate.take() && this.#last !== undefined) return this.#last;
    this.#making = this.#make();
    try {
      this.#last = await this.#making;
      return this.#last;
    } finally {
      this.#making = undefined;
    }
  }

  async #make(): Promise<string> {
    const texts: string[] = [];
    for (const { name } of this.#registry.getMetricsAsArray()) {
      const text = await this.#slices.run(
        'metrics',
        one(() => this.#registry.getSingleMetricAsString(name)),
      );
      texts.push(withoutNan(await text.made));
    }
    return `${texts.join('\n\n')}\n`;
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
