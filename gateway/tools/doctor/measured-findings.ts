import { type Answer, type Finding, type Needs, note, ok, problem, unknown, warning } from './finding.ts';
import type { Host } from './host.ts';
import { measureSpin, measureSync, measureTimers, readTicks, type Ticks, type Times } from './measurements.ts';

const us = (time: number) => (time < 1000 ? `${time.toFixed(0)} us` : `${(time / 1000).toFixed(1)} ms`);
const OWN_CORES = 'use dedicated cores or a dedicated host';

/** Judges the speed of `fdatasync`. Exported for its tests, as are the others: measured values cannot be chosen. */
export function judgeSync({ p50, p99, samples }: Times): Answer {
  const found = `p50 ${us(p50)}, p99 ${us(p99)} (${samples} x 4 KiB)`;
  const fix = 'a local NVMe disk with power-loss protection; measure longer, in a clone, with: npm run bench -- durable --dir DIR';
  if (p99 >= 50_000) return problem(found, fix);
  if (p99 >= 10_000) return warning(found, fix);
  return p99 >= 2_000 ? note(found, fix) : ok(found);
}

/** @param longest ms */
export function judgeSpin(longest: number): Answer {
  const found = `a spinning thread was kept from running for up to ${us(longest * 1000)}`;
  const fix = 'isolate the cores: docs/TUNING.md; on a virtual machine, ask for dedicated cores';
  if (longest >= 10) return problem(found, fix);
  if (longest >= 1) return warning(found, fix);
  return longest >= 0.1 ? note(found, fix) : ok(found);
}

export function judgeTimers({ p50, p99 }: Times): Answer {
  const found = `a timer of 1 ms comes ${us(p50)} late, p99 ${us(p99)}`;
  const fix = 'deep idle states or a busy host: see c-states, jitter and steal';
  return p99 >= 5_000 ? warning(found, fix) : ok(found);
}

export function judgeSteal(before: Ticks | undefined, after: Ticks | undefined): Answer {
  if (before === undefined || after === undefined) return unknown('the kernel does not report it');
  const percent = (stolen: number, all: number) => (all <= 0 ? 0 : (stolen / all) * 100);
  const now = percent(after.stolen - before.stolen, after.all - before.all);
  const found = `${now.toFixed(1)} % while measuring, ${percent(after.stolen, after.all).toFixed(1)} % since boot`;
  if (now >= 10) return problem(found, OWN_CORES);
  if (now >= 1) return warning(found, OWN_CORES);
  return percent(after.stolen, after.all) >= 1 ? note(found, OWN_CORES) : ok(found);
}

/** Takes about a second, a quarter of it with a busy thread; writes and removes a file of 1 MiB in the data directory. Never throws. */
export async function measuredFindings(host: Host, { data }: Pick<Needs, 'data'>): Promise<Finding[]> {
  const before = readTicks(host);
  const spin = judgeSpin(measureSpin());
  const timers = judgeTimers(await measureTimers());
  const sync = trySync(data);
  const steal = host.platform === 'linux' ? judgeSteal(before, readTicks(host)) : unknown(`unknown on ${host.platform}`);
  return [
    { id: 'fsync', why: 'each answer in mode durable waits for one write and one fdatasync, and at times for the one before', ...sync },
    {
      id: 'jitter',
      why: 'time that the kernel and the hypervisor take from a spinning thread adds to the tail of every latency',
      ...spin,
    },
    { id: 'timers', why: 'idle threads poll by timer; a late timer delays commands that arrived meanwhile', ...timers },
    { id: 'steal', why: 'time in which this virtual machine was runnable and the hypervisor ran others', ...steal },
  ];
}

function trySync(data: string): Answer {
  try {
    return judgeSync(measureSync(data));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return problem(`cannot write there: ${code ?? message}`, `ls -ld ${data}`, 'the exchange must write its log there');
  }
}
