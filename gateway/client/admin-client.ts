import type { PhaseName, SubPhaseName } from '../../engine/wire/names.ts';
import { OpenbellError } from './errors.ts';
import { type HttpOptions, httpRequest } from './http-request.ts';
import { pathOf } from './symbols.ts';
import type { Decimal, SelfTradeName, SideName } from './types.ts';

/** The orders to cancel: of an account, of a symbol, or of an account in a symbol; or one of them, by either id. Or those of the accounts in a group. */
export type OrdersToCancel =
  | { readonly account: number; readonly symbol?: string; readonly orderId?: number; readonly clientOrderId?: number }
  | { readonly symbol: string; readonly orderId?: number }
  | { readonly group: number; readonly symbol?: string; readonly side?: SideName };

/** Whole numbers, and a mode; docs/TRADING-RULES.md has their meaning. */
export interface AccountLimits {
  /** Most resting orders. */
  readonly maxOpenOrders?: number;
  /** Number of its group, up to 65,535; 0 = none. */
  readonly group?: number;
  /** Most new orders and amends per second, up to a million; 0 = no limit. */
  readonly commandsPerSecond?: number;
  /** Most of them at once; 0 = as many as in a second. */
  readonly commandBurst?: number;
  /** Most new orders and amends per fill; 0 = no limit. */
  readonly orderToTrade?: number;
  /** Self-trade prevention of orders that do not name a mode; `default` is none. */
  readonly selfTrade?: SelfTradeName;
}

/** Quantities in the base asset; 0 = no limit. docs/TRADING-RULES.md has their meaning. */
export interface PositionLimit {
  readonly maxPosition?: Decimal;
  /** Of open orders, buys and sells together. */
  readonly maxExposure?: Decimal;
}

/** What a kill switch concerns. A group has a number from 1 to 65,535. */
export type KillSwitchScope = { readonly account: number } | { readonly group: number } | { readonly symbol: string } | 'venue';

/** The kill switches that are on. */
export interface KillSwitches {
  readonly venue: boolean;
  /** Numbers. */
  readonly groups: readonly number[];
  /** Names. */
  readonly symbols: readonly string[];
  /** Ids. */
  readonly accounts: readonly number[];
}

/** A tier above the fees of the symbol: from this volume on, with these rates, such as `0.04%`. */
export interface FeeTier {
  /** In the table's asset. */
  readonly volume: Decimal;
  readonly maker: string;
  readonly taker: string;
}

/** Fee tiers by the volume of 30 days; docs/CONFIGURATION.md has their meaning. */
export interface FeeTable {
  /** From 1 to 8. */
  readonly table: number;
  /** Name of the asset of the volumes. */
  readonly asset: string;
  /** By rising volume. */
  readonly tiers: readonly FeeTier[];
}

export interface CancelledOrders {
  /** Number of orders cancelled. Each is reported to its account, with the code of the cause. */
  readonly cancelled: number;
  /** Sequence of the last command. */
  readonly seq: number;
  /** True: orders that arrived meanwhile are left. */
  readonly more?: boolean;
  /** Of a group: how many of them are cancelled with later commands, by the exchange itself. */
  readonly later?: number;
}

/** What an operator does, over the admin port. The token must have the role for it, docs/SECURITY.md. */
export class AdminClient {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /**
   * Cancels open orders of any account, in every phase.
   * @throws OpenbellError UNKNOWN_ORDER when the one order does not rest, UNKNOWN_ACCOUNT, UNKNOWN_SYMBOL, PERMISSION_DENIED, ...;
   * HTTP_FAILED when the exchange cannot be reached: look at the orders, then send it again
   */
  async cancelOrders(orders: OrdersToCancel): Promise<CancelledOrders> {
    if ('account' in orders) {
      const { account, ...rest } = orders;
      return this.#post(`/v1/accounts/${account}/cancel-orders`, rest);
    }
    if ('group' in orders) {
      const { group, ...rest } = orders;
      return this.#post(`/v1/groups/${group}/cancel-orders`, rest);
    }
    const { symbol, ...rest } = orders;
    return this.#post(`/v1/symbols/${pathOf(symbol)}/cancel-orders`, rest);
  }

  /**
   * Sets limits of an account; those that are not given stay as they are.
   * @throws OpenbellError BAD_PARAMETER, UNKNOWN_ACCOUNT, PERMISSION_DENIED, ...; HTTP_FAILED when the exchange cannot be reached: send it again
   */
  async setLimits(account: number, limits: AccountLimits): Promise<void> {
    await this.#post(`/v1/accounts/${account}/limits`, limits);
  }

