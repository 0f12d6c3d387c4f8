import { Code } from '../../../engine/codes.ts';
import { listFault, listFaultText } from '../../../engine/wire/check-list.ts';
import { CommandBatch, CommandFrameReader, type LongOrder } from '../../../engine/wire/frames.ts';
import type { LinkKind } from '../../../engine/wire/layout.ts';
import { MAX_LEGS } from '../../../engine/wire/list-link.ts';
import { ListReader } from '../../sessions/list-reader.ts';
import { orderError } from './order-error.ts';
import { RequestError } from './request-error.ts';

/** The account of a session takes the place of 0, which these commands have. Any one will do for a check. */
const ACCOUNT = 1;
const batch = new CommandBatch(2 * MAX_LEGS);
const reader = new CommandFrameReader();
const list = new ListReader();
const bytes = new Uint8Array(list.words.buffer);

/**
 * Checks a list as the intake does, which refuses each of its orders on its own: here the request is refused, with what is wrong. I/O thread.
 * @throws RequestError, and RangeError as CommandBatch.placeList
 */
export function checkOrderList(kind: LinkKind, orders: readonly LongOrder[]): void {
  batch.clear();
  batch.placeList(kind, orders);
  reader.open(batch.bytes());
  const legs = list.read(reader, 0, 0, ACCOUNT);
  const { code } = list;
  if (code === Code.OK) return;
  if (code === Code.BAD_LIST) {
    const text = `orders: they do not fit together: ${listFaultText(listFault(bytes, list.words))}`;
    throw new RequestError(code, 'BAD_LIST', text);
  }
  const leg = Array.from({ length: legs }, (_, i) => list.codeOf(i)).indexOf(code);
  const { name, message } = orderError(code);
  throw new RequestError(code, name, `orders[${leg}]: ${message}`);
}
