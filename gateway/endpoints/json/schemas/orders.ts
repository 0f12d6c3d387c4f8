import { z } from 'zod';
import { LINK_NAMES, PEG_NAMES, REPORT_KIND_NAMES, SELF_TRADE_NAMES, TRIGGER_NAMES } from '../../../../engine/wire/names.ts';
import { named } from './named.ts';
import {
  behind,
  both,
  bothIfAny,
  decimal,
  flag,
  id,
  lost,
  micros,
  name,
  next,
  phase,
  seq,
  side,
  subPhase,
  timeInForce,
  truth,
  whole,
} from './values.ts';

/** Answers about orders, fills and execution reports. */

const trigger = z.enum(TRIGGER_NAMES);
/** Of stops, icebergs, pegged and linked orders, and of children. */
const TERMS = {
  type: z.literal('market').optional(),
  hidden: truth,
  linked: z.strictObject({ kind: z.enum(LINK_NAMES), orderId: id }).optional(),
  childOrderIds: z.array(id).optional(),
  endUs: micros.optional(),
  selfTrade: z.enum(SELF_TRADE_NAMES).optional(),
  session: whole.optional(),
  parentOrderId: id.optional(),
  ...bothIfAny('toCome', 'Lots'),
  ...bothIfAny('stopPrice', 'Ticks'),
  trigger: trigger.optional(),
  trailPpm: whole.optional(),
  ...bothIfAny('trailOffset', 'Ticks'),
  ...bothIfAny('activationPrice', 'Ticks'),
  ...bothIfAny('limitOffset', 'Ticks'),
  ...bothIfAny('displayedQuantity', 'Lots'),
  ...bothIfAny('displayedNow', 'Lots'),
  publicOrderId: id.optional(),
  peg: z.enum(PEG_NAMES).optional(),
  ...bothIfAny('pegOffset', 'Ticks'),
  ...bothIfAny('limitPrice', 'Ticks'),
  parked: truth,
};

export const ORDER = named(
  'Order',
  z.strictObject({
    orderId: id,
    clientOrderId: id,
    symbol: name.optional(),
    side,
    timeInForce,
    ...both('price', 'Ticks'),
    ...both('leaves', 'Lots'),
    ...both('filled', 'Lots'),
    quote: truth.meta({ description: 'It is a side of a quote.' }),
    status: z.enum(['open', 'pending', 'waiting', 'filled', 'cancelled']),
    pegged: truth,
    code: z.string().optional().meta({ description: 'Why it was cancelled: a name of docs/CODES.md.' }),
    ...bothIfAny('quantity', 'Lots'),
    acceptedUs: micros.optional(),
    updatedUs: micros.optional(),
    ...TERMS,
  }),
);
export const OPEN_ORDERS = named('OpenOrders', z.strictObject({ orders: z.array(ORDER), complete: flag }));
export const ORDERS = named('Orders', z.strictObject({ orders: z.array(ORDER), next, truncated: flag, lost }));

const REPORT_FIELDS = {
  reportNo: whole,
  kind: z.enum(REPORT_KIND_NAMES),
  code: whole,
  codeName: z.string(),
  symbol: name.optional(),
  side,
  timeInForce,
  orderId: id,
  clientOrderId: id,
  price: decimal.optional(),
  quantity: decimal.optional(),
  leaves: decimal.optional(),
  filled: decimal.optional(),
  priceTicks: whole,
  quantityLots: whole,
  leavesLots: whole,
  filledLots: whole,
  ...bothIfAny('stopPrice', 'Ticks'),
  trigger: trigger.optional(),
  ...bothIfAny('fee', 'Units'),
  tradeId: id.optional(),
  contraOrderId: id.optional(),
  maker: flag.optional(),
  auction: flag.optional(),
  selfTrade: truth,
  pegged: truth,
  duplicate: truth,
  retryUs: whole.optional(),
  keptPriority: flag.optional(),
  tag: whole,
  seq,
  timeUs: micros,
};
export const REPORT = named('Report', z.strictObject(REPORT_FIELDS));
export const FILLS = named('Fills', z.strictObject({ trades: z.array(REPORT), next, lost }));
export const REPORTS = named('Reports', z.strictObject({ reports: z.array(REPORT) }));

const STEP = z.strictObject({
  ...REPORT_FIELDS,
  step: z.string(),
  text: z.string(),
  time: z.string(),
  leavesLots: whole.optional(),
  filledLots: whole.optional(),
  status: z.enum(['filled', 'cancelled', 'rejected']).optional(),
});
const RESERVED = z.strictObject({ asset: name, amount: decimal, amountUnits: whole });
const AHEAD = { orders: whole, ...both('quantity', 'Lots') };
const RESTING = z.strictObject({
  ...both('price', 'Ticks'),
  ...both('leaves', 'Lots'),
  ...TERMS,
  phase,
  subPhase,
  interruptedUntil: z.string().optional(),
  before: z.strictObject(AHEAD).optional(),
  better: z.strictObject({ levels: whole, ...AHEAD }).optional(),
  exact: flag.optional(),
  reserved: RESERVED.optional(),
  status: z.string().optional(),
  seq,
});
const WAITING = z.strictObject({
  for: z.enum(['parent', 'auction', 'trigger']),
  ...both('leaves', 'Lots'),
  ...bothIfAny('price', 'Ticks'),
  ...TERMS,
  triggerPrice: decimal.optional(),
  phase,
  subPhase,
  interruptedUntil: z.string().optional(),
  reserved: RESERVED.optional(),
});
export const ORDER_LIFE = named(
  'OrderLife',
  z.strictObject({
    account: id,
    orderId: id,
    clientOrderId: id.optional(),
    symbol: name.optional(),
    side: side.optional(),
    timeInForce: timeInForce.optional(),
    status: z.enum(['open', 'pending', 'waiting', 'filled', 'cancelled', 'rejected']).optional(),
    steps: z.array(STEP),
    next,
    lost,
    behind,
    resting: RESTING.optional(),
    waiting: WAITING.optional(),
    linked: z.strictObject({ kind: z.enum(LINK_NAMES), orderId: id }).optional(),
  }),
);