  /**
   * Limits the position or the exposure of an account in a symbol; a limit that is not given stays as it is.
   * @throws OpenbellError BAD_PARAMETER, UNKNOWN_ACCOUNT, UNKNOWN_SYMBOL, CAPACITY, PERMISSION_DENIED, ...; HTTP_FAILED when the exchange cannot
   * be reached: send it again
   */
  async setPositionLimit(account: number, symbol: string, limits: PositionLimit): Promise<void> {
    await this.#post(`/v1/accounts/${account}/position-limit`, { symbol, ...limits });
  }

  /**
   * Replaces all tiers of a fee table; the volumes rise. New orders have the new rates, open orders keep theirs.
   * @throws OpenbellError BAD_PARAMETER, CAPACITY, PERMISSION_DENIED, ...; HTTP_FAILED when the exchange cannot be reached: send it again
   */
  async setFeeTable({ table, asset, tiers }: FeeTable): Promise<void> {
    await this.#post(`/v1/fee-tables/${table}`, { asset, tiers });
  }

  /**
   * Gives an account a tier of a fee table, whatever its volume; 0 = the fees of the symbol. `by-volume` takes it back. New orders have the new
   * rates, open orders keep theirs.
   * @throws OpenbellError BAD_PARAMETER: the table has no such tier; UNKNOWN_ACCOUNT, PERMISSION_DENIED, ...; HTTP_FAILED when the exchange
   * cannot be reached: send it again
   */
  async giveFeeTier(account: number, table: number, tier: number | 'by-volume'): Promise<void> {
    await this.#post(`/v1/accounts/${account}/fee-tier`, { table, tier });
  }

  /**
   * Suspends an account: its new orders and amends are rejected with ACCOUNT_SUSPENDED, its cancels are accepted.
   * @param options `cancel`: also cancels what rests, with CANCELLED_SUSPENDED; otherwise resting orders still trade
   * @throws OpenbellError UNKNOWN_ACCOUNT, PERMISSION_DENIED, ...; HTTP_FAILED when the exchange cannot be reached: send it again
   */
  async suspend(account: number, options: { readonly cancel?: boolean } = {}): Promise<Pick<CancelledOrders, 'cancelled' | 'more'>> {
    const { cancelled = 0, more } = await this.#post<Partial<CancelledOrders>>(`/v1/accounts/${account}/suspend`, options);
    return { cancelled, ...(more && { more }) };
  }

  /** Ends the suspension of an account; a kill switch stays as it is. @throws OpenbellError as {@link suspend} */
  async resume(account: number): Promise<void> {
    await this.#post(`/v1/accounts/${account}/resume`, {});
  }

  /**
   * Switches a kill switch on or off. While it is on, new orders and amends in its scope are rejected with KILL_SWITCH; switching it on
   * cancels what rests there, with CANCELLED_KILL_SWITCH. Each switch is independent: one that is off does not lift another.
   * @throws OpenbellError UNKNOWN_ACCOUNT, UNKNOWN_SYMBOL, PERMISSION_DENIED, ...; HTTP_FAILED when the exchange cannot be reached: send it
   * again
   */
  async killSwitch(scope: KillSwitchScope, on: boolean): Promise<CancelledOrders> {
    return this.#post(`${killSwitchPath(scope)}/kill-switch`, { on });
  }

  /** The kill switches that are on. @throws OpenbellError PERMISSION_DENIED; HTTP_FAILED when the exchange cannot be reached */
  async killSwitches(): Promise<KillSwitches> {
    return httpRequest(this.#options, '/v1/kill-switches');
  }

  /**
   * Sets the phase of several symbols, or of all, as one action: up to 512 of them have one place in the log. It ends their volatility
   * interruptions. A symbol that is refused does not keep the others from their phase.
   * @param symbols names, or 'all'
   * @throws OpenbellError UNKNOWN_SYMBOL, BOOK_CROSSED, PERMISSION_DENIED, ...; HTTP_FAILED when the exchange cannot be reached: send it again
   */
  async setPhase(symbols: readonly string[] | 'all', phase: PhaseName, subPhase?: SubPhaseName): Promise<void> {
    await this.#post('/v1/phases', { symbols, phase, ...(subPhase !== undefined && { subPhase }) });
  }

  #post<T>(path: string, body: object): Promise<T> {
    return httpRequest(this.#options, path, body);
  }
}

function killSwitchPath(scope: KillSwitchScope): string {
  if (scope === 'venue') return '/v1';
  // A caller in JavaScript may pass anything, and each scope alone is wider than two together.
  const [key, ...more] = Object.keys(scope);
  if (more.length > 0 || !['account', 'group', 'symbol'].includes(key))
    throw new OpenbellError('BAD_OPTION', "a kill switch is of one account, group or symbol, or of 'venue'");
  if ('account' in scope) return `/v1/accounts/${scope.account}`;
  return 'group' in scope ? `/v1/groups/${scope.group}` : `/v1/symbols/${pathOf(scope.symbol)}`;
}
