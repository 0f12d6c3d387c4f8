import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Recorder } from '../../../bench/suite/recorder.ts';
import { measured, type Scope } from '../../../bench/suite/scope.ts';
import { valueMetric } from '../bench-result.ts';

/** Always the same figures, except for the option `rate`. */
export const scope: Scope = {
  name: 'steady',
  title: 'figures that are known',
  options: { rate: 'what steady.rate is' },
  seconds: () => 1,
  run: ({ windows, dir, options, progress }) =>
    measured(scope, async () => {
      progress('measuring', 0.5);
      writeFileSync(join(dir, 'data'), 'of this scope');
      console.log('a line on stdout');
      const latencies = Array.from({ length: windows }, (_, window) => {
        const recorder = new Recorder();
        for (let index = 1; index <= 100; index++) recorder.record(index * (window + 1));
        return { latency: recorder.take() };
      });
      return {
        method: [`in ${windows} windows`],
        metrics: [
          { id: 'steady.latency', title: 'known latency', unit: 'ms', better: 'lower', windows: latencies },
          valueMetric('steady.rate', 'known rate', '/s', 'higher', [90, Number(options.rate ?? 100), 80]),
          valueMetric('steady.ratio', 'known ratio', 'x', 'lower', [1.2, 1.1, 1.3]),
        ],
        series: [],
      };
    }),
};
