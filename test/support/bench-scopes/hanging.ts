import type { Scope } from '../../../bench/suite/scope.ts';

export const scope: Scope = {
  name: 'hanging',
  title: 'ignores every request to stop',
  options: {},
  seconds: () => 0.1,
  run: async () => {
    const word = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(word, 0, 0);
    throw new Error('woke up');
  },
};
