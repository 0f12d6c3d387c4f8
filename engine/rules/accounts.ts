import type { Allocate } from '../allocate.ts';
import { assert, fail } from '../assert.ts';
import { DEFAULT_MAX_OPEN_ORDERS, GROUPS } from '../params.ts';
import type { Money } from '../units.ts';
import { FeeTables } from './fee-tables.ts';
import { PositionLimits } from './position-limits.ts';

/** Length of the name of an asset, symbol or account, in bytes. */
export const NAME_BYTES = 16;

/**
 * Accounts and their money, one column a field. Money is in the smallest unit
 * of its asset. Of each balance, `balances` has what is available at
 * {@link balanceAt}, an even number, and what is reserved at the next one: most
 * commands move money between the two, and find both in one cache line.
 *
 * Conservation, after each command, for each asset:
 * deposited = sum of available + sum of reserved + fees.
 * Every change uses a method below. The methods throw if a balance would fall
 * below zero, and update `drift`, which is zero while money is conserved.
 *
 * Written by the engine thread only; the I/O thread may read the columns.
 */
export class Accounts {
  readonly capacity: number;
  readonly assets: number;
  readonly defined: Uint8Array;
  /** Bits of {@link ControlBit}. An account that nothing controls has 0, so that its orders pass with one test. */
  readonly controls: Uint8Array;
  /** SelfTradeMode of the account's orders that do not name one. */
  readonly selfTradeMode: Uint8Array;
  /** Group of the account; 0 = none. */
  readonly group: Uint16Array;
  /** The parameters of these names. */
  readonly commandsPerSecond: Uint32Array;
  readonly commandBurst: Uint32Array;
  readonly orderToTrade: Uint32Array;
  /** By group: 1 = its kill switch is on. That of group 0, which has no accounts, is the switch of the venue. */
  readonly killedGroups: Uint8Array;
  readonly positionLimits: PositionLimits;
  /** Market-maker protection, for queries: see Protections, which writes them. A window of 0: none. */
  readonly protectionUs: Float64Array;
  readonly protectionFills: Float64Array;
  readonly protectionLots: Float64Array;
  readonly protectionNetLots: Float64Array;
  readonly protectionTriggered: Uint8Array;
  readonly feeTables: FeeTables;
  readonly maxOpenOrders: Uint32Array;
  readonly openOrders: Uint32Array;
  /** Number of the account's last execution report; account 0 is the operator's. */
  readonly reportNo: Float64Array;
  /** Highest client order id of the account that was evicted from the window of remembered ids. */
  readonly forgottenId: Float64Array;
  readonly names: Uint8Array;
  readonly balances: Float64Array;
  /** Numbers of an account in `balances`: two for each asset. */
  readonly balanceRow: number;
  readonly assetDefined: Uint8Array;
  readonly assetDecimals: Uint8Array;
  readonly assetNames: Uint8Array;
  /** Per asset: fees taken less rebates paid. */
  readonly fees: Float64Array;
  /** Per asset: deposits less withdrawals. */
  readonly deposited: Float64Array;
  /** Sum, modulo 2^32, of all changes of balances and fees less those of deposits since the start; zero between two commands. */
  drift = 0;

