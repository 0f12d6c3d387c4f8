import { fork } from 'node:child_process';
import { mkdirSync, renameSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Recovering } from '../recovery/recover.ts';
import { type WrittenLog, writeLog } from '../recovery/write-log.ts';
import type { Metric, Profile } from '../suite/result.ts';
import { measured, Parts, type Scope, type ScopeContext } from '../suite/scope.ts';

const COMMANDS: Record<Profile, number> = { full: 10_000_000, ci: 1_000_000 };
const CHILD = fileURLToPath(new URL('../recovery/recover.ts', import.meta.url));
/** Commands a second; used only for the remaining time. */
const WRITES = 800_000;
const REPLAYS = 1_800_000;
const START_SECONDS = 0.6;

export const scope: Scope = {
  name: 'recovery',
  title: 'Recovery from the log, with and without a snapshot',
  options: { commands: 'in the log, 10000000 (ci: 1000000)' },
  seconds: (profile) => 1 + COMMANDS[profile] / WRITES + 3 * (2 * START_SECONDS + (1.5 * COMMANDS[profile]) / REPLAYS),
  run: (context) => measured(scope, () => run(context)),
};

async function run({ profile, windows, dir, progress, signal, options }: ScopeContext) {
  const commands = Number(options.commands ?? COMMANDS[profile]);
  if (!(commands >= 10_000)) throw new Error('recovery: commands is 10000 or more');
  const data = join(dir, 'data');
  mkdirSync(data);
  const writing = commands / WRITES;
  const share = writing / (writing + windows * (2 * START_SECONDS + (1.5 * commands) / REPLAYS));
  const written = await writeLog(data, commands, (done) => {
    signal.throwIfAborted();
    progress('writing the log', share * done);
  });
  const snapshotMb = statSync(written.snapshot).size / 1e6;
  const aside = join(dir, basename(written.snapshot));

  const whole: Recovered[] = [];
  const half: Recovered[] = [];
  const parts = new Parts(signal);
  for (let window = 0; window < windows; window++)
    await parts.run(`window ${window + 1}`, async () => {
      const done = (part: number): number => share + ((1 - share) * (window + part)) / windows;
      renameSync(written.snapshot, aside);
      try {
        progress('from the first command', done(0));
        whole.push(await recover(data, written, signal));
      } finally {
        renameSync(aside, written.snapshot);
      }
      progress('from the snapshot', done(0.6));
      half.push(await recover(data, written, signal));
    });
  const size = `${commands / 1e6}m`;
  const metric = (id: string, title: string, unit: Metric['unit'], better: Metric['better'], values: readonly number[]): Metric => ({
    id: `recovery.${id}`,
    title,
    unit,
    better,
    windows: values.map((value) => ({ value })),
  });
  const metrics = [
    metric(
      `log.${size}`,
      `start to ready, log of ${size}`,
      's',
      'lower',
      whole.map((each) => each.seconds),
    ),
    metric(
      `snapshot.${size}`,
      `start to ready, log of ${size}, snapshot in its middle`,
      's',
      'lower',
      half.map((each) => each.seconds),
    ),
    metric(
      `log.${size}.rate`,
      'commands replayed',
      '/s',
      'higher',
      whole.map((each) => written.seq / each.replaySeconds),
    ),
    metric(
      `snapshot.${size}.size`,
      'snapshot',
      'MB',
      'lower',
      half.map(() => snapshotMb),
    ),
  ];
  return { method: method(written.seq), metrics: metrics.filter(({ windows }) => windows.length > 0), series: [], ...parts.outcome };
}

interface Recovered {
  /** From starting the process to being ready for commands. */
  readonly seconds: number;
  /** The part of it for snapshot and log. */
  readonly replaySeconds: number;
}

/** @throws Error when the state differs from the written one */
function recover(data: string, written: WrittenLog, signal: AbortSignal): Promise<Recovered> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const from = performance.now();
    const child = fork(CHILD, [data], { signal, killSignal: 'SIGKILL' });
    let ready: Recovered | undefined;
    child.on('message', (message: Recovering) => {
      if (message.kind === 'ready') {
        ready = { seconds: (performance.now() - from) / 1000, replaySeconds: message.milliseconds / 1000 };
      } else if (ready === undefined || message.seq !== written.seq || message.hash !== written.hash) {
        reject(new Error(`recovery: command ${message.seq}, state ${message.hash}; written were ${written.seq}, ${written.hash}`));
      } else {
        resolve(ready);
      }
    });
    child.on('error', (error) => reject(signal.aborted ? signal.reason : error));
    child.on('exit', (code) => reject(new Error(`recovery: the recovering process ended with ${code}`)));
  });
}

function method(commands: number): string[] {
  return [
    `A log of ${commands} commands of the exchange-core mix, written once by the log writer, and a snapshot in its middle.`,
    'Each recovery is a new process: the time counts from its start, including Node and the compilation of the code, until the engine could accept commands. Files are in the page cache, as after a restart of the process; after a restart of the machine, the disk adds to it.',
    'Every checksum is verified, every command applied; the history is assumed to be complete. The state after each recovery must have the hash of the state that was written.',
  ];
}
