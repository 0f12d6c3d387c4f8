export type LedgerKind = 'deposit' | 'withdrawal' | 'settlement' | 'fee' | 'rebate';

/** Which entries of the ledger of an account. */
export interface LedgerToRead {
  /** Default: the account of the client. */
  readonly account?: number;
  /** Name of an asset. Default: all. */
  readonly asset?: string;
  /** Default: all. */
  readonly kind?: LedgerKind;
  /** Not before it: microseconds since the Unix epoch, or a Date. */
  readonly from?: number | Date;
  /** Before it. */
  readonly to?: number | Date;
  /** At most 1000. Default 100. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly before?: string;
}

/** A fill that caused an entry, with the names of FIX. */
export interface LedgerFill {
  /** Of the command that made it trade. */
  readonly seq: number;
  /** Number of the report. */
  readonly execId: string;
  readonly orderId: string;
  /** Left out for a side of a quote. */
  readonly clOrdId?: string;
  readonly tradeId: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly lastPx: string;
  readonly lastQty: string;
}

/** A command of the operator that caused an entry. */
export interface LedgerAction {
  readonly seq: number;
}

/** A change of a balance. Amounts are decimal text, and exact. */
export interface LedgerEntry {
  /** Unique in the account; its form may change. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly transactTime: string;
  readonly transactTimeUs: number;
  /** `settlement`: a leg of a fill, without its fee. */
  readonly kind: LedgerKind;
  readonly asset: string;
  /** Below 0: the account paid it. */
  readonly amount: string;
  /** Of the asset after the entry, what is reserved included. Left out: not known, see docs/REST.md. */
  readonly balance?: string;
  readonly cause: LedgerFill | LedgerAction;
}

export interface LedgerPage {
  /** Newest first. */
  readonly entries: readonly LedgerEntry[];
  /** `before` of the next page; '0': there is none. */
  readonly next: string;
  /** Number of the account's last report that is no longer kept. */
  readonly lost?: number;
  /** Deposits and withdrawals of commands before it are missing. */
  readonly from?: number;
  /** The history lacks entries that were there when the question came. */
  readonly behind?: true;
}
