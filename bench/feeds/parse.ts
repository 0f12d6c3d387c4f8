import { assert } from '../../engine/assert.ts';
import { FeedFault, type FeedLine } from '../../feeds/feed.ts';
import { RecordPublisher } from '../../feeds/rings/record-publisher.ts';
import { SourcesReader } from '../../feeds/rings/source-status.ts';
import { BybitAdapter } from '../../feeds/venues/bybit.ts';
import { allocateFeeds, type FeedHandles, openOutput } from '../../feeds/worker/feed-handles.ts';
import { PublishedAdapter } from '../../feeds/worker/published-adapter.ts';
import { median } from '../suite/result.ts';
import { INSTRUMENT, makeFrames } from './frames.ts';

const NO_LINE: FeedLine = {
  send: () => undefined,
  fetch: () => undefined,
  reconnect: (fault) => assert(false, `feeds: the adapter asked for a new connection (${fault})`),
};

/** A production adapter that writes to shared memory, its connection open. */
export class Parser {
  readonly handles: FeedHandles;
  readonly #adapter: PublishedAdapter;

  constructor(handles: FeedHandles) {
    this.handles = handles;
    const publisher = new RecordPublisher(openOutput(handles), 'bench');
    const create = (options: { instruments: readonly string[] }, line: FeedLine, sink: RecordPublisher) =>
      new BybitAdapter('spot', options, line, sink);
    this.#adapter = new PublishedAdapter(
      (options, line) => create(options, line, publisher),
      { instruments: [INSTRUMENT] },
      NO_LINE,
      publisher,
    );
    this.#adapter.opened(0);
  }

  frame(bytes: Uint8Array, nowUs: number): void {
    this.#adapter.frame(bytes, nowUs);
  }

  /** No frame was refused. @param frames that were read */
  check(frames: number): void {
    checkSource(this.handles, frames);
  }
}

export function checkSource({ sources }: FeedHandles, frames: number): void {
  const { messages, faults } = new SourcesReader(sources).read(0);
  assert(messages === frames, `feeds: ${messages} frames arrived, not ${frames}`);
  for (const [fault, count] of faults.entries())
    assert(count === 0 || fault === FeedFault.None, `feeds: fault ${fault} was counted ${count} times`);
}

export interface ParseWindow {
  /** Frames/s: text to records in the ring and the newest values. */
  readonly ours: number;
  /** Frames/s of `JSON.parse`, with the text decoded from the same bytes, and nothing else. */
  readonly json: number;
  readonly ratio: number;
}

/** Frames of a turn. */
const TURN_FRAMES = 5_000;
/** Turns of each, alternating; even, so that each is first as often as second. */
const TURNS = 6;

/** One window: both read the same frames, in turns that are short against a disturbance. */
export function parseWindow(): ParseWindow {
  const { snapshot, deltas } = makeFrames(TURN_FRAMES * TURNS);
  const parser = new Parser(allocateFeeds({}, 1));
  const decoder = new TextDecoder();
  parser.frame(snapshot, 1);
  let checked = 0;
  const ours = (from: number): number => {
    const start = performance.now();
    for (let i = from; i < from + TURN_FRAMES; i++) parser.frame(deltas[i], i);
    return performance.now() - start;
  };
  const json = (from: number): number => {
    const start = performance.now();
    for (let i = from; i < from + TURN_FRAMES; i++) checked += JSON.parse(decoder.decode(deltas[i])).data.u;
    return performance.now() - start;
  };
  const turns = Array.from({ length: TURNS }, (_, turn) => {
    const from = turn * TURN_FRAMES;
    if (turn % 2 === 1) {
      const jsonMs = json(from);
      return { oursMs: ours(from), jsonMs };
    }
    return { oursMs: ours(from), jsonMs: json(from) };
  });
  assert(checked > 0, 'feeds: the reference read nothing');
  parser.check(1 + TURN_FRAMES * TURNS);
  const rate = (ms: readonly number[]): number => (TURN_FRAMES / median(ms)) * 1000;
  return {
    ours: rate(turns.map(({ oursMs }) => oursMs)),
    json: rate(turns.map(({ jsonMs }) => jsonMs)),
    ratio: median(turns.map(({ oursMs, jsonMs }) => jsonMs / oursMs)),
  };
}
