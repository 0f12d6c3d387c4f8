import { z } from 'zod';
import { SELF_TRADE_NAMES } from '../../../../engine/wire/names.ts';
import { named } from './named.ts';
import { decimal, flag, id, name, seq, truth, whole } from './values.ts';

/** Answers about accounts and their money. */

export const BALANCE = named(
  'Balance',
  z.strictObject({
    asset: name,
    available: decimal,
    reserved: decimal.meta({ description: 'Held for open orders, fees included.' }),
    availableUnits: whole,
    reservedUnits: whole,
  }),
);
const POSITION_LIMIT = z.strictObject({
  symbol: name,
  maxPosition: decimal,
  maxExposure: decimal,
  position: decimal,
  openBuys: decimal,
  openSells: decimal,
  maxPositionLots: whole,
  maxExposureLots: whole,
  positionLots: whole,
  openBuysLots: whole,
  openSellsLots: whole,
});
const ACCOUNT_TIER = z.strictObject({
  table: whole,
  tier: whole,
  given: truth,
  asset: name.optional(),
  volume: decimal.optional(),
  volumeUnits: whole.optional(),
  day: z.string().optional(),
});
const ACCOUNT_FIELDS = {
  id,
  name,
  suspended: flag,
  killed: flag,
  killSwitches: z.strictObject({ account: flag, group: flag, venue: flag, symbols: z.array(name) }),
  group: id,
  commandsPerSecond: whole,
  commandBurst: whole,
  orderToTrade: whole,
  selfTrade: z.enum(SELF_TRADE_NAMES),
  maxOpenOrders: whole,
  openOrders: whole,
  positionLimits: z.array(POSITION_LIMIT),
  protection: z.strictObject({ windowUs: whole, fills: whole, lots: whole, netLots: whole, triggered: flag }).optional(),
  feeTiers: z.array(ACCOUNT_TIER),
  lastReportNo: whole,
  balances: z.array(BALANCE),
};
export const ACCOUNT = named('Account', z.strictObject(ACCOUNT_FIELDS));
export const ACCOUNT_IDS = z.array(id);
export const ACCOUNT_MADE = named('AccountMade', z.strictObject({ ...ACCOUNT_FIELDS, repeated: truth }));
export const ACCOUNT_SUSPENDED = named('AccountSuspended', z.strictObject({ ...ACCOUNT_FIELDS, cancelled: whole.optional(), more: truth }));
export const MONEY_MOVED = named(
  'MoneyMoved',
  z.strictObject({ account: id, asset: name, amount: decimal, units: whole, seq, repeated: truth }).meta({
    description: 'A deposit or a withdrawal. `repeated`: an earlier request with the key did it.',
  }),
);

const POSITION = z.strictObject({
  symbol: name,
  quote: name,
  position: decimal,
  averagePrice: decimal.optional(),
  cost: decimal,
  mark: decimal.optional(),
  markKind: z.string().optional(),
  markSource: z.string().optional(),
  markTimeUs: whole.optional(),
  value: decimal.optional(),
  unrealised: decimal.optional(),
  realised: decimal,
  fees: decimal,
  profit: decimal.optional(),
  boughtQuantity: decimal,
  boughtValue: decimal,
  soldQuantity: decimal,
  soldValue: decimal,
  fills: whole,
  reportNo: whole,
  seq,
  timeUs: whole,
});
const TOTAL = z.strictObject({
  asset: name,
  value: decimal,
  unrealised: decimal,
  realised: decimal,
  fees: decimal,
  profit: decimal,
  unmarked: whole.optional(),
});
export const PORTFOLIO = named(
  'Portfolio',
  z.strictObject({
    account: id,
    mark: z.string(),
    reportNo: whole,
    next: id,
    lost: whole.optional(),
    behind: truth,
    totals: z.array(TOTAL),
    positions: z.array(POSITION),
  }),
);
