import { fail } from '../../engine/assert.ts';
import { Code, codeName } from '../../engine/codes.ts';
import type { Directory } from '../../engine/threads/directory.ts';
import type { SymbolInfo } from '../../engine/threads/directory-info.ts';
import { CommandKind, Phase } from '../../engine/wire/layout.ts';
import type { Logger } from '../log.ts';
import { type AdminAnswer, type AdminCommands, AdminTimeoutError, adminAdvice } from '../venue/admin-commands.ts';
import { setPhase } from '../venue/venue-commands.ts';
import type { Boundary, BoundaryList } from './calendar.ts';
import type { CalendarCounters } from './calendar-counters.ts';
import { isCalling, nextCommand } from './calendar-step.ts';

export interface CalendarTargets {
  readonly directory: Pick<Directory, 'symbol'>;
  readonly commands: Pick<AdminCommands, 'submit'>;
  /** The clock that stamps commands, which never goes back. */
  readonly nowUs: () => number;
  /** A random whole number in [0, limit). */
  readonly draw: (limit: number) => number;
  readonly log: Logger;
  readonly counters: CalendarCounters;
}

/** Between two attempts while the exchange takes no commands. */
const RETRY_US = 250_000;
/** Commands for one boundary at most; each is answered before the next. Only an operator who acts at the same time can use them up. */
const MOST_COMMANDS = 8;

/** One symbol on its way through the boundaries of its calendar. I/O thread only. */
export class SymbolCalendar {
  readonly id: number;
  readonly boundaries: BoundaryList;
  readonly #targets: CalendarTargets;
  readonly #sinceUs: number;
  #index = 0;
  /** The last boundary whose time has come. */
  #target: Boundary;
  /** When the commands of the target are sent: its time, or the drawn end of the auction before it. */
  #dueUs: number;
  #retryUs = 0;
  #pending = true;
  #retrying = false;

  /** @param symbol id of a defined symbol */
  constructor(symbol: number, boundaries: BoundaryList, targets: CalendarTargets) {
    this.id = symbol;
    this.boundaries = boundaries;
    this.#targets = targets;
    const nowUs = targets.nowUs();
    this.#sinceUs = nowUs;
    this.#target = boundaries.at(0) ?? fail('calendar: no boundary is in force');
    this.#dueUs = this.#dueTime(nowUs);
  }

