import type { Code } from '../../../engine/codes.ts';
import { getI64 } from '../../../engine/units.ts';
import { CommandKind, Refusal } from '../../../engine/wire/layout.ts';
import type { RefusalList } from '../../../engine/wire/report-frames.ts';
import type { LimitLookup } from './execution-report.ts';
import { orderError } from './order-error.ts';
import type { Asked } from './order-requests.ts';
import type { RequestError } from './request-error.ts';
import type { Op } from './schemas/order-messages.ts';

const WORDS = Refusal.bytes / 4;

/** By CommandKind: the op that it came from. */
const OPS: (Op | undefined)[] = [];
OPS[CommandKind.New] = 'place';
OPS[CommandKind.Cancel] = 'cancel';
OPS[CommandKind.Amend] = 'amend';
OPS[CommandKind.MassCancel] = 'cancel-all';
OPS[CommandKind.CancelAfter] = 'cancel-after';
OPS[CommandKind.Quote] = 'quote';

const NONE: ReadonlySet<number> = new Set();

/** The answer to a request that did nothing. */
export function refusedMessage(asked: Asked, { code, name, message, fields }: RequestError) {
  return { kind: 'refused', ...asked, code, name, text: message, ...fields };
}

/** The answers to the commands of a list that were not sequenced. @param made client order ids that the client did not send */
export function* refusedCommands(
  { words, u8, u16, count }: RefusalList,
  account: number,
  limitOf: LimitLookup,
  made: ReadonlySet<number> = NONE,
) {
  for (let i = 0; i < count; i++) {
    const word = i * WORDS;
    const code = u16[word * 2] as Code;
    const symbol = words[word + Refusal.symbol / 4] >>> 0;
    const op = opOf(u8[word * 4 + Refusal.kind], symbol);
    const tag = words[word + Refusal.tag / 4] >>> 0;
    const clientOrderId = getI64(words, word + Refusal.clientOrderId / 4);
    const orderId = getI64(words, word + Refusal.orderId / 4);
    const limit = limitOf(code, symbol, account);
    const asked = {
      ...(op !== undefined && { op }),
      ...(tag !== 0 && { tag }),
      ...(hasIds(op) && clientOrderId !== 0 && !made.has(clientOrderId) && { clOrdId: String(clientOrderId) }),
      ...(hasIds(op) && orderId !== 0 && { orderId: String(orderId) }),
    };
    yield refusedMessage(asked, orderError(code, limit && { limit }));
  }
}

/** A quote is of a symbol; the same command without one is about the protection of quotes. */
function opOf(kind: number, symbol: number): Op | undefined {
  return kind === CommandKind.Quote && symbol === 0 ? 'quote-protection' : OPS[kind];
}

/** A quote has the price and the quantity of its ask in the place of ids, and a protection its limits. */
function hasIds(op: Op | undefined): boolean {
  return op !== 'quote' && op !== 'quote-protection';
}
