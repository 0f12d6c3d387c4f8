import type { Scope } from '../../../bench/suite/scope.ts';

export const scope: Scope = {
  name: 'failing',
  title: 'throws',
  options: {},
  seconds: () => 1,
  run: () => Promise.reject(new Error('the load generator fell over')),
};
