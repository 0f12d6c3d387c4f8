import type { Floor, FloorTurn } from './floor.ts';

/** What was found in the turns: by window, then by turn. */
export interface Turns<Exchange> {
  readonly exchange: readonly (readonly Exchange[])[];
  readonly floors: ReadonlyMap<Floor, readonly (readonly FloorTurn[])[]>;
}

/**
 * The exchange and its floors in turns, so that a longer disturbance of the machine is in both. The order changes from turn to turn:
 * what a turn leaves behind is not always of the same.
 * @param turns in each window, of each of them
 */
export async function inTurns<Exchange>(
  windows: number,
  turns: number,
  exchange: () => Promise<Exchange>,
  floors: readonly Floor[],
): Promise<Turns<Exchange>> {
  const found: Exchange[][] = [];
  const below = new Map(floors.map((floor) => [floor, [] as FloorTurn[][]]));
  let forward = true;
  for (let window = 0; window < windows; window++) {
    const own: Exchange[] = [];
    const theirs = new Map(floors.map((floor) => [floor, [] as FloorTurn[]]));
    for (let turn = 0; turn < turns; turn++) {
      const steps = [
        async () => void own.push(await exchange()),
        ...floors.map((floor) => async () => void theirs.get(floor)?.push(await floor.turn())),
      ];
      for (const step of forward ? steps : steps.toReversed()) await step();
      forward = !forward;
    }
    found.push(own);
    for (const [floor, each] of theirs) below.get(floor)?.push(each);
  }
  return { exchange: found, floors: below };
}
