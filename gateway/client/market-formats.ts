import { CHANNEL_NAMES, CHANNELS, type ChannelName } from '../../engine/wire/channels/channels.ts';
import { MarketOp } from '../../engine/wire/layout.ts';
import { marketRequest } from '../../engine/wire/market-frames.ts';
import { MARKET_OP_NAMES } from '../../engine/wire/names.ts';
import { decodeBinary, decodeJson, type MarketFrameView } from './market-decode.ts';

/** Encoder and decoder of a market-data connection. Its key in MARKET_FORMATS is the subprotocol. */
interface ClientFormat {
  /** @param id of the symbol, 0 = every one @param name of the symbol, `*` = every one @param last trades that snapshots have, 0 to 100 */
  readonly request: (
    op: number,
    channel: ChannelName,
    id: number,
    name: string,
    tag: number,
    last: number,
  ) => string | Uint8Array<ArrayBuffer>;
  /** @throws OpenbellError MALFORMED_FRAME, WRONG_SCHEMA_VERSION or BAD_ENUM */
  readonly frame: (data: string | ArrayBuffer) => MarketFrameView;
}

export const MARKET_FORMATS = {
  binary: {
    request: (op, channel, id, _name, tag, last) => marketRequest(op, CHANNEL_NAMES.indexOf(channel), id, tag, undefined, last),
    frame: read,
  },
  'json-raw': {
    request: (op, channel, _id, name, tag, last) => {
      const request = { op: MARKET_OP_NAMES[op], tag };
      if (op === MarketOp.Ping) return JSON.stringify(request);
      const { textName, depth } = CHANNELS[CHANNEL_NAMES.indexOf(channel)];
      return JSON.stringify({ ...request, channel: textName, symbol: name, ...(depth !== 0 && { depth }), ...(last !== 0 && { last }) });
    },
    frame: read,
  },
} as const satisfies Record<string, ClientFormat>;
export type MarketFormatName = keyof typeof MARKET_FORMATS;

/** Text frames are JSON whatever format was requested. */
function read(data: string | ArrayBuffer): MarketFrameView {
  return typeof data === 'string' ? decodeJson(data) : decodeBinary(new Uint8Array(data));
}
