import type { AdapterFactory, AdapterOptions, FeedLine, VenueAdapter } from '../feed.ts';
import type { RecordPublisher } from '../rings/record-publisher.ts';

/** An adapter whose records become visible after each call of it. */
export class PublishedAdapter implements VenueAdapter {
  readonly #adapter: VenueAdapter;
  readonly #publisher: RecordPublisher;
  readonly takeOver: VenueAdapter['takeOver'];

  constructor(create: AdapterFactory, options: AdapterOptions, line: FeedLine, publisher: RecordPublisher) {
    this.#publisher = publisher;
    const adapter = create(options, line, publisher);
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
    this.#publisher.at(nowUs);
    try {
      this.#adapter.opened(nowUs);
    } finally {
      this.#publisher.flush();
    }
  }

  frame(bytes: Uint8Array, nowUs: number): void {
    this.#publisher.received(nowUs);
    try {
      this.#adapter.frame(bytes, nowUs);
    } finally {
      this.#publisher.flush();
    }
  }

  answer(url: string, bytes: Uint8Array, nowUs: number): void {
    this.#publisher.received(nowUs);
    try {
      this.#adapter.answer(url, bytes, nowUs);
    } finally {
      this.#publisher.flush();
    }
  }

  answerFailed(url: string, status: number, nowUs: number): void {
    this.#publisher.at(nowUs);
    try {
      this.#adapter.answerFailed(url, status, nowUs);
    } finally {
      this.#publisher.flush();
    }
  }

  closed(nowUs: number): void {
    this.#publisher.at(nowUs);
    try {
      this.#adapter.closed(nowUs);
    } finally {
      this.#publisher.flush();
    }
  }

  tick(nowUs: number): void {
    this.#publisher.at(nowUs);
    try {
      this.#adapter.tick(nowUs);
    } finally {
      this.#publisher.flush();
    }
  }
}
