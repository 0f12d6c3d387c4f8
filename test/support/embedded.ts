/** A small embedded exchange with two assets, one symbol and three accounts, and the calls that its tests repeat. */
import assert from 'node:assert/strict';
import { createExchange, type EmbeddedExchange, EmbedError, type EmbedOptions, type PlaceOrder } from '../../engine/index.ts';

/** Microseconds of a second. */
export const S = 1_000_000;
export const LIMITS = { orders: 4096, pages: 512, accounts: 16, assets: 8, symbols: 8, rememberedOrders: 4096, rememberedKeys: 64 };

export function open(options: Partial<EmbedOptions> = {}): EmbeddedExchange {
  return createExchange({
    limits: LIMITS,
    assets: [
      { name: 'USD', decimals: 4 },
      { name: 'BTC', decimals: 4 },
    ],
    symbols: [{ name: 'BTC-USD', base: 'BTC', quote: 'USD', tickSize: '0.01', lotSize: '0.01' }],
    accounts: ['alice', 'bob', 'carol'].map((name) => ({ name, deposits: { USD: '1000000', BTC: '1000' } })),
    ...options,
  });
}

export const order = (account: string, side: 'buy' | 'sell', quantity: string, price?: string): PlaceOrder => ({
  account,
  symbol: 'BTC-USD',
  side,
  quantity,
  ...(price !== undefined && { price }),
});

/** The call is refused with this code of an EmbedError, and with a text. */
export const throws = (call: () => unknown, code: string): void => {
  assert.throws(call, (error) => error instanceof EmbedError && error.code === code && error.message.length > 10, code);
};
