import { Code, codeName } from '../../engine/codes.ts';
import type { CommandFields } from '../../engine/machine/command.ts';
import { ReferenceSourceId } from '../../engine/params.ts';
import type { Directory } from '../../engine/threads/directory.ts';
import { Phase } from '../../engine/wire/layout.ts';
import type { ReferenceConfig } from '../config/config-reference.ts';
import type { Logger } from '../log.ts';
import { type AdminCommands, AdminTimeoutError, adminAdvice } from '../venue/admin-commands.ts';
import { setPhase, setReference } from '../venue/venue-commands.ts';
import type { LatestSource } from './latest-source.ts';
import { CONDITIONS, conditionName, ReferenceChoice, SourceCondition } from './reference-choice.ts';

export interface ReferenceTargets {
  readonly directory: Pick<Directory, 'symbol' | 'param'>;
  readonly commands: Pick<AdminCommands, 'submit'>;
  /** Takes one of the updates that all symbols together may send now. False: there is none left. */
  readonly takeUpdate: () => boolean;
  readonly log: Logger;
}

/** What a symbol's reference did, counted for the metrics. One writer. */
export class ReferenceCounters {
  /** Prices that the engine took. */
  updates = 0;
  /** Commands that the exchange did not take at the moment, and that it rejected. */
  retries = 0;
  rejected = 0;
  /** Changes of the chosen source. */
  switches = 0;
  /** Halts, and ends of halts, that this caused. */
  halts = 0;
  resumptions = 0;
  /** Prices of sources that were not taken, by SourceCondition. */
  readonly refused = new Float64Array(CONDITIONS);
}

/** `off`: the operator has set the symbol's reference-source to trades. `waiting`: no source is usable, for less than the maximum age. */
export type ReferenceState = 'live' | 'waiting' | 'stale' | 'off';

/** The longest that a symbol is not looked at. */
export const LOOK_US = 250_000;
/** Until a command that was not taken is sent again. */
const RETRY_US = 250_000;
/** Until a price is tried again that came while a command was on its way. */
const BUSY_US = 2_000;
/** Until another update is tried when all symbols together have used theirs. */
const NO_UPDATE_LEFT_US = 2_000;

/**
 * Keeps the reference price of one symbol at that of its sources: it looks at them, and sends SetReference when the price has moved,
 * one command at a time. When all are stale, it halts the symbol, if it is configured so. I/O thread.
 */
export class SymbolReference {
  readonly id: number;
  readonly config: ReferenceConfig;
  readonly choice: ReferenceChoice;
  readonly counters = new ReferenceCounters();
  state: ReferenceState = 'waiting';
  /** The symbol was halted at the start, and has been since: whatever halted it, only the operator or its calendar ends that. */
  haltedBefore = false;
  readonly #sources: readonly LatestSource[];
  readonly #targets: ReferenceTargets;
  readonly #stamps: Float64Array;
  /** A command is on its way. */
  #busy = false;
  #nextUs = 0;
  /** Number of the source that was chosen last. */
  #source = -1;
  /** Since when a source is usable, and whether the engine has a price of that time. */
  #liveUs = Number.POSITIVE_INFINITY;
  #applied = false;
  /** Of the last halt: the boundary of the calendar that was in force, and whether continuous trading was halted. */
  #halt: { readonly boundaryUs: number; readonly continuous: boolean } | undefined;
  /** Not before is a phase set again. */
  #phaseUs = 0;
  #rejection: Code = Code.OK;

  /** @param sources in the order of the configuration @param nowUs of a monotonic clock, as of `look` */
  constructor(id: number, config: ReferenceConfig, sources: readonly LatestSource[], targets: ReferenceTargets, nowUs: number) {
    this.id = id;
    this.config = config;
    this.#sources = sources;
    this.#targets = targets;
    this.#stamps = new Float64Array(sources.length);
    const { maxAge, maxStepPpm, confirmAfter } = config;
    this.choice = new ReferenceChoice(sources.length, { maxAgeUs: maxAge * 1e6, maxStepPpm, confirmAfterUs: confirmAfter * 1e6 }, nowUs);
  }

