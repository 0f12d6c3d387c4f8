import { z } from 'zod';
import { SymbolParam } from '../../../../engine/params.ts';
import { REFERENCE_SOURCES } from '../../../config/config-reference.ts';
import { AUCTION_PRICES } from '../../../config/config-symbol.ts';
import { VOLATILITY_PROFILES } from '../../../config/config-volatility.ts';
import { named } from './named.ts';
import { both, decimal, flag, id, idText, isoTime, micros, name, percentage, phase, seq, side, subPhase, truth, whole } from './values.ts';

/** Answers about assets, symbols, calendars, fees and kill switches. */

export const ASSET = named(
  'Asset',
  z.strictObject({ id, name, decimals: whole }).meta({ description: 'Its smallest unit is 10^-decimals.' }),
);
export const ASSETS = z.array(ASSET);

const VOLATILITY = z.strictObject({
  staticBand: percentage,
  dynamicBand: percentage,
  duration: z.number(),
  wideBand: percentage,
  extension: z.number(),
  randomEnd: z.number(),
  profile: z.enum(VOLATILITY_PROFILES),
  ...both('staticPrice', 'Ticks'),
  interruptedUntil: isoTime.nullable(),
});

export const SYMBOL = named(
  'Symbol',
  z.strictObject({
    id,
    name,
    base: name,
    quote: name,
    baseDecimals: whole,
    quoteDecimals: whole,
    tickSize: decimal,
    lotSize: decimal,
    phase,
    subPhase,
    killed: flag,
    ...both('lastPrice', 'Ticks'),
    ...both('referencePrice', 'Ticks'),
    referenceSource: z.enum(REFERENCE_SOURCES),
    lastTradeId: idText,
    priceBand: percentage,
    collar: percentage.meta({ description: 'The former name of priceBand.', deprecated: true }),
    sessionEnd: isoTime.nullable(),
    auctionPrice: z.enum(AUCTION_PRICES),
    volatility: VOLATILITY,
    fees: z.strictObject({ maker: percentage, taker: percentage, tiers: whole }),
    limits: z.strictObject({
      maxPrice: decimal,
      tickStep: decimal,
      lotStep: decimal,
      minQuantity: decimal,
      maxQuantity: decimal,
      minDisplayed: decimal,
      minNotional: decimal,
      maxNotional: decimal,
    }),
    params: z.strictObject(Object.fromEntries(Object.keys(SymbolParam).map((key) => [key, whole]))),
  }),
);
export const SYMBOLS = z.array(SYMBOL);

const BOUNDARY = z.strictObject({
  at: z.string().meta({ description: 'Local time of the calendar.' }),
  atUs: micros,
  name,
  phase,
  subPhase,
  randomEndSeconds: z.number().optional(),
  sessionEnd: z.string().optional(),
});
export const CALENDAR = named(
  'Calendar',
  z.strictObject({
    symbol: name,
    phase,
    subPhase,
    calendar: name.nullable(),
    timeZone: z.string().optional(),
    overridden: flag.optional(),
    scheduled: BOUNDARY.optional(),
    next: z.array(BOUNDARY),
  }),
);

const FEE_TIER = z.strictObject({
  ...both('volume', 'Units'),
  maker: percentage,
  taker: percentage,
  makerPpm: whole,
  takerPpm: whole,
});
export const FEE_TABLE = named('FeeTable', z.strictObject({ table: whole, asset: name.optional(), tiers: z.array(FEE_TIER) }));
export const FEE_TABLES = z.strictObject({ tables: z.array(FEE_TABLE) });

export const KILL_SWITCHES = named(
  'KillSwitches',
  z.strictObject({ venue: flag, groups: z.array(id), symbols: z.array(name), accounts: z.array(id) }),
);
const SWEPT = { cancelled: whole, seq, more: truth.meta({ description: 'Orders that arrived meanwhile are left: send it again.' }) };
export const KILL_SWITCH = named(
  'KillSwitch',
  z.strictObject({ account: id.optional(), group: id.optional(), symbol: name.optional(), venue: truth, on: flag, ...SWEPT }),
);
export const CANCELLED = named(
  'CancelledOrders',
  z.strictObject({
    account: id.optional(),
    symbol: name.optional(),
    orderId: id.optional(),
    clientOrderId: id.optional(),
    ...SWEPT,
  }),
);
export const GROUP_CANCELLED = named(
  'CancelledOrdersOfGroup',
  z.strictObject({
    group: id,
    symbol: name.optional(),
    side: side.optional(),
    cancelled: whole,
    later: whole.optional().meta({ description: 'Orders that later commands cancel, without a further request.' }),
    seq,
  }),
);
export const PHASE_SET = named('PhaseSet', z.strictObject({ symbol: name, phase, subPhase, seq }));
export const PHASES_SET = named('PhasesSet', z.strictObject({ phase, subPhase, symbols: whole }));
export const UNCROSSED = named('Uncrossed', z.strictObject({ symbol: name, ...both('price', 'Ticks'), ...both('quantity', 'Lots'), seq }));
export const SNAPSHOT = named('Snapshot', z.strictObject({ seq, path: z.string() }));
