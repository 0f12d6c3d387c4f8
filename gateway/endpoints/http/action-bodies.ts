import { z } from 'zod';
import type { ASSET_KEYS } from '../../config/config-asset.ts';
import type { FEE_TIER_KEYS } from '../../config/config-fee-tiers.ts';
import type { ACCOUNT_KEYS } from '../../config/config-file.ts';
import type { FEE_KEYS, LIMIT_KEYS, PARAM_KEYS, SYMBOL_KEYS } from '../../config/config-symbol.ts';
import type { VOLATILITY_KEYS } from '../../config/config-volatility.ts';
import { InexactNumber } from '../json/json-text.ts';
import { named } from '../json/schemas/named.ts';
import type { ALERT_KEYS } from './alert-body.ts';

/** Keys as `/v1/symbols` and `/v1/accounts` show them, and their names in the checks. Both are accepted. */
const CAMEL_CASE: Readonly<Record<string, string>> = {
  tickSize: 'tick',
  lotSize: 'lot',
  referencePrice: 'reference-price',
  referenceSource: 'reference-source',
  priceBand: 'price-band',
  sessionEnd: 'session-end',
  auctionPrice: 'auction-price',
  staticBand: 'static-band',
  dynamicBand: 'dynamic-band',
  wideBand: 'wide-band',
  randomEnd: 'random-end',
  maxPrice: 'max-price',
  tickStep: 'tick-step',
  lotStep: 'lot-step',
  minQuantity: 'min-quantity',
  maxQuantity: 'max-quantity',
  minDisplayed: 'min-displayed',
  minNotional: 'min-notional',
  maxNotional: 'max-notional',
  subPhase: 'sub-phase',
  maxOpenOrders: 'max-open-orders',
  commandsPerSecond: 'commands-per-second',
  commandBurst: 'command-burst',
  orderToTrade: 'order-to-trade',
  selfTrade: 'self-trade',
  feeTiers: 'fee-tiers',
  maxPosition: 'max-position',
  maxExposure: 'max-exposure',
  orderId: 'order-id',
  clientOrderId: 'client-order-id',
};

/** The name in the checks of a body's key. */
export function fieldName(key: string): string {
  return Object.hasOwn(CAMEL_CASE, key) ? CAMEL_CASE[key] : key;
}

const text = z.string({ error: ({ input }) => `must be text, not ${kindOf(input)}` });
const boolean = z.boolean({ error: ({ input }) => `must be true or false, not ${kindOf(input)}` });
/** A whole or decimal number: as text, or as a JSON number where that is exact. */
const number = z.union([z.string(), z.number()], {
  error: ({ input }) =>
    input instanceof InexactNumber
      ? `a JSON number cannot hold this exactly; write it as text: "${input.text}"`
      : `must be a number, or decimal text such as "0.01", not ${kindOf(input)}`,
});

/** Exactly the keys that the checks of the configuration know. */
type Shape<Keys extends readonly string[]> = Readonly<Record<Keys[number], z.ZodType>>;

/** An object with these keys, each in either spelling, and no others. */
function fields<Keys extends readonly string[]>(shape: Shape<Keys>) {
  const names = Object.keys(shape) as Keys[number][];
  const aliases = Object.entries(CAMEL_CASE).filter(([, name]) => Object.hasOwn(shape, name)) as [string, Keys[number]][];
  const spelled = (name: Keys[number]): z.ZodType => {
    const alias = aliases.find(([, known]) => known === name)?.[0];
    return alias === undefined ? shape[name] : shape[name].meta({ description: `The same as ${alias}.` });
  };
  const all = [...names.map((name) => [name, spelled(name)] as const), ...aliases.map(([alias, name]) => [alias, shape[name]] as const)];
  return z.strictObject(Object.fromEntries(all.map(([key, type]) => [key, type.optional()])), {
    error: ({ code, input }) =>
      code !== 'unrecognized_keys'
        ? `must be a JSON object, not ${kindOf(input)}`
        : names.length === 0
          ? 'unknown key; this action has no parameters'
          : `unknown key; use one of ${names.join(', ')}`,
  });
}

const limits = fields<typeof LIMIT_KEYS>({
  'max-price': number,
  'tick-step': number,
  'lot-step': number,
  'min-quantity': number,
  'max-quantity': number,
  'min-displayed': number,
  'min-notional': number,
  'max-notional': number,
});
const parameters: Shape<typeof PARAM_KEYS> = {
  'reference-price': number,
  'reference-source': text,
  'price-band': text,
  collar: text,
  'session-end': text,
  'auction-price': text,
  volatility: fields<typeof VOLATILITY_KEYS>({
    'static-band': text,
    'dynamic-band': text,
    duration: number,
    'wide-band': text,
    extension: number,
    'random-end': number,
    profile: text,
  }),
  limits,
  fees: fields<typeof FEE_KEYS>({ maker: text, taker: text, tiers: number }),
};

