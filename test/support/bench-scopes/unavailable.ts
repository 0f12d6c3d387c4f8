import type { Scope } from '../../../bench/suite/scope.ts';

export const scope: Scope = {
  name: 'unavailable',
  title: 'needs what is not there',
  options: {},
  seconds: () => 1,
  missing: () => 'no sidecar on the PATH',
  run: () => Promise.reject(new Error('was run all the same')),
};
