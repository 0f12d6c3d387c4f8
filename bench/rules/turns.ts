import { assert } from '../../engine/assert.ts';
import { CommandKind } from '../../engine/wire/layout.ts';
import { median } from '../suite/result.ts';
import { ACCOUNTS, type LongCommand, type MeasuredMachine } from './state-machine.ts';

/** Nanoseconds of the timed commands in two machines that take turns. */
export interface Turns {
  readonly one: number[];
  readonly other: number[];
}

/** The median over the turns of the ratio of their times, other over one: both halves of a turn meet much the same machine. */
export function ratioOf({ one, other }: Turns): number {
  return median(other.map((took, turn) => took / one[turn]));
}

/** Calls both in turns, with the order changed from turn to turn. Each returns nanoseconds. */
export function inTurns(count: number, one: (turn: number) => number, other: (turn: number) => number, onTurn: () => void): Turns {
  const turns: Turns = { one: [], other: [] };
  for (let turn = 0; turn < count; turn++) {
    if (turn % 2 === 0) turns.one.push(one(turn));
    turns.other.push(other(turn));
    if (turn % 2 === 1) turns.one.push(one(turn));
    onTurn();
  }
  return turns;
}

/** Cancels all open orders. @throws InvariantError if some are left */
export function clear(machine: MeasuredMachine): void {
  const { exchange } = machine;
  const all: LongCommand[] = Array.from({ length: ACCOUNTS }, (_, i) => ({ kind: CommandKind.MassCancel, account: i + 1 }));
  machine.run(all);
  while (exchange.deadlineUs <= machine.timeUs) machine.run([{ kind: CommandKind.Tick }]);
  assert(exchange.slab.count === 0, 'rules: a mass cancel leaves no order');
}