/**
 * The shape of each body: keys and JSON types. Values and required
 * keys are checked by the rules of the configuration, see
 * {@link ./json-body.ts}.
 */
export const BODIES = {
  asset: named(
    'AssetBody',
    fields<typeof ASSET_KEYS>({ id: number, name: text, decimals: number }).meta({ examples: [{ id: 20, name: 'CNY', decimals: 4 }] }),
  ),
  symbol: named(
    'SymbolBody',
    fields<typeof SYMBOL_KEYS>({
      id: number,
      name: text,
      base: text,
      quote: text,
      tick: number,
      lot: number,
      phase: text,
      ...parameters,
    }).meta({ examples: [{ id: 600, name: 'XAU-USD', base: 'XAU', quote: 'USD', tickSize: '0.01', lotSize: '0.1', phase: 'auction' }] }),
  ),
  parameters: named('ParametersBody', fields<typeof PARAM_KEYS>(parameters)),
  phase: named(
    'PhaseBody',
    fields({ phase: text, 'sub-phase': text }).meta({ examples: [{ phase: 'auction', subPhase: 'opening-auction' }] }),
  ),
  phases: named(
    'PhasesBody',
    fields({
      symbols: z.union([z.literal('all'), z.array(text).min(1)], { error: 'must be a list of names, or all' }),
      phase: text,
      'sub-phase': text,
    }),
  ),
  account: named(
    'AccountBody',
    fields<typeof ACCOUNT_KEYS>({
      id: number,
      name: text,
      suspended: boolean,
      'max-open-orders': number,
      'fee-tiers': z.record(z.string(), number, {
        error: ({ input }) => `must be a JSON object of fee tables and tiers, not ${kindOf(input)}`,
      }),
      deposits: z.record(z.string(), number, { error: ({ input }) => `must be a JSON object of assets and amounts, not ${kindOf(input)}` }),
    }).meta({ examples: [{ id: 50, name: 'desk', maxOpenOrders: 3, deposits: { USD: '10.50' } }] }),
  ),
  money: named('MoneyBody', fields({ asset: text, amount: number, units: number }).meta({ examples: [{ asset: 'USD', amount: '10.00' }] })),
  limits: named(
    'LimitsBody',
    fields({
      'max-open-orders': number,
      group: number,
      'commands-per-second': number,
      'command-burst': number,
      'order-to-trade': number,
      'self-trade': text,
    }).meta({ examples: [{ maxOpenOrders: 7, commandsPerSecond: 100 }] }),
  ),
  feeTable: named(
    'FeeTableBody',
    fields({ asset: text, tiers: z.array(fields<typeof FEE_TIER_KEYS>({ volume: number, maker: text, taker: text })) }),
  ),
  givenTier: named('GivenTierBody', fields({ table: number, tier: number })),
  suspend: named('SuspendBody', fields({ cancel: boolean })),
  positionLimit: named('PositionLimitBody', fields({ symbol: text, 'max-position': number, 'max-exposure': number })),
  on: named('OnBody', fields({ on: boolean }).meta({ examples: [{ on: true }] })),
  ordersOfAccount: named('OrdersOfAccountBody', fields({ symbol: text, 'order-id': number, 'client-order-id': number })),
  ordersOfSymbol: named('OrdersOfSymbolBody', fields({ 'order-id': number })),
  ordersOfGroup: named('OrdersOfGroupBody', fields({ symbol: text, side: text })),
  alert: named(
    'AlertBody',
    fields<typeof ALERT_KEYS>({
      account: number,
      kind: text,
      symbol: text,
      asset: text,
      feed: text,
      instrument: text,
      direction: text,
      window: text,
      interval: text,
      indicator: text,
      crosses: text,
      level: number,
      price: number,
      percent: text,
      quantity: number,
      amount: number,
      complete: boolean,
      repeat: number,
      note: text,
    }).meta({ examples: [{ account: 1, kind: 'price', symbol: 'BTC-USD', price: '65000.00' }] }),
  ),
  webhook: named(
    'WebhookBody',
    fields({ account: number, url: text, note: text }).meta({ examples: [{ account: 1, url: 'https://example.com/hooks' }] }),
  ),
  ofAccount: named('OfAccountBody', fields({ account: number })),
  replay: named('ReplayBody', fields({ account: number, event: number })),
};

/** The JSON type of a value, with the value if it is short. */
function kindOf(input: unknown): string {
  if (input === null) return 'null';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'string') return `the text ${JSON.stringify(input.slice(0, 64))}`;
  if (typeof input === 'object') return input instanceof InexactNumber ? `the number ${input.text.slice(0, 64)}` : 'an object';
  return typeof input === 'number' ? `the number ${input}` : String(input);
}