  constructor(capacity: number, assets: number, symbols: number, allocate: Allocate) {
    this.capacity = capacity;
    this.assets = assets;
    this.defined = new Uint8Array(allocate(capacity));
    this.controls = new Uint8Array(allocate(capacity));
    this.selfTradeMode = new Uint8Array(allocate(capacity));
    this.group = new Uint16Array(allocate(capacity * 2));
    this.commandsPerSecond = new Uint32Array(allocate(capacity * 4));
    this.commandBurst = new Uint32Array(allocate(capacity * 4));
    this.orderToTrade = new Uint32Array(allocate(capacity * 4));
    this.killedGroups = new Uint8Array(allocate(GROUPS));
    this.positionLimits = new PositionLimits(capacity * symbols, allocate);
    this.protectionUs = new Float64Array(allocate(capacity * 8));
    this.protectionFills = new Float64Array(allocate(capacity * 8));
    this.protectionLots = new Float64Array(allocate(capacity * 8));
    this.protectionNetLots = new Float64Array(allocate(capacity * 8));
    this.protectionTriggered = new Uint8Array(allocate(capacity));
    this.feeTables = new FeeTables(capacity, allocate);
    this.maxOpenOrders = new Uint32Array(allocate(capacity * 4));
    this.openOrders = new Uint32Array(allocate(capacity * 4));
    this.reportNo = new Float64Array(allocate(capacity * 8));
    this.forgottenId = new Float64Array(allocate(capacity * 8));
    this.names = new Uint8Array(allocate(capacity * NAME_BYTES));
    this.balanceRow = assets * 2;
    this.balances = new Float64Array(allocate(capacity * this.balanceRow * 8));
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

  exists(account: number): boolean {
    return account > 0 && account < this.capacity && this.defined[account] !== 0;
  }

  /** Index of what is available of a balance; what is reserved is next. */
  balanceAt(account: number, asset: number): number {
    return account * this.balanceRow + asset * 2;
  }

  /** @param at {@link balanceAt} @param amount from 0 */
  credit(at: number, amount: Money): void {
    this.balances[at] += amount;
    this.drift = (this.drift + (amount | 0)) | 0;
  }

  debit(at: number, amount: Money): void {
    const left = this.balances[at] - amount;
    if (!(left >= 0)) overdrawn(at, amount, this.balances[at]);
    this.balances[at] = left;
    this.drift = (this.drift - (amount | 0)) | 0;
  }

  /** Moves `amounts[index]`, below 0: back, from available to reserved. The parameter is an index, because V8 boxes doubles that calls pass. */
  hold(at: number, amounts: Float64Array, index: number): void {
    const amount = amounts[index];
    const left = this.balances[at] - amount;
    if (!(left >= 0)) overdrawn(at, amount, this.balances[at]);
    this.balances[at] = left;
    this.balances[at | 1] += amount;
  }

  /** Moves `amounts[index]` back from reserved to available. */
  release(at: number, amounts: Float64Array, index: number): void {
    const amount = amounts[index];
    const left = this.balances[at | 1] - amount;
    if (!(left >= 0)) overdrawn(at, amount, this.balances[at | 1]);
    this.balances[at | 1] = left;
    this.balances[at] += amount;
  }

  /** Moves `amount`, the part of a reservation that a fill did not need, back from reserved to available. */
  free(at: number, amount: Money): void {
    const left = this.balances[at | 1] - amount;
    if (!(left >= 0)) overdrawn(at, amount, this.balances[at | 1]);
    this.balances[at | 1] = left;
    this.balances[at] += amount;
  }

  /** Pays `amount` out of the reserved balance. */
  debitReserved(at: number, amount: Money): void {
    const left = this.balances[at | 1] - amount;
    if (!(left >= 0)) overdrawn(at, amount, this.balances[at | 1]);
    this.balances[at | 1] = left;
    this.drift = (this.drift - (amount | 0)) | 0;
  }

  /** Credits `fee` of an asset to the venue. A negative fee is a rebate, paid out of the fees of the same trade. */
  charge(asset: number, fee: Money): void {
    const total = this.fees[asset] + fee;
    if (!(total >= 0)) overdrawn(asset, -fee, this.fees[asset]);
    this.fees[asset] = total;
    this.drift = (this.drift + (fee | 0)) | 0;
  }

  /** Deposits money (`amount` above 0) or withdraws it. */
  move(account: number, asset: number, amount: Money): void {
    const at = this.balanceAt(account, asset);
    if (amount < 0) this.debit(at, -amount);
    else this.credit(at, amount);
    this.deposited[asset] += amount;
    this.drift = (this.drift - (amount | 0)) | 0;
  }

  /** Call it after each command. @throws InvariantError if the changes of the command do not add up */
  checkConservation(): void {
    assert(this.drift === 0, 'money: what a command took and gave does not add up');
  }

  /** Deposits less the sum of all balances and fees, per asset. A value other than 0 means that money was created or lost. Cold. */
  imbalance(asset: number): number {
    let rest = this.deposited[asset] - this.fees[asset];
    for (let account = 0; account < this.capacity; account++) {
      const at = this.balanceAt(account, asset);
      rest -= this.balances[at] + this.balances[at | 1];
    }
    return rest;
  }
}

function overdrawn(at: number, amount: Money, balance: Money): never {
  fail(`money: ${amount} taken from balance ${at}, which has ${balance}`);
}

/** ASCII text of a zero-padded name column. */
export function nameAt(names: Uint8Array, index: number): string {
  let text = '';
  for (let at = index * NAME_BYTES; at < (index + 1) * NAME_BYTES && names[at] !== 0; at++) text += String.fromCharCode(names[at]);
  return text;
}

/** True if the 16 bytes at `at` are a name: 1 to 16 printable ASCII characters without space, then zeros. */
export function isName(bytes: Uint8Array, at: number): boolean {
  let length = 0;
  while (length < NAME_BYTES && bytes[at + length] > 0x20 && bytes[at + length] < 0x7f) length++;
  if (length === 0) return false;
  for (let i = length; i < NAME_BYTES; i++) if (bytes[at + i] !== 0) return false;
  return true;
}
