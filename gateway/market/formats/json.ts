import { CHANNELS } from '../../../engine/wire/channels/channels.ts';
import { STRUCT_BYTES, StructList } from '../../../engine/wire/market-frames.ts';
import { jsonFrame, parseJsonRequest } from '../../../engine/wire/market-json.ts';
import type { MarketFormat } from './format.ts';

/** End of a frame with structs. */
const CLOSING = ']}';
const STRUCTS_PER_STEP = 64;

/** Text messages, with the names and numbers of the wire schema in snake case. */
export const json: MarketFormat = {
  index: 1,
  protocol: 'json',
  binary: false,
  unread: -1,
  // Text carries no schema number that could differ.
  request: (bytes) => ({ ...parseJsonRequest(bytes), version: 0 }),
  frame: (arena, head, symbol, structs) => arena.text(jsonFrame(head, symbol, structs)),
  *frameInSteps(head, symbol, fill, most) {
    const bytes = STRUCT_BYTES[head.channel];
    const list = new StructList(bytes, most);
    const empty = jsonFrame(head, symbol, list);
    yield* fill(list);
    if (list.count === 0) return Buffer.from(empty, 'latin1');
    const { json } = CHANNELS[head.channel];
    let frame = Buffer.from(empty.slice(0, -CLOSING.length), 'latin1');
    let used = frame.length;
    for (let i = 0; i < list.count; ) {
      let text = '';
      for (const end = Math.min(list.count, i + STRUCTS_PER_STEP); i < end; i++) {
        text += (i === 0 ? '' : ',') + json(list.words, (i * bytes) >> 2);
      }
      const needed = used + text.length + CLOSING.length;
      if (needed > frame.length) {
        // About as much as the rest needs: a full collection follows when V8 counts 64 MiB of new buffers.
        const larger = Buffer.allocUnsafeSlow(needed + Math.ceil(((1.1 * text.length) / STRUCTS_PER_STEP) * (list.count - i)));
        frame.copy(larger, 0, 0, used);
        frame = larger;
      }
      used += frame.write(text, used, 'latin1');
      yield;
    }
    used += frame.write(CLOSING, used, 'latin1');
    return frame.subarray(0, used);
  },
};
