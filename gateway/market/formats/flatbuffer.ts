import { Code } from '../../../engine/codes.ts';
import { CHANNELS } from '../../../engine/wire/channels/channels.ts';
import { Channel, MarketOp } from '../../../engine/wire/layout.ts';
import { MarketRequestReader, RoomyFrame, STRUCT_BYTES } from '../../../engine/wire/market-frames.ts';
import { MOST_LAST_TRADES } from '../symbol-past.ts';
import type { MarketFormat } from './format.ts';

const reader = new MarketRequestReader();
const ask = { code: Code.OK as Code, op: 0, channel: 0, symbol: 0, tag: 0, version: 0, last: 0, text: '' };

/** Binary messages: MarketRequest and MarketFrame of openbell.fbs. */
export const flatbuffer: MarketFormat = {
  index: 0,
  protocol: 'binary',
  binary: true,
  unread: 0,
  request: (bytes) => {
    ask.code = reader.open(bytes);
    ({ op: ask.op, channel: ask.channel, symbol: ask.symbol, tag: ask.tag, version: ask.version } = reader);
    ask.last = reader.last;
    if (ask.code === Code.OK && !isLastValid()) ask.code = Code.BAD_RANGE;
    if (ask.code !== Code.OK && ask.channel >= CHANNELS.length) ask.channel = 0;
    return ask;
  },
  frame: (arena, head, _symbol, structs) => arena.frame(head, structs),
  *frameInSteps(head, _symbol, fill, most) {
    const frame = new RoomyFrame(head, STRUCT_BYTES[head.channel], most);
    yield* fill(frame.structs);
    return frame.finish();
  },
};

function isLastValid(): boolean {
  const { op, channel, last } = reader;
  return last === 0 || (op === MarketOp.Subscribe && channel === Channel.Trades && last <= MOST_LAST_TRADES);
}
