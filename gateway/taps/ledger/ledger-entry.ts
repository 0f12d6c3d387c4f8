/** What moved the money of an entry. */
export const LEDGER_KINDS = ['deposit', 'withdrawal', 'settlement', 'fee', 'rebate'] as const;
export type LedgerKindName = (typeof LEDGER_KINDS)[number];
export const LedgerKind = { Deposit: 0, Withdrawal: 1, Settlement: 2, Fee: 3, Rebate: 4 } as const;

/**
 * Place of an entry in the ledger of its account, and its id. `reportNo` is that of the fill, or of the account's last report before a deposit or
 * withdrawal; `leg` is 1 for the base asset of a fill, 2 for its quote asset, 3 for its fee, 0 for a deposit or withdrawal.
 */
export interface LedgerPlace {
  readonly reportNo: number;
  /** Of the command. */
  readonly seq: number;
  readonly leg: number;
}

/** A change of a balance. Money in the smallest units of the asset, prices in ticks, quantities in lots, time in microseconds since the Unix epoch. */
export interface LedgerEntry extends LedgerPlace {
  /** Of {@link LedgerKind}. */
  readonly kind: number;
  readonly timeUs: number;
  readonly asset: number;
  /** Below 0: the account paid it. */
  readonly amount: number;
  /** After it, what is reserved included. NaN: not known. */
  readonly balance: number;
  /** Of a fill; otherwise 0. */
  readonly symbol: number;
  readonly side: number;
  readonly price: number;
  readonly quantity: number;
  readonly orderId: number;
  readonly clientOrderId: number;
  readonly tradeId: number;
}

const FIELDS = [
  'reportNo',
  'seq',
  'leg',
  'kind',
  'timeUs',
  'asset',
  'amount',
  'balance',
  'symbol',
  'side',
  'price',
  'quantity',
  'orderId',
  'clientOrderId',
  'tradeId',
] as const satisfies readonly (keyof LedgerEntry)[];

/** Entries as doubles: a thousand objects would take a millisecond of the thread that receives them. */
export function packEntries(entries: readonly LedgerEntry[]): Float64Array<ArrayBuffer> {
  const packed = new Float64Array(entries.length * FIELDS.length);
  for (const [i, entry] of entries.entries()) for (const [f, field] of FIELDS.entries()) packed[i * FIELDS.length + f] = entry[field];
  return packed;
}

/** One at a time. */
export function* unpackEntries(packed: Float64Array): Generator<LedgerEntry> {
  for (let at = 0; at < packed.length; at += FIELDS.length)
    yield Object.fromEntries(FIELDS.map((field, f) => [field, packed[at + f]])) as unknown as LedgerEntry;
}
