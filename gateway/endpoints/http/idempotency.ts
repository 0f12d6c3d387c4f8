import { createHash } from 'node:crypto';
import { Code } from '../../../engine/codes.ts';
import type { CommandFields } from '../../../engine/machine/command.ts';
import { CommandKind } from '../../../engine/wire/layout.ts';
import { adminAdvice } from '../../venue/admin-commands.ts';
import { HttpError } from './http-error.ts';

/** Bytes of an idempotency key, visible ASCII. */
const MAX_KEY_BYTES = 255;
/** A command has room for two integers of 53 bits each. */
const KEY_BITS = 53n;
/** Requests remembered; then the oldest is forgotten. */
const MAX_REMEMBERED = 1024;

/** The value of the header `Idempotency-Key`. @throws HttpError 400 */
export function readIdempotencyKey(key: string | undefined): string | undefined {
  if (key === undefined || (/^[\x21-\x7e]+$/.test(key) && key.length <= MAX_KEY_BYTES)) return key;
  throw new HttpError(
    400,
    0,
    'BAD_IDEMPOTENCY_KEY',
    `Idempotency-Key takes 1 to ${MAX_KEY_BYTES} visible ASCII characters, such as a UUID`,
  );
}

/** The fields of a command that carry a key: 106 bits of its SHA-256. */
export function keyFields(key: string | undefined): Pick<CommandFields, 'clientOrderId' | 'orderId'> {
  if (key === undefined) return {};
  const hash = BigInt(`0x${createHash('sha256').update(key).digest('hex')}`);
  return { clientOrderId: Number(BigInt.asUintN(53, hash >> KEY_BITS)), orderId: Number(BigInt.asUintN(53, hash)) };
}

/** The deposits of one request, each with a key of its own. A key has no line feed, so none is that of another request. */
export function withDepositKeys(commands: readonly CommandFields[], key: string): CommandFields[] {
  return commands.map((command) =>
    command.kind === CommandKind.Deposit ? { ...command, ...keyFields(`${key}\n${command.symbol}`) } : command,
  );
}

interface Remembered {
  /** SHA-256: a request may be long. */
  readonly request: string;
  /** Commands that are applied. */
  applied: number;
  /** The command after them was sent, and not answered. */
  unknown: boolean;
  /** Resolves when the request that runs now has ended. */
  running: Promise<void> | undefined;
}

/**
 * Requests of several commands with an idempotency key, the first of which defines something. A repeated one continues
 * where the first one ended, or does nothing. The last ones are remembered while the process runs; `recall` finds those of
 * an earlier process. I/O thread.
 */
export class KeyedRequests {
  readonly #remembered = new Map<string, Remembered>();

  /**
   * Runs the commands that are not applied yet, one after the other.
   * @param owner what the key belongs to, such as an account @param request the whole request, as text
   * @param recall called when the definition exists: how many of the commands an earlier process has applied for this request
   * @returns true when the first request has applied all of them
   * @throws HttpError IDEMPOTENCY_KEY_REUSED for another request with the key, and what `run` and `recall` throw
   */
  async run(
    owner: number,
    key: string,
    request: string,
    commands: readonly CommandFields[],
    run: (command: CommandFields) => Promise<unknown>,
    recall: () => Promise<number> = async () => 0,
  ): Promise<boolean> {
    const id = `${owner} ${key}`;
    const known = this.#remember(id, createHash('sha256').update(request).digest('base64'));
    while (known.running !== undefined) await known.running;
    if (known.applied === commands.length) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    known.running = promise;
    try {
      let recalled = false;
      while (known.applied < commands.length) {
        const more = await this.#apply(known, commands[known.applied], run, known.applied === 0 ? recall : undefined);
        known.applied += more;
        recalled = more > 1 && known.applied === commands.length;
      }
      return recalled;
    } catch (error) {
      // The key belongs to a request of an earlier process, which may be repeated too.
      if (known.applied === 0 && (error as Partial<HttpError>).code === Code.IDEMPOTENCY_KEY_REUSED) this.#remembered.delete(id);
      throw error;
    } finally {
      known.running = undefined;
      resolve();
    }
  }

  /** Returns how many commands are applied now, from this one on. */
  async #apply(
    known: Remembered,
    command: CommandFields,
    run: (command: CommandFields) => Promise<unknown>,
    recall: (() => Promise<number>) | undefined,
  ): Promise<number> {
    try {
      await run(command);
      return 1;
    } catch (error) {
      const { code, status } = error as Partial<HttpError>;
      if (code === Code.ALREADY_DEFINED) {
        // The earlier request defined it.
        if (known.unknown) return 1;
        const applied = await recall?.();
        if (applied) return applied;
      }
      known.unknown = status === 504;
      throw error;
    }
  }

  #remember(id: string, request: string): Remembered {
    const known = this.#remembered.get(id) ?? { request, applied: 0, unknown: false, running: undefined };
    if (known.request !== request) {
      throw new HttpError(409, Code.IDEMPOTENCY_KEY_REUSED, 'IDEMPOTENCY_KEY_REUSED', adminAdvice(Code.IDEMPOTENCY_KEY_REUSED));
    }
    if (!this.#remembered.has(id)) {
      for (const [oldest, { running }] of this.#remembered) {
        if (this.#remembered.size < MAX_REMEMBERED) break;
        if (running === undefined) this.#remembered.delete(oldest);
      }
      this.#remembered.set(id, known);
    }
    return known;
  }
}
