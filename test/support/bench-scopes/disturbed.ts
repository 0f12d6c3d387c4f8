import { appendFileSync, readFileSync } from 'node:fs';
import { measured, type Scope } from '../../../bench/suite/scope.ts';
import { valueMetric } from '../bench-result.ts';

/** Slow in its first `runs` runs, which `file` counts. */
export const scope: Scope = {
  name: 'disturbed',
  title: 'a neighbour that goes away',
  options: { file: 'counts the runs by its length', runs: 'how many of them are slow' },
  seconds: () => 1,
  run: ({ options }) =>
    measured(scope, async () => {
      appendFileSync(options.file, '.');
      const slow = readFileSync(options.file).length <= Number(options.runs);
      return {
        method: [],
        metrics: [valueMetric('disturbed.rate', 'known rate', '/s', 'higher', slow ? [50, 60, 50] : [100, 90, 95])],
        series: [],
      };
    }),
};
