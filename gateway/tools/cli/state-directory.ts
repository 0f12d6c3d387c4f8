import type { Exchange } from '../../../engine/machine/exchange.ts';
import { allocateControl, Control } from '../../../engine/threads/control.ts';
import { Directory } from '../../../engine/threads/directory.ts';

/** Assets, symbols and accounts of a replayed state, as they are now: after further commands, ask again. */
export function directoryOf(exchange: Exchange): Directory {
  return new Directory(new Control(allocateControl()), exchange);
}
