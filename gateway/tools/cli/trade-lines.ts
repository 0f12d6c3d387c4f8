import { clockText } from './account.ts';
import { type ConnectionFlags, print, printJson } from './connection.ts';

/** A trade, as the admin interface gives it. */
export interface TradeJson {
  readonly tradeId: string;
  readonly price: string;
  readonly quantity: string;
  readonly aggressor?: string;
  readonly auction: boolean;
  readonly timeUs: number;
}

export const tradeRow = (t: TradeJson) => [clockText(t.timeUs), t.auction ? 'auction' : t.aggressor, t.quantity, t.price, `#${t.tradeId}`];

export function showTrade(trade: TradeJson, flags: ConnectionFlags): void {
  if (flags.json) printJson(trade);
  else print(tradeRow(trade).join('  '));
}
