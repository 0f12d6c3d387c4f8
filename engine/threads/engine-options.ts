import { availableParallelism } from 'node:os';
import type { Limits } from '../limits.ts';
import type { Seq } from '../units.ts';
import type { Recovery, RecoveryProgress } from './engine-core.ts';
import type { RetentionPass } from './log-retention.ts';
import type { SnapshotTaken } from './snapshot-worker.ts';
import type { Durability } from './stages.ts';

export type Topology = 'compact' | 'pinned';
export type { Durability };

export interface EngineOptions {
  /** Directory of log and snapshots; must exist, and be locked by the caller. */
  readonly dir: string;
  /** `compact`: all stages on the calling thread. `pinned`: engine and journal each in a separate thread. Default: by core count. */
  readonly topology?: Topology;
  /** Cores that this process may use, for the topology and how its threads wait. Default: `availableParallelism()`. */
  readonly cores?: number;
  /** `durable` (default): results are published after the command is on the disk. `fast`: immediately; a crash may lose the last milliseconds. */
  readonly durability?: Durability;
  readonly limits?: Partial<Limits>;
  /** Last seq whose reports the history has. Later reports are published again at the start. Default: the history has all. */
  readonly historySeq?: number;
  /** The history holds the reports up to this command: segments and snapshots that it needs stay. Default: not known. */
  readonly historyWatermark?: () => Seq;
  /** Largest step from the time of the last command in the log to the clock at the start, see BoundedClock. Default: unbounded. */
  readonly clockStepUs?: number;
  /** Commands between two snapshots; 0 = snapshots only at the stop and on request. */
  readonly snapshotEvery?: number;
  /** Removes old segments of the log while the exchange runs. Default: all are kept. */
  readonly retention?: RetentionOptions;
  readonly onProgress?: (progress: RecoveryProgress) => void;
  /**
   * Decides on the recovered state, before the log is opened for writing; the directory shows that state. If it throws,
   * `start` rejects with its error, and log and snapshots are unchanged.
   */
  readonly accept?: (recovery: Recovery) => void;
  /** If it is aborted during recovery, `start` abandons the recovery and rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Further readers of the rings, in addition to `onReports` and `onMarket`. */
  readonly taps?: TapOptions;
  /** The engine or the disk failed. No command is answered any more; restart to recover. */
  readonly onFailed?: (error: Error) => void;
  /** A snapshot was taken, or could not be. */
  readonly onSnapshot?: (result: SnapshotTaken | Error) => void;
}

export interface RetentionOptions {
  /** Segments whose commands are all older than the last command by this are removed, microseconds. */
  readonly keepUs: number;
  readonly onPass: (result: RetentionPass | Error) => void;
}

/**
 * Names of further readers of a ring. Each tap must be read, see `Engine.tap`: the engine stops while a ring is
 * full. At most seven per ring.
 */
export interface TapOptions {
  /** Default: `history`. */
  readonly reports?: readonly string[];
  /** Default: none. */
  readonly market?: readonly string[];
}

/** With four cores or more, each stage has a thread. With fewer cores, the threads would compete for them. */
const PINNED_FROM_CORES = 4;

export function chooseTopology(cores: number = availableParallelism()): Topology {
  return cores >= PINNED_FROM_CORES ? 'pinned' : 'compact';
}

/** Whether the threads of the topology `pinned` spin before they sleep. With fewer cores, a thread that spins takes the core of the one that it waits for. */
export function mayBusyWait(cores: number = availableParallelism()): boolean {
  return cores >= PINNED_FROM_CORES;
}
