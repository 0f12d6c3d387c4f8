import type { Directory } from '../../../engine/threads/directory.ts';
import type { History } from '../../taps/history/history.ts';
import type { AcceptedTimes } from './accepted-times.ts';

/** Where answers about orders come from: the engine's state for what is open, the history for what has ended. */
export interface OrderSources {
  readonly directory: Directory;
  readonly history: History;
  readonly accepted: AcceptedTimes;
}
