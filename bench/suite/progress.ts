import type { WriteStream } from 'node:tty';

export interface Planned {
  readonly name: string;
  /** Expected. */
  readonly seconds: number;
}

/** Without a terminal: interval of plain lines. */
const PLAIN_MS = 5000;
const REDRAW_MS = 500;
/** Below this share done, the expected duration is more accurate than a scope's own pace. */
const TRUST_PACE_FROM = 0.1;

/** Reports the progress of a run and its remaining time: one line that is rewritten on a terminal, plain lines elsewhere. */
export class Progress {
  readonly #plan: Planned[];
  readonly #out: NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>;
  readonly #timer: NodeJS.Timeout;
  #at = -1;
  #startedMs = 0;
  #what = '';
  #done = 0;

  constructor(plan: readonly Planned[], out: NodeJS.WriteStream) {
    this.#plan = [...plan];
    this.#out = out;
    this.#timer = setInterval(() => this.#draw(), out.isTTY ? REDRAW_MS : PLAIN_MS);
  }

  /** Adds to the end of the plan. */
  add(planned: Planned): void {
    this.#plan.push(planned);
  }

  /** The next scope of the plan begins. */
  next(): void {
    this.#at++;
    this.#startedMs = performance.now();
    this.#what = 'starting';
    this.#done = 0;
    this.#draw();
  }

  update(what: string, done: number): void {
    this.#what = what;
    this.#done = done;
  }

  /** Prints a separate line, which stays. */
  log(text: string): void {
    this.#out.write(`${this.#out.isTTY ? '\r\x1b[K' : ''}${text}\n`);
    if (this.#out.isTTY) this.#draw();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#at = this.#plan.length;
    if (this.#out.isTTY) this.#out.write('\r\x1b[K');
  }

  #draw(): void {
    const now = this.#plan[this.#at];
    if (now === undefined) return;
    const elapsed = (performance.now() - this.#startedMs) / 1000;
    const left = secondsLeft(now.seconds, elapsed, this.#done);
    const after = this.#plan.slice(this.#at + 1).reduce((sum, { seconds }) => sum + seconds, 0);
    const head = `[${this.#at + 1}/${this.#plan.length}] ${now.name}`;
    const tail = `${Math.floor(this.#done * 100)} %, ${clock(left)} left, ${clock(left + after)} in all`;
    if (!this.#out.isTTY) {
      this.#out.write(`${head}: ${this.#what}: ${tail}\n`);
      return;
    }
    const room = (this.#out.columns ?? 80) - head.length - tail.length - 5;
    this.#out.write(`\r\x1b[K${head}: ${this.#what.slice(0, Math.max(0, room))}: ${tail}`);
  }
}

/** By the scope's own pace once it is known. */
export function secondsLeft(expected: number, elapsed: number, done: number): number {
  if (done < TRUST_PACE_FROM) return Math.max(0, expected - elapsed);
  return (elapsed / done) * (1 - done);
}

/** 3:07, or 1:02:09. */
export function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
