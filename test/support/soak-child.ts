import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the process does until the next request: disturb; or use this share of a core for nothing, as a neighbour would. */
export type ToDisturber<Start> =
  | { readonly do: 'start'; readonly start: Start; readonly endAfterMs: number }
  | { readonly do: 'disturb' }
  | { readonly do: 'burn'; readonly share: number };

/** Sent once a second. */
export interface FromDisturber {
  /** Share of a core that the process has used since the last report. */
  readonly share: number;
  readonly rounds: Readonly<Record<string, number>>;
}

export interface DisturberParts<Start> {
  begin(start: Start): void;
  /** Called with each request, and first after `begin`. */
  disturb(on: boolean): void;
  readonly rounds: Readonly<Record<string, number>>;
}

/** Runs a disturber in a forked process, at the lowest priority. */
export function runDisturber<Start>({ begin, disturb, rounds }: DisturberParts<Start>): void {
  let burn = 0;
  setPriority(19);
  process.once('disconnect', () => process.exit(0));
  process.on('message', (request: ToDisturber<Start>) => {
    if (request.do === 'start') {
      setTimeout(() => process.exit(0), request.endAfterMs);
      begin(request.start);
      void burner(() => burn);
      report(rounds);
      return;
    }
    burn = request.do === 'burn' ? Math.min(0.95, request.share) : 0;
    disturb(request.do === 'disturb');
  });
}

/** Uses the share of a core, in portions of ten milliseconds. */
async function burner(share: () => number): Promise<void> {
  for (;;) {
    const end = performance.now() + 10 * share();
    while (performance.now() < end);
    await sleep(Math.max(1, 10 * (1 - share())));
  }
}

function report(rounds: Readonly<Record<string, number>>): void {
  let last = process.cpuUsage();
  let at = performance.now();
  setInterval(() => {
    const { user, system } = process.cpuUsage(last);
    const now = performance.now();
    const message: FromDisturber = { share: (user + system) / 1000 / (now - at), rounds };
    // The parent may be gone; then this process ends, too.
    process.send?.(message, undefined, undefined, () => undefined);
    last = process.cpuUsage();
    at = now;
  }, 1000);
}
