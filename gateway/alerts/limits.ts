/** Alerts of one account, and of all. */
export const MAX_ALERTS_PER_ACCOUNT = 100;
export const MAX_ALERTS = 10_000;
/** Indicators that alerts of one account, and of all, follow: different ones by symbol, interval and parameters. */
export const MAX_INDICATORS_PER_ACCOUNT = 20;
export const MAX_INDICATORS_IN_ALL = 500;
/** Closed bars of a symbol that are evaluated after a restart. */
export const MAX_MISSED_BARS = 5000;
/** Endpoints of webhooks of one account, and of all. */
export const MAX_ENDPOINTS_PER_ACCOUNT = 5;
export const MAX_ENDPOINTS = 1000;
/** Messages that are not delivered yet, of one account and of all; a further one is a dead letter at once. */
export const MAX_PENDING_PER_ACCOUNT = 1000;
export const MAX_PENDING = 100_000;
/** Dead letters of an endpoint; beyond it the oldest is removed, and counted. */
export const MAX_DEAD = 1000;
/** Events of an account that are kept for queries and streams that resume. */
export const EVENTS_KEPT = 1000;
/** Events per second of an account, and at once; further firings are counted instead. Alerts that fire once are not limited. */
export const EVENTS_PER_SECOND = 20;
export const EVENT_BURST = 100;
/** Events that the store has not taken yet; further firings are counted instead. */
export const MAX_UNSTORED = 10_000;
/** Characters of a note. */
export const MAX_NOTE = 200;
/** Longest cool-down: 30 days. */
export const MAX_COOL_DOWN_S = 30 * 86_400;
/** How long a replaced secret still signs, beside the new one; ms. */
export const SECRET_OVERLAP_MS = 24 * 3600_000;
