import type { AdapterFactory, AdapterOptions, FeedLine, VenueAdapter } from '../feed.ts';
import type { PublishedSink } from '../rings/record-publisher.ts';

/** An adapter whose records become visible after each call of it. */
export class PublishedAdapter implements VenueAdapter {
  readonly #adapter: VenueAdapter;
  readonly #sink: PublishedSink;
  readonly takeOver: VenueAdapter['takeOver'];

  constructor(create: AdapterFactory, options: AdapterOptions, line: FeedLine, sink: PublishedSink) {
    this.#sink = sink;
    const adapter = create(options, line, sink);
    this.#adapter = adapter;
    this.takeOver = adapter.takeOver && ((nowUs) => adapter.takeOver?.(nowUs));
  }

  get venue(): string {
    return this.#adapter.venue;
  }

  get address(): string {
    return this.#adapter.address;
  }

  opened(nowUs: number): void {
    this.#sink.at(nowUs);
    try {
      this.#adapter.opened(nowUs);
    } finally {
      this.#sink.flush();
    }
  }

  frame(bytes: Uint8Array, nowUs: number): void {
    this.#sink.received(nowUs);
    try {
      this.#adapter.frame(bytes, nowUs);
    } finally {
      this.#sink.flush();
    }
  }

  answer(url: string, bytes: Uint8Array, nowUs: number): void {
    this.#sink.received(nowUs);
    try {
      this.#adapter.answer(url, bytes, nowUs);
    } finally {
      this.#sink.flush();
    }
  }

  answerFailed(url: string, status: number, nowUs: number): void {
    this.#sink.at(nowUs);
    try {
      this.#adapter.answerFailed(url, status, nowUs);
    } finally {
      this.#sink.flush();
    }
  }

  closed(nowUs: number): void {
    this.#sink.at(nowUs);
    try {
      this.#adapter.closed(nowUs);
    } finally {
      this.#sink.flush();
    }
  }

  tick(nowUs: number): void {
    this.#sink.at(nowUs);
    try {
      this.#adapter.tick(nowUs);
    } finally {
      this.#sink.flush();
    }
  }
}
