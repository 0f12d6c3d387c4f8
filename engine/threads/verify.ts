import { IncompleteLogError } from '../journal/log-damage.ts';
import { CAPACITIES, CapacityError, type Limits } from '../limits.ts';
import { Exchange } from '../machine/exchange.ts';
import { stateHash, tradingHash } from '../machine/state-rows.ts';
import type { Seq } from '../units.ts';
import { loadOldestSnapshot, loadSnapshot } from './engine-core.ts';
import { firstLoggedSeq, noSnapshotReaches } from './log-start.ts';
import { unloggedCapacities, withLargestCapacities } from './logged-configurations.ts';
import { replayLog } from './replay-log.ts';
import { snapshotAhead } from './snapshot-of-log.ts';

export interface Verification {
  readonly seq: Seq;
  /** SHA-256 over the canonical state. */
  readonly stateHash: string;
  /** The hash without times, to compare two exchanges that received the same commands at different times. */
  readonly tradingHash: string;
  /** 0 = the log was replayed from its first command. */
  readonly snapshotSeq: Seq;
  readonly replayed: number;
  readonly milliseconds: number;
  /** Bytes of a torn tail that a start would cut; 0 = none. */
  readonly tornBytes: number;
  readonly restingOrders: number;
  /** Money created or lost, by asset id; empty = conserved. */
  readonly imbalances: readonly { readonly asset: number; readonly amount: number }[];
  readonly messages: readonly string[];
}

/** There is no log in the directory, or one without a command. Success would say that something was checked. */
export class NothingToVerifyError extends Error {
  readonly code = 'NOTHING_TO_VERIFY';

  constructor(dir: string) {
    super(
      `There is nothing to verify in ${dir}: it has no log with a command. Name the directory that openbell start was given with --data.`,
    );
    this.name = 'NothingToVerifyError';
  }
}

export interface VerifyOptions {
  /** Sizes of the memory, increased if the log needs more. Also the capacities of a log without logged capacities (of an older release). */
  readonly limits: Limits;
  /** Start from the newest snapshot instead of the first command. */
  readonly fromSnapshot?: boolean;
  readonly onProgress?: (seq: Seq) => void;
  /** Called again and again while the state is hashed, which takes seconds for millions of orders. */
  readonly onHashing?: () => void;
}

/**
 * Replays a data directory that no exchange uses, and returns the results: state
 * hash and conservation of money. Changes nothing. Blocks.
 * @throws NothingToVerifyError, DamagedLogError, IncompleteLogError (also if the log ends before a snapshot), NewerLogError, NewerSnapshotError, NewerRulesError, DivergedError as at a start
 */
export function verifyDataDirectory(dir: string, options: VerifyOptions): Verification {
  try {
    return replayDirectory(dir, options);
  } catch (error) {
    if (!(error instanceof CapacityError)) throw error;
    // The logged capacities replace the given ones.
    const { needed } = withLargestCapacities(dir, error, options.limits);
    const limits = { ...options.limits };
    for (const name of CAPACITIES) limits[name] = Math.max(limits[name], needed[name]);
    return replayDirectory(dir, { ...options, limits });
  }
}

/** The state before the first command of the log: empty, or the oldest snapshot from which the log can be replayed. */
function loadLogStart(exchange: Exchange, dir: string, messages: string[]): Seq {
  const first = firstLoggedSeq(dir);
  if (first === 1) return loadSnapshot(exchange, dir, 0, messages);
  const loaded = loadOldestSnapshot(exchange, dir, first - 1, Number.POSITIVE_INFINITY, messages);
  if (loaded === undefined) throw noSnapshotReaches(dir, first);
  messages.push(
    `The log begins with command ${first}: older segments were removed. The check begins with the snapshot of command ${loaded}; what was before it cannot be replayed.`,
  );
  return loaded;
}

function replayDirectory(dir: string, options: VerifyOptions): Verification {
  const started = performance.now();
  const exchange = new Exchange(options.limits);
  const messages: string[] = [];
  const snapshotSeq = options.fromSnapshot
    ? loadSnapshot(exchange, dir, Number.POSITIVE_INFINITY, messages)
    : loadLogStart(exchange, dir, messages);
  const end = replayLog(exchange, dir, snapshotSeq + 1, undefined, options.onProgress);
  const ahead = snapshotAhead(dir, exchange.seq, ({ message }) => messages.push(message));
  if (ahead > 0) {
    const detail = `it ends with command ${exchange.seq}, but a snapshot holds those up to ${ahead}`;
    throw new IncompleteLogError(dir, detail, 'Put the missing files back from a copy.');
  }
  if (exchange.seq === 0) throw new NothingToVerifyError(dir);
  messages.push(...unloggedCapacities(exchange, exchange.seq - snapshotSeq));
  const imbalances = [];
  for (let asset = 0; asset < options.limits.assets; asset++) {
    const amount = exchange.accounts.imbalance(asset);
    if (amount !== 0) imbalances.push({ asset, amount });
  }
  return {
    seq: exchange.seq,
    stateHash: stateHash(exchange, options.onHashing),
    tradingHash: tradingHash(exchange, options.onHashing),
    snapshotSeq,
    replayed: exchange.seq - snapshotSeq,
    milliseconds: performance.now() - started,
    tornBytes: end?.torn?.bytes ?? 0,
    restingOrders: exchange.slab.count,
    imbalances,
    messages,
  };
}
