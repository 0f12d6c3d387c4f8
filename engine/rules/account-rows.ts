import { fail } from '../assert.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import type { Accounts } from './accounts.ts';
import { ControlBit } from './control-bits.ts';
import { nameWords, setName } from './name-rows.ts';

const { Suspended: SUSPENDED } = ControlBit;

/** Rows of the assets, with the venue's fees and the total of deposits. */
export class AssetRows implements StatePart {
  readonly kinds = [RowKind.Asset];
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  save(out: RowWriter): void {
    const { assets, assetDefined, assetDecimals, assetNames, fees, deposited } = this.#accounts;
    for (let asset = 0; asset < assets; asset++) {
      if (assetDefined[asset] === 0) continue;
      out.row(RowKind.Asset, asset, assetDecimals[asset], fees[asset], deposited[asset], ...nameWords(assetNames, asset));
    }
  }

  load(r: Float64Array, at: number): void {
    const accounts = this.#accounts;
    const asset = within(r[at + 1], accounts.assets, 'assets');
    accounts.assetDefined[asset] = 1;
    accounts.assetDecimals[asset] = r[at + 2];
    accounts.fees[asset] = r[at + 3];
    accounts.deposited[asset] = r[at + 4];
    setName(accounts.assetNames, asset, r, at + 5);
  }
}

/** Rows of the accounts, each followed by its balances. */
export class AccountRows implements StatePart {
  readonly kinds = [RowKind.Account, RowKind.Balance];
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  save(out: RowWriter): void {
    const accounts = this.#accounts;
    for (let account = 0; account < accounts.capacity; account++) {
      if (accounts.defined[account] === 0 && accounts.reportNo[account] === 0) continue;
      out.row(
        RowKind.Account,
        account,
        accounts.controls[account] & SUSPENDED,
        accounts.maxOpenOrders[account],
        accounts.reportNo[account],
        accounts.forgottenId[account],
        ...nameWords(accounts.names, account),
      );
      for (let asset = 0; asset < accounts.assets; asset++) {
        const at = accounts.balanceAt(account, asset);
        if (accounts.balances[at] === 0 && accounts.balances[at + 1] === 0) continue;
        out.row(RowKind.Balance, account, asset, accounts.balances[at], accounts.balances[at + 1]);
      }
    }
  }

  load(r: Float64Array, at: number): void {
    const accounts = this.#accounts;
    const account = within(r[at + 1], accounts.capacity, 'accounts');
    if (r[at] === RowKind.Balance) {
      const balance = accounts.balanceAt(account, r[at + 2]);
      accounts.balances[balance] = r[at + 3];
      accounts.balances[balance + 1] = r[at + 4];
      return;
    }
    if (account !== 0) accounts.define(account);
    accounts.controls[account] = r[at + 2] === 0 ? 0 : SUSPENDED;
    accounts.maxOpenOrders[account] = r[at + 3];
    accounts.reportNo[account] = r[at + 4];
    accounts.forgottenId[account] = r[at + 5];
    setName(accounts.names, account, r, at + 6);
  }
}

/** @throws InvariantError if an id in a snapshot exceeds the capacity */
export function within(id: number, capacity: number, what: string): number {
  if (id >= capacity) fail(`the snapshot has ${what} up to id ${id}, limits.${what} is ${capacity}; start with a larger limit`);
  return id;
}
