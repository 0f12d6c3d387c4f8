import type { LinkName, OrderTypeName, PegName, SelfTradeName, SideName, TimeInForceName, TriggerName } from '../../engine/wire/names.ts';

/** What {@link QueryClient} answers about orders, fills, balances and sessions, with the names of FIX: docs/REST.md. Amounts are decimal text, ids are text. */

/** Which orders of an account. */
export type OrdersToRead = {
  /** Default: the account of the connection. */
  readonly account?: number;
  /** Name of a symbol. Default: all. */
  readonly symbol?: string;
  /** At most 1000. Default 100. */
  readonly limit?: number;
} & (
  | {
      /** Lowest order id first. The default. */
      readonly status?: 'open';
      /** `next` of the page before. */
      readonly after?: string;
    }
  | {
      /** Also those that have ended, newest first. */
      readonly status: 'all';
      /** `next` of the page before. */
      readonly before?: string;
    }
);

export type OrdStatus = 'new' | 'partially-filled' | 'filled' | 'canceled' | 'expired' | 'rejected' | 'pending' | 'waiting';

export interface OrderJson {
  readonly account: number;
  readonly orderId: string;
  /** Left out for a side of a quote. */
  readonly clOrdId?: string;
  readonly symbol: string;
  readonly side: SideName;
  readonly timeInForce: TimeInForceName;
  /** `pending`: outside the book, until a trigger or an auction; `waiting`: for fills of its parent. */
  readonly ordStatus: OrdStatus;
  readonly price?: string;
  readonly stopPx?: string;
  /** Filled, open, and, of an open order, both together. */
  readonly cumQty: string;
  readonly leavesQty: string;
  readonly orderQty: string;
  /** Name of the code with which it has ended. */
  readonly name?: string;
  /** ISO 8601, UTC: of its last report; there if the answer is from the history. */
  readonly transactTime?: string;
  /** The following ones are terms of an open order. */
  readonly ordType?: Extract<OrderTypeName, 'market'>;
  readonly trigger?: TriggerName;
  readonly trailOffset?: string;
  readonly trailPpm?: number;
  readonly activationPrice?: string;
  readonly limitOffset?: string;
  readonly displayQty?: string;
  readonly hidden?: true;
  readonly peg?: PegName;
  readonly pegOffset?: string;
  readonly limitPrice?: string;
  readonly parked?: true;
  /** ISO 8601, UTC. */
  readonly expireTime?: string;
  readonly selfTrade?: SelfTradeName;
  readonly linked?: { readonly kind: LinkName; readonly orderId: string };
}

export interface OrderPage {
  readonly orders: readonly OrderJson[];
  /** Where the next page begins: `after` of open orders, `before` of all; '0': there is none. */
  readonly next: string;
  /** False: the orders changed too fast to be read at one moment, or there are too many. */
  readonly complete: boolean;
  /** Number of the account's last report that is no longer kept. */
  readonly lost?: number;
  /** The history lacks reports that were there when the question came. */
  readonly behind?: true;
}

/** Which fills of an account. */
export interface FillsToRead {
  /** Default: the account of the connection. */
  readonly account?: number;
  /** At most 1000. Default 100. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly before?: string;
}

export interface FillJson {
  /** Number of its report. */
  readonly execId: string;
  readonly orderId: string;
  /** Left out for a side of a quote. */
  readonly clOrdId?: string;
  readonly symbol: string;
  readonly side: SideName;
  readonly lastPx: string;
  readonly lastQty: string;
  /** Filled and open after it. */
  readonly cumQty: string;
  readonly leavesQty: string;
  /** Below 0: a rebate. */
  readonly fee: string;
  readonly feeCurrency: string;
  readonly tradeId: string;
  readonly liquidity: 'maker' | 'taker' | 'auction';
  /** ISO 8601, UTC. */
  readonly transactTime: string;
  readonly transactTimeUs: number;
}

export interface FillPage {
  /** Newest first. */
  readonly fills: readonly FillJson[];
  /** `before` of the next page; '0': there is none. */
  readonly next: string;
  readonly lost?: number;
  readonly behind?: true;
}

export interface BalanceJson {
  readonly asset: string;
  readonly available: string;
  /** Held for open orders, fees included. */
  readonly reserved: string;
  readonly availableUnits: number;
  readonly reservedUnits: number;
}

export interface PositionLimitJson {
  readonly symbol: string;
  readonly maxPosition: string;
  readonly maxExposure: string;
  readonly position: string;
  readonly openBuys: string;
  readonly openSells: string;
  readonly maxPositionLots: number;
  readonly maxExposureLots: number;
  readonly positionLots: number;
  readonly openBuysLots: number;
  readonly openSellsLots: number;
}

/** Balances, limits and kill switches of an account. */
export interface AccountJson {
  readonly id: number;
  readonly name: string;
  readonly suspended: boolean;
  /** A kill switch that concerns it is on; those of symbols do not count. */
  readonly killed: boolean;
  readonly killSwitches: {
    readonly account: boolean;
    readonly group: boolean;
    readonly venue: boolean;
    readonly symbols: readonly string[];
  };
  /** 0: none. */
  readonly group: number;
  /** 0: no limit. */
  readonly commandsPerSecond: number;
  readonly commandBurst: number;
  readonly orderToTrade: number;
  readonly selfTrade: SelfTradeName;
  readonly maxOpenOrders: number;
  readonly openOrders: number;
  readonly positionLimits: readonly PositionLimitJson[];
  /** Of its quotes; left out: none. */
  readonly protection?: {
    readonly windowUs: number;
    readonly fills: number;
    readonly lots: number;
    readonly netLots: number;
    readonly triggered: boolean;
  };
  readonly feeTiers: readonly {
    readonly table: number;
    readonly tier: number;
    readonly given?: true;
    readonly asset?: string;
    readonly volume?: string;
    readonly volumeUnits?: number;
    readonly day?: string;
  }[];
  readonly lastReportNo: number;
  readonly balances: readonly BalanceJson[];
}

/** Which open sessions. */
export interface SessionsToRead {
  /** Default: all. */
  readonly kind?: SessionJson['kind'];
  /** Default: of all accounts. */
  readonly account?: number;
  /** At most 1000. Default 100. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** An open session. */
export interface SessionJson {
  /** Until the exchange restarts. */
  readonly id: string;
  readonly kind: 'orders' | 'drop-copy' | 'market-data';
  readonly account?: number;
  /** Of a drop copy: number of accounts; 0 before it has named them. */
  readonly accounts?: number;
  /** Of the credentials, and how the caller was authenticated. */
  readonly subject: string;
  readonly via: string;
  readonly protocol: string;
  /** Of market data. */
  readonly format?: string;
  /** IP address of the peer; of the proxy, where there is one. */
  readonly address: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  readonly sinceUs: number;
  readonly readOnly?: boolean;
  readonly subscriptions?: number;
  /** Number of the last report that it was sent, and how many it was sent. */
  readonly lastReport?: number;
  readonly reports?: number;
  /** Commands of it that have a place in the log. */
  readonly commands?: number;
  /** Reports that it was not sent yet. */
  readonly backlog?: number;
  /** Bytes that the peer has not taken. */
  readonly bufferedBytes?: number;
  /** It does not read fast enough. */
  readonly slow: boolean;
  /** Seconds until its orders are cancelled once it is gone. Left out: they stay. */
  readonly cancelOnDisconnect?: number;
  readonly sessionNumber?: number;
}

export interface SessionPage {
  readonly sessions: readonly SessionJson[];
  /** `after` of the next page; null: there is none. */
  readonly next: string | null;
}
