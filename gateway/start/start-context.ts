import type { RecoveryProgress } from '../../engine/threads/engine-core.ts';
import type { Config } from '../config/config.ts';
import type { Logger } from '../log.ts';
import type { ExchangeState } from './exchange-state.ts';
import type { Undo } from './undo.ts';

/** What each step of a start is given. */
export interface StartContext {
  readonly config: Config;
  readonly log: Logger;
  readonly state: ExchangeState;
  /** A step adds here how to stop what it has started. */
  readonly undo: Undo;
  /** Aborts the start. */
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: RecoveryProgress) => void) | undefined;
}
