import type { Directory } from '../../../engine/threads/directory.ts';
import type { AccountBalances, AssetInfo, BalanceInfo } from '../../../engine/threads/directory-info.ts';
import { moneyText } from './amounts.ts';

/** A balance as JSON. */
export function balanceView({ asset, available, reserved }: BalanceInfo) {
  return {
    asset: asset.name,
    total: moneyText(asset, available + reserved),
    available: moneyText(asset, available),
    reserved: moneyText(asset, reserved),
  };
}

/**
 * The balances of an account as messages of what has changed. Nothing is queued: what changes until the next message is in it, with its
 * last value. I/O thread.
 */
export class BalanceFeed {
  readonly #account: number;
  readonly #directory: Pick<Directory, 'balances'>;
  /** By asset: as they were sent last. */
  readonly #sent = new Map<number, BalanceInfo>();
  /** Read, and waiting for the reports that they include. */
  #next: AccountBalances | undefined;
  #changed = true;
  #first = true;

  constructor(account: number, directory: Pick<Directory, 'balances'>) {
    this.#account = account;
    this.#directory = directory;
  }

  /** The balances may have changed. */
  change(): void {
    this.#changed = true;
  }

  /**
   * The message that is due; undefined: there is none now.
   * @param reportNo number of the last report that the client was sent: balances never show what its report does not
   */
  take(reportNo: number): object | undefined {
    while (this.#next !== undefined || this.#changed) {
      if (this.#next === undefined) {
        this.#changed = false;
        this.#next = this.#directory.balances(this.#account);
      }
      const read = this.#next;
      if (read.lastReportNo > reportNo) return undefined;
      this.#next = undefined;
      const balances = this.#differences(read.balances);
      if (balances.length === 0 && !this.#first) continue;
      this.#first = false;
      return { kind: 'balances', lastReportNo: read.lastReportNo, balances: balances.map(balanceView) };
    }
    return undefined;
  }

  #differences(balances: readonly BalanceInfo[]): BalanceInfo[] {
    const gone = new Map(this.#sent);
    const changed = balances.filter(({ asset, available, reserved }) => {
      gone.delete(asset.id);
      const before = this.#sent.get(asset.id);
      return before === undefined || before.available !== available || before.reserved !== reserved;
    });
    const zero = [...gone.values()].map(({ asset }) => nothing(asset));
    for (const { asset } of zero) this.#sent.delete(asset.id);
    for (const balance of changed) this.#sent.set(balance.asset.id, balance);
    return [...changed, ...zero];
  }
}

function nothing(asset: AssetInfo): BalanceInfo {
  return { asset, available: 0 as BalanceInfo['available'], reserved: 0 as BalanceInfo['reserved'] };
}
