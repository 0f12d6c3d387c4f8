import { JsonBytes } from '../../../engine/wire/json-bytes.ts';
import { STRUCT_BYTES, StructList } from '../../../engine/wire/market-frames.ts';
import { JSON_END, jsonFrame, jsonHead, jsonStructs, parseJsonRequest } from '../../../engine/wire/market-json.ts';
import type { MarketFormat } from './format.ts';

const STRUCTS_PER_STEP = 256;
const out = new JsonBytes();

/** Text messages, with the names and numbers of the wire schema in snake case. */
export const json: MarketFormat = {
  index: 1,
  protocol: 'json',
  binary: false,
  unread: -1,
  // Text carries no schema number that could differ.
  request: (bytes) => ({ ...parseJsonRequest(bytes), version: 0 }),
  frame: (arena, head, symbol, structs) => {
    out.clear();
    jsonFrame(out, head, symbol, structs);
    return arena.keep(out.written);
  },
  *frameInSteps(head, symbol, fill, most) {
    const list = new StructList(STRUCT_BYTES[head.channel], most);
    yield* fill(list);
    const { count } = list;
    out.clear();
    out.text(jsonHead(head, symbol, true));
    let frame = new Uint8Array(0);
    let used = 0;
    for (let i = 0; ; ) {
      const end = Math.min(count, i + STRUCTS_PER_STEP);
      jsonStructs(out, head.channel, list, i, end);
      i = end;
      if (i === count) out.text(JSON_END);
      const { written } = out;
      if (used + written.length > frame.length) {
        // About as much as the rest needs: a full collection follows when V8 counts 64 MiB of new buffers.
        const larger = new Uint8Array(used + written.length + Math.ceil(((1.1 * written.length) / STRUCTS_PER_STEP) * (count - i)));
        larger.set(frame.subarray(0, used));
        frame = larger;
      }
      frame.set(written, used);
      used += written.length;
      if (i === count) return frame.subarray(0, used);
      yield;
      // Other frames were written meanwhile.
      out.clear();
    }
  },
};