  /** Notes a halt of before the start. Once, before the first look. */
  begin(): void {
    if (!this.config.halts || this.#phase !== Phase.Halted) return;
    this.haltedBefore = true;
    this.#targets.log.warn(
      { code: 'REFERENCE_HALTED', symbol: this.#name },
      'reference: the symbol was halted before the start; an operator must resume it',
    );
  }

  /** Looks at the sources, and sends what is due. Never throws. @returns when it wants to look again at the latest */
  look(nowUs: number): number {
    const { directory } = this.#targets;
    if (this.haltedBefore && this.#phase !== Phase.Halted) this.haltedBefore = false;
    if (directory.param(this.id, 'ReferenceSource') !== ReferenceSourceId.Outside) {
      this.choice.usableUs = nowUs;
      this.#enter('off', nowUs);
      return nowUs + LOOK_US;
    }
    const highest = directory.param(this.id, 'MaxPrice');
    const base = directory.param(this.id, 'ReferencePrice');
    const readings = this.#sources.map((source) => source.read(highest));
    this.choice.look(readings, base, nowUs);
    this.#countRefused();
    this.#noteSource(nowUs);
    const { chosen } = this.choice;
    this.#enter(chosen !== -1 ? 'live' : this.choice.isStale(nowUs) ? 'stale' : 'waiting', nowUs);
    if (this.config.halts) this.#guard(nowUs);
    return chosen === -1 ? nowUs + LOOK_US : this.#send(base, nowUs);
  }

  #send(base: number, nowUs: number): number {
    const { price } = this.choice;
    if (price === base) {
      this.#applied = true;
      return nowUs + LOOK_US;
    }
    if (this.#busy) return nowUs + BUSY_US;
    if (nowUs < this.#nextUs) return this.#nextUs;
    if (!this.#targets.takeUpdate()) return nowUs + NO_UPDATE_LEFT_US;
    this.#nextUs = nowUs + 1e6 / this.config.maxRate;
    void this.#submit(setReference(this.id, price)).then((code) => {
      if (code === Code.OK) {
        this.counters.updates++;
        this.#applied = true;
      } else this.#nextUs += RETRY_US;
    });
    return this.#nextUs;
  }

  /** @returns the engine's answer, or BUSY when there is none */
  async #submit(fields: CommandFields): Promise<Code> {
    const { commands, log } = this.#targets;
    const { counters } = this;
    this.#busy = true;
    try {
      const { code } = await commands.submit(fields);
      const isLater = code === Code.BUSY || code === Code.DISK_FULL || code === Code.DRAINING;
      if (isLater) counters.retries++;
      else if (code !== Code.OK) counters.rejected++;
      if (code !== Code.OK && !isLater && code !== this.#rejection)
        log.error({ symbol: this.#name, code: codeName(code) }, `reference: a command was rejected: ${adminAdvice(code)}`);
      if (!isLater) this.#rejection = code;
      return code;
    } catch (error) {
      counters.retries++;
      if (!(error instanceof AdminTimeoutError)) log.error({ symbol: this.#name, err: error }, 'reference: a command failed');
      return Code.BUSY;
    } finally {
      this.#busy = false;
    }
  }

  #countRefused(): void {
    const { sources } = this.choice;
    for (let i = 0; i < sources.length; i++) {
      const { stamp, condition } = sources[i];
      if (stamp === this.#stamps[i]) continue;
      this.#stamps[i] = stamp;
      if (condition === SourceCondition.OutOfRange || condition === SourceCondition.Jump) this.counters.refused[condition]++;
    }
  }

  #noteSource(nowUs: number): void {
    const { chosen } = this.choice;
    if (chosen === -1) {
      this.#liveUs = Number.POSITIVE_INFINITY;
      this.#applied = false;
      return;
    }
    this.#liveUs = Math.min(this.#liveUs, nowUs);
    if (chosen === this.#source) return;
    const from = this.#source;
    this.#source = chosen;
    if (from === -1) return;
    this.counters.switches++;
    const condition = conditionName(this.choice.sources[from].condition);
    this.#targets.log.warn(
      { symbol: this.#name, from: this.#sourceName(from), condition, to: this.#sourceName(chosen) },
      'reference: another source gives the price',
    );
  }

  #enter(state: ReferenceState, nowUs: number): void {
    if (state === this.state) return;
    const { log } = this.#targets;
    const before = this.state;
    this.state = state;
    if (state === 'off') log.warn({ symbol: this.#name }, 'reference: the operator has set it to follow the trades, the sources wait');
    else if (state === 'stale') {
      const seconds = Math.round((nowUs - this.choice.usableUs) / 1e6);
      log.error({ code: 'REFERENCE_STALE', symbol: this.#name, seconds, sources: this.conditions() }, 'reference: no source is usable');
    } else if (before === 'stale') log.info({ symbol: this.#name }, 'reference: a source is usable again');
  }

  /** The condition of each source by its name. */
  conditions(): Record<string, string> {
    return Object.fromEntries(this.choice.sources.map(({ condition }, i) => [this.#sourceName(i), conditionName(condition)]));
  }

  #guard(nowUs: number): void {
    if (this.#busy || nowUs < this.#phaseUs) return;
    if (this.state === 'stale') this.#haltOnce(nowUs);
    else if (this.state === 'live' && this.#halt !== undefined) this.#resume(nowUs);
  }

  /** Once, and again after each boundary of the calendar: if the operator opens the symbol meanwhile, it stays open. */
  #haltOnce(nowUs: number): void {
    const { directory, log } = this.#targets;
    const symbol = directory.symbol(this.id);
    if (symbol === undefined || (symbol.phase !== Phase.Continuous && symbol.phase !== Phase.Auction)) return;
    const { phase, boundaryUs } = symbol;
    if (this.#halt?.boundaryUs === boundaryUs) return;
    void this.#submit(setPhase(this.id, Phase.Halted)).then((code) => {
      if (code !== Code.OK) {
        this.#phaseUs = nowUs + RETRY_US;
        return;
      }
      this.#halt = { boundaryUs, continuous: phase === Phase.Continuous };
      this.counters.halts++;
      log.error({ code: 'REFERENCE_STALE', symbol: symbol.name }, 'reference: the symbol is halted');
    });
  }

  /** Ends a halt of continuous trading, unless the operator or the calendar has set a phase since. */
  #resume(nowUs: number): void {
    const { resumeAfter } = this.config;
    if (resumeAfter === undefined) {
      this.#halt = undefined;
      return;
    }
    if (!this.#applied || nowUs - this.#liveUs < resumeAfter * 1e6) return;
    const halt = this.#halt;
    const symbol = this.#targets.directory.symbol(this.id);
    this.#halt = undefined;
    if (symbol === undefined || symbol.phase !== Phase.Halted || symbol.boundaryUs !== halt?.boundaryUs) return;
    const { log } = this.#targets;
    if (!halt.continuous) return log.warn({ symbol: symbol.name }, 'reference: an auction was halted; only the operator can resume it');
    void this.#submit(setPhase(this.id, Phase.Continuous)).then((code) => {
      if (code === Code.OK) {
        this.counters.resumptions++;
        log.info({ symbol: symbol.name }, 'reference: the symbol is in continuous trading again');
      } else if (code === Code.BUSY || code === Code.DISK_FULL) {
        this.#halt = halt;
        this.#phaseUs = nowUs + RETRY_US;
      }
    });
  }

  #sourceName(index: number): string {
    const { feed, instrument, value } = this.config.sources[index];
    return `${feed} ${instrument} ${value}`;
  }

  get #phase(): number | undefined {
    return this.#targets.directory.symbol(this.id)?.phase;
  }

  get #name(): string {
    return this.#targets.directory.symbol(this.id)?.name ?? String(this.id);
  }
}
