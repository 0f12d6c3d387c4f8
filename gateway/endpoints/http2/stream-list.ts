import type { Http2Stream } from './stream.ts';

/** A list that is emptied often: V8 frees the memory of an array whose length becomes 0, and allocates it again with the next element. */
export class StreamList {
  count = 0;
  readonly #streams: (Http2Stream | undefined)[] = [];

  push(stream: Http2Stream): void {
    this.#streams[this.count++] = stream;
  }

  at(index: number): Http2Stream {
    return this.#streams[index] as Http2Stream;
  }

  set(index: number, stream: Http2Stream): void {
    this.#streams[index] = stream;
  }

  /** Drops all but the first `count`. */
  keep(count: number): void {
    for (let i = count; i < this.count; i++) this.#streams[i] = undefined;
    this.count = count;
  }
}
