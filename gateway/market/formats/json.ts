import { JsonBytes } from '../../../engine/wire/json-bytes.ts';
import { STRUCT_BYTES, StructList } from '../../../engine/wire/market-frames.ts';
import { DECIMAL_JSON, JSON_END, type JsonStyle, jsonFrame, jsonStructs, RAW_JSON } from '../../../engine/wire/market-json.ts';
import type { MarketFormat } from './format.ts';
import { readJsonRequest } from './json-request.ts';
import { MARKET_REQUEST, RAW_MARKET_REQUEST } from './market-requests.ts';

const STRUCTS_PER_STEP = 256;
const out = new JsonBytes();

/** Text messages with the names and numbers of the wire schema, in snake case. */
export const jsonRaw: MarketFormat = jsonFormat(1, 'json-raw', RAW_JSON, RAW_MARKET_REQUEST);

/** Text messages with decimal text, in camel case. */
export const json: MarketFormat = jsonFormat(2, 'json', DECIMAL_JSON, MARKET_REQUEST);

function jsonFormat(index: number, protocol: string, style: JsonStyle, schema: Parameters<typeof readJsonRequest>[0]): MarketFormat {
  return {
    index,
    protocol,
    binary: false,
    unread: -1,
    request: (bytes) => readJsonRequest(schema, bytes),
    frame: (arena, head, symbol, structs) => {
      out.clear();
      jsonFrame(out, style, head, symbol, structs);
      return arena.keep(out.written);
    },
    *frameInSteps(head, { name, scale }, fill, most) {
      const fields = style.fields[head.channel];
      const list = new StructList(STRUCT_BYTES[head.channel], most);
      yield* fill(list);
      const { count } = list;
      out.clear();
      out.text(style.head(head, name, true));
      let frame = new Uint8Array(0);
      let used = 0;
      for (let i = 0; ; ) {
        const end = Math.min(count, i + STRUCTS_PER_STEP);
        jsonStructs(out, fields, list, scale, i, end);
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
}
