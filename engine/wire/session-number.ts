import { Command, CommandKind } from './layout.ts';

/** Numbers of sessions, which an account gives, are 1 to it. */
export const MAX_SESSION_NUMBER = 127;
/** In the byte of the flags of a command in ring and log, the number of its session is above CommandFlag.Extended. */
const SHIFT = 1;

/** The session number in the byte of a command's flags: 0 = its session did not ask for a cancel on disconnect. Before rules 6 it is 0. */
export function sessionNumberIn(flags: number): number {
  return flags >> SHIFT;
}

/** Marks a verified command in `slot`, if it enters orders, with the number of its session. */
export function markSession(u8: Uint8Array, slot: number, session: number): void {
  const byte = slot * Command.bytes;
  const kind = u8[byte + Command.kind];
  if (kind === CommandKind.New || kind === CommandKind.Quote) u8[byte + Command.parameter] |= session << SHIFT;
}
