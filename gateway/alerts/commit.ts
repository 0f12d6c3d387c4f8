import type { AlertEvent } from '../client/alert-types.ts';
import type { Alert } from './alert.ts';
import type { AccountRow } from './alert-store.ts';

/** What the store has when the thread begins. */
export interface Loaded {
  readonly alerts: readonly Alert[];
  readonly gauges: readonly (readonly [key: string, value: number])[];
  readonly windows: readonly (readonly [key: string, numbers: Float64Array])[];
  readonly accounts: readonly (readonly [account: number, row: AccountRow])[];
}

/** What is stored in one transaction: events, and the state of which they are the consequence. */
export interface Commit {
  readonly events: readonly AlertEvent[];
  /** Alerts that have fired, and ids of those that have for the last time. */
  readonly alerts: readonly Alert[];
  readonly removed: readonly number[];
  readonly gauges: readonly (readonly [key: string, value: number | undefined])[];
  readonly windows: readonly (readonly [key: string, numbers: Float64Array | undefined])[];
  readonly accounts: readonly (readonly [account: number, row: AccountRow])[];
}

/** What a new alert adds to the store. */
export interface Unstored {
  readonly values: readonly (readonly [key: string, value: number])[];
  readonly windows: readonly (readonly [key: string, numbers: Float64Array])[];
  /** Undefined: none is needed. */
  readonly reportNo: number | undefined;
}
