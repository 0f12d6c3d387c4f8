/**
 * Whether tests that repeat themselves (kills, random inputs, commands until a
 * figure settles) do so at length: `.ci/run` asks for it. `npm test` has every
 * test as well, with fewer repetitions.
 */
export const LONG_RUNS = process.env.OPENBELL_LONG_TESTS === '1';

/** The number of repetitions: in `npm test`, and in long runs. */
export function times(usual: number, long: number): number {
  return LONG_RUNS ? long : usual;
}

/** For `skip` of a test that `.ci/run` has at length as a step of its own: the reason where that runs, else false. */
export function ownStep(command: string): string | false {
  return process.env.OPENBELL_CI === '1' && `CI runs ${command}`;
}
