/** What the thread of the alerts is given at its start. */
export interface AlertWorkerData {
  readonly dataDir: string;
  /** Endpoints on this host are allowed. */
  readonly loopback: boolean;
  /** See {@link AlertStat}. */
  readonly stats: Float64Array;
}

/** Index in the shared numbers; only the thread stores them. Those since the start count on when the thread is started again. */
export const AlertStat = { endpoints: 0, pending: 1, delivered: 2, failed: 3, dead: 4, failing: 5 } as const;
export const ALERT_STATS = 6;
