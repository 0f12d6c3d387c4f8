import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, codeName } from '../../../engine/codes.ts';
import type { CommandFields } from '../../../engine/machine/command.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import { Report, ReportKind } from '../../../engine/wire/layout.ts';
import { ReportFlag } from '../../../engine/wire/names.ts';
import { ReportView } from '../../../engine/wire/report-view.ts';
import { ReportsGoneError } from '../../sessions/report-cursor.ts';
import type { History } from '../../taps/history/history.ts';
import { adminAdvice } from '../../venue/admin-commands.ts';
import { HttpError } from './http-error.ts';

/** Answers to administrative commands that are searched, newest first. */
const SEARCHED = 65_536;
const PAGE = 1000;
/** The history is normally less than a second behind. */
const HISTORY_TIMEOUT_MS = 10_000;
const POLL_MS = 20;

/**
 * The commands of a keyed request that defines an account, each with a mark in its tag: in the definition, of the key; in the
 * others, of the whole request and of their place in it; 32 bits, not 0. The engine does nothing with the tag of such a command,
 * and returns it in the answer.
 */
export function withTags(commands: readonly CommandFields[], key: string, request: string): CommandFields[] {
  const { account } = commands[0];
  return commands.map((command, i) => ({ ...command, tag: tagOf(i === 0 ? `${account} ${key}` : `${account} ${key}\n${i} ${request}`) }));
}

/**
 * Finds out of the history how far a keyed request came that an earlier process executed. The history is derived from the log,
 * so this holds after every kind of stop that the log survives. I/O thread.
 */
export class LoggedRequests {
  readonly #history: Pick<History, 'accountReports' | 'stats'>;
  readonly #directory: Pick<Directory, 'lastReportNo'>;

  constructor(history: Pick<History, 'accountReports' | 'stats'>, directory: Pick<Directory, 'lastReportNo'>) {
    this.#history = history;
    this.#directory = directory;
  }

  /**
   * How many of the commands were applied: 0 if another request defined the account, or if that is longer ago than
   * {@link SEARCHED} administrative commands, or than the history goes back.
   * @param commands of {@link withTags} @param seq the history is searched up to this command @param caller for the turns of queries
   * @throws HttpError IDEMPOTENCY_KEY_REUSED when the account was defined by another request with the key; 503, and what queries throw
   */
  async applied(commands: readonly CommandFields[], seq: number, caller: string): Promise<number> {
    await this.#reached(seq);
    const last = this.#directory.lastReportNo(0);
    const first = Math.max(1, last - SEARCHED + 1);
    const report = new ReportView();
    const { account } = commands[0];
    const places = new Map(commands.map(({ tag }, place) => [tag, place]));
    let latest = 0;
    let foreign = false;
    for (let to = last; to >= first; to -= PAGE) {
      const packed = await this.#page(Math.max(first, to - PAGE + 1), to, caller);
      const words = new Int32Array(packed.buffer, packed.byteOffset, packed.length / 4);
      for (let at = words.length - Report.bytes / 4; at >= 0; at -= Report.bytes / 4) {
        const { kind, flags, tag, contraOrderId } = report.wrap(words, at);
        if (contraOrderId !== account || kind !== ReportKind.Accepted || (flags & ReportFlag.Duplicate) !== 0 || tag === 0) continue;
        const place = places.get(tag);
        if (place === undefined) foreign = true;
        else if (place > 0) latest = Math.max(latest, place);
        else if (!foreign) return latest + 1;
        else throw new HttpError(409, Code.IDEMPOTENCY_KEY_REUSED, 'IDEMPOTENCY_KEY_REUSED', adminAdvice(Code.IDEMPOTENCY_KEY_REUSED));
      }
    }
    return 0;
  }

  /** Reports of the operator in this range, as far as they are kept. */
  async #page(from: number, to: number, caller: string): Promise<Uint8Array> {
    try {
      return await this.#history.accountReports(0, from, to - from + 1, caller);
    } catch (error) {
      if (!(error instanceof ReportsGoneError)) throw error;
      return error.lastGone >= to ? new Uint8Array(0) : await this.#page(error.lastGone + 1, to, caller);
    }
  }

  async #reached(seq: number): Promise<void> {
    for (let waited = 0; this.#history.stats().watermark < seq; waited += POLL_MS) {
      if (waited >= HISTORY_TIMEOUT_MS)
        throw new HttpError(
          503,
          Code.BUSY,
          codeName(Code.BUSY),
          'the history, which shows whether this is a repeated request, is behind: try again later',
        );
      await sleep(POLL_MS);
    }
  }
}

function tagOf(text: string): number {
  const tag = createHash('sha256').update(text).digest().readUInt32LE();
  return tag === 0 ? 1 : tag;
}
