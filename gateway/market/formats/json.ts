import { assert } from '../../../engine/assert.ts';
import { CHANNELS } from '../../../engine/wire/channels/channels.ts';
import { STRUCT_BYTES, StructList } from '../../../engine/wire/market-frames.ts';
import { jsonFrame, parseJsonRequest } from '../../../engine/wire/market-json.ts';
import type { MarketFormat } from './format.ts';

/** Most characters of one struct, with its comma. */
const JSON_STRUCT_BYTES = 320;
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
    // Memory is taken from the system page by page as it is written.
    const frame = Buffer.allocUnsafeSlow(empty.length + list.count * JSON_STRUCT_BYTES);
    let used = frame.write(empty.slice(0, -CLOSING.length), 'latin1');
    const { json } = CHANNELS[head.channel];
    for (let i = 0; i < list.count; ) {
      let text = '';
      for (const end = Math.min(list.count, i + STRUCTS_PER_STEP); i < end; i++) {
        text += (i === 0 ? '' : ',') + json(list.words, (i * bytes) >> 2);
      }
      assert(used + text.length + CLOSING.length <= frame.length, 'market JSON: a struct is longer than its room');
      used += frame.write(text, used, 'latin1');
      yield;
    }
    used += frame.write(CLOSING, used, 'latin1');
    return frame.subarray(0, used);
  },
};
