import { type ChildProcess, fork } from 'node:child_process';
import type { Disturber } from './soak.ts';
import type { FromDisturber, ToDisturber } from './soak-child.ts';

/** A disturber in a process of its own, which runs {@link runDisturber}. It ends with this process, and after its time. */
export class SoakProcess<Start> implements Disturber {
  readonly pid: number;
  share = 0;
  /** How often each fault was caused, or each attacker came. */
  rounds: Readonly<Record<string, number>> = {};
  readonly #child: ChildProcess;

  /** @param endAfterMs the process ends after this, whatever happens */
  constructor(entry: URL, start: Start, endAfterMs: number) {
    this.#child = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.pid = this.#child.pid ?? 0;
    this.#child.on('message', ({ share, rounds }: FromDisturber) => {
      this.share = share;
      this.rounds = rounds;
    });
    this.#send({ do: 'start', start, endAfterMs });
  }

  disturb(): void {
    this.#send({ do: 'disturb' });
  }

  burn(share: number): void {
    this.#send({ do: 'burn', share });
  }

  end(): void {
    this.#child.disconnect();
  }

  #send(request: ToDisturber<Start>): void {
    this.#child.send(request as object);
  }
}
