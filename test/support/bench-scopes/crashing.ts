import type { Scope } from '../../../bench/suite/scope.ts';

export const scope: Scope = {
  name: 'crashing',
  title: 'takes its process with it',
  options: {},
  seconds: () => 1,
  run: async () => {
    console.error('last words');
    process.kill(process.pid, 'SIGKILL');
    return await new Promise(() => setInterval(() => undefined, 1000));
  },
};