  /** When `work` has something to do. */
  get wakeUs(): number {
    const nextUs = this.boundaries.at(this.#index + 1)?.atUs ?? Number.POSITIVE_INFINITY;
    return this.#pending ? Math.min(nextUs, Math.max(this.#dueUs, this.#retryUs)) : nextUs;
  }

  /** Sends what is due, and waits for the answers. Call it when `wakeUs` has come, and not again before it has resolved. Never throws. */
  async work(): Promise<void> {
    const nowUs = this.#targets.nowUs();
    this.#advance(nowUs);
    if (!this.#pending || nowUs < this.#dueUs || nowUs < this.#retryUs) return;
    try {
      await this.#cross(this.#target);
    } catch (error) {
      if (error instanceof AdminTimeoutError) this.#retry(codeName(Code.BUSY), error.message);
      else this.#giveUp(this.#target, 'ERROR', String(error));
    }
  }

  #advance(nowUs: number): void {
    let next = this.boundaries.at(this.#index + 1);
    if (next === undefined || next.atUs > nowUs) return;
    for (; next !== undefined && next.atUs <= nowUs; next = this.boundaries.at(this.#index + 1)) {
      if (this.#pending) this.#miss(this.#target);
      this.#index++;
      this.#target = next;
      this.#pending = true;
    }
    this.#retrying = false;
    this.#retryUs = 0;
    this.#dueUs = this.#dueTime(nowUs);
  }

  /** A random end needs an auction that ends: not one that an operator has ended before. After a restart, what is left of the window counts. */
  #dueTime(nowUs: number): number {
    const { atUs, randomUs } = this.#target;
    const left = atUs + randomUs - nowUs;
    const symbol = this.#targets.directory.symbol(this.id);
    return left > 0 && symbol !== undefined && symbol.boundaryUs !== atUs && isCalling(symbol)
      ? nowUs + this.#targets.draw(left)
      : Math.max(atUs, this.#sinceUs);
  }

  async #cross(target: Boundary): Promise<void> {
    const { directory, commands } = this.#targets;
    let uncrossed = false;
    let seq = 0;
    for (let sent = 0; sent < MOST_COMMANDS; sent++) {
      const symbol = directory.symbol(this.id);
      if (symbol === undefined) return this.#giveUp(target, codeName(Code.UNKNOWN_SYMBOL), adminAdvice(Code.UNKNOWN_SYMBOL));
      const fields = nextCommand(symbol, target, uncrossed);
      if (fields === undefined) return this.#done(symbol, target, seq);
      const answer = await commands.submit(fields);
      switch (answer.code) {
        case Code.OK:
          uncrossed ||= fields.kind === CommandKind.Uncross;
          if (fields.kind === CommandKind.Uncross) this.#logUncross(symbol, answer);
          if (fields.kind === CommandKind.SetPhase) seq = answer.seq;
          break;
        case Code.WRONG_PHASE:
          // The operator has changed the phase meanwhile: look again.
          break;
        case Code.BOOK_CROSSED:
          // Orders of an auction that was never uncrossed, such as after a stop of the exchange over its end.
          await commands.submit(setPhase(this.id, Phase.Auction));
          uncrossed = false;
          break;
        case Code.BUSY:
        case Code.DISK_FULL:
        case Code.DRAINING:
          return this.#retry(codeName(answer.code), adminAdvice(answer.code));
        default:
          return this.#giveUp(target, codeName(answer.code), adminAdvice(answer.code));
      }
    }
    this.#retry(codeName(Code.BUSY), `${MOST_COMMANDS} commands did not bring the symbol over the boundary`);
  }

  /** @param seq of the phase's command; 0: the boundary was crossed before, by an earlier run of the exchange */
  #done(symbol: SymbolInfo, target: Boundary, seq: number): void {
    this.#pending = false;
    this.#retrying = false;
    if (seq === 0) return;
    const { nowUs, counters, log } = this.#targets;
    const delayUs = nowUs() - this.#dueUs;
    counters.crossed++;
    counters.delay.observe(delayUs);
    log.info({ ...this.#words(target, symbol), seq, delaySeconds: delayUs / 1e6 }, `calendar: ${symbol.name} is in phase ${target.name}`);
  }

  #retry(code: string, reason: string): void {
    const { nowUs, counters, log } = this.#targets;
    this.#retryUs = nowUs() + RETRY_US;
    counters.retries++;
    if (!this.#retrying) log.warn({ ...this.#words(this.#target), code }, `calendar: the phase waits, it is tried again: ${reason}`);
    this.#retrying = true;
  }

  #giveUp(target: Boundary, code: string, reason: string): void {
    this.#pending = false;
    this.#targets.counters.failed++;
    this.#targets.log.error(
      { ...this.#words(target), code },
      `calendar: the phase cannot be set, it stays until the next boundary: ${reason}`,
    );
  }

  /** The next boundary came before the target was crossed: its commands would be wrong now. */
  #miss(target: Boundary): void {
    this.#targets.counters.missed++;
    this.#targets.log.warn(this.#words(target), 'calendar: a boundary was missed; the phase is that of the next one');
  }

  #logUncross({ name }: SymbolInfo, { seq, price, quantity }: AdminAnswer): void {
    this.#targets.log.info({ symbol: name, seq, priceTicks: price, quantityLots: quantity }, `calendar: the auction of ${name} has ended`);
  }

  #words({ atUs, name }: Boundary, symbol = this.#targets.directory.symbol(this.id)): object {
    return {
      symbol: symbol?.name ?? this.id,
      calendar: this.boundaries.calendar.config.name,
      phase: name,
      boundary: new Date(atUs / 1000).toISOString(),
    };
  }
}
