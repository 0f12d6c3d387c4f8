import type { Allocate } from '../allocate.ts';
import { DEFAULT_MAX_OPEN_ORDERS } from '../params.ts';

/** Bytes of a name of an asset, symbol or account. */
export const NAME_BYTES = 16;

/**
 * Accounts and their money, one column a field. Money is in the smallest unit
 * of its asset. `available` and `reserved` are indexed by
 * `account * assets + asset`.
 *
 * Conservation, at any moment, for each asset:
 * deposited = sum of available + sum of reserved + fees.
 *
 * Written by the engine thread only; the I/O thread may read the columns.
 */
export class Accounts {
  readonly capacity: number;
  readonly assets: number;
  readonly defined: Uint8Array;
  readonly suspended: Uint8Array;
  readonly maxOpenOrders: Uint32Array;
  readonly openOrders: Uint32Array;
  /** Number of the account's last execution report; account 0 is the operator's. */
  readonly reportNo: Float64Array;
  /** Highest client order id of the account that is no longer remembered. */
  readonly forgottenId: Float64Array;
  readonly names: Uint8Array;
  readonly available: Float64Array;
  readonly reserved: Float64Array;
  readonly assetDefined: Uint8Array;
  readonly assetDecimals: Uint8Array;
  readonly assetNames: Uint8Array;
  /** Per asset: fees taken less rebates paid. */
  readonly fees: Float64Array;
  /** Per asset: deposits less withdrawals. */
  readonly deposited: Float64Array;

  constructor(capacity: number, assets: number, allocate: Allocate) {
    this.capacity = capacity;
    this.assets = assets;
    this.defined = new Uint8Array(allocate(capacity));
    this.suspended = new Uint8Array(allocate(capacity));
    this.maxOpenOrders = new Uint32Array(allocate(capacity * 4));
    this.openOrders = new Uint32Array(allocate(capacity * 4));
    this.reportNo = new Float64Array(allocate(capacity * 8));
    this.forgottenId = new Float64Array(allocate(capacity * 8));
    this.names = new Uint8Array(allocate(capacity * NAME_BYTES));
    this.available = new Float64Array(allocate(capacity * assets * 8));
    this.reserved = new Float64Array(allocate(capacity * assets * 8));
    this.assetDefined = new Uint8Array(allocate(assets));
    this.assetDecimals = new Uint8Array(allocate(assets));
    this.assetNames = new Uint8Array(allocate(assets * NAME_BYTES));
    this.fees = new Float64Array(allocate(assets * 8));
    this.deposited = new Float64Array(allocate(assets * 8));
  }

  define(account: number): void {
    this.defined[account] = 1;
    this.maxOpenOrders[account] = DEFAULT_MAX_OPEN_ORDERS;
  }

  /** Deposited less all that is accounted for; 0 in every asset, or money was made or lost. Cold. */
  imbalance(asset: number): number {
    let rest = this.deposited[asset] - this.fees[asset];
    for (let account = 0; account < this.capacity; account++) {
      const at = account * this.assets + asset;
      rest -= this.available[at] + this.reserved[at];
    }
    return rest;
  }
}

/** ASCII text of a zero-padded name column. */
export function nameAt(names: Uint8Array, index: number): string {
  let text = '';
  for (let at = index * NAME_BYTES; at < (index + 1) * NAME_BYTES && names[at] !== 0; at++) text += String.fromCharCode(names[at]);
  return text;
}

/** True when the 16 bytes at `at` are a name: 1 to 16 printable ASCII characters without space, then zeros. */
export function isName(bytes: Uint8Array, at: number): boolean {
  let length = 0;
  while (length < NAME_BYTES && bytes[at + length] > 0x20 && bytes[at + length] < 0x7f) length++;
  if (length === 0) return false;
  for (let i = length; i < NAME_BYTES; i++) if (bytes[at + i] !== 0) return false;
  return true;
}
