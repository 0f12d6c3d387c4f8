import { codeText } from '../../../engine/code-texts.ts';
import { Code } from '../../../engine/codes.ts';
import type { ReportView } from '../../client/types.ts';
import { priceWords, stopWords } from '../../order-words.ts';

/** An execution report in words. */
export function reportLine(report: ReportView): string {
  const { kind, side, symbol, quantity, leaves, filled, orderId, code, price, fee } = report;
  const at = priceWords(report);
  switch (kind) {
    case 'accepted':
      return `accepted  order ${orderId}: ${side} ${quantity} ${symbol}${report.priceTicks === 0 && !report.pegged ? stopWords(report) : at}${report.duplicate ? ` (sent before: open ${leaves}, filled ${filled})` : ''}`;
    case 'fill':
      return `fill      order ${orderId}: ${quantity} at ${price}, fee ${fee}, open ${leaves}`;
    case 'cancelled':
      return `cancelled order ${orderId}: ${quantity} of it, filled ${filled} (${code})`;
    case 'mass-cancelled':
      if (code !== 'OK' && !code.startsWith('CANCELLED_')) break;
      return `cancelled ${report.quantityLots} order${report.quantityLots === 1 ? '' : 's'}${report.leavesLots === 0 ? '' : `, ${report.leavesLots} of them with later commands`}${code === 'OK' ? '' : ` (${code})`}`;
    case 'cancel-after-set':
      return report.quantityLots === 0
        ? 'off       the orders stay'
        : `set       all orders are cancelled at ${new Date(report.quantityLots / 1000).toISOString()}`;
    case 'amended':
      if (code === 'PARENT_FILLED') return `live      order ${orderId}: ${quantity}${at}, open ${leaves}`;
      if (code !== 'OK') return `reduced   order ${orderId}: open ${leaves} (${code})`;
      return `amended   order ${orderId}: open ${leaves}${at}, priority ${report.keptPriority ? 'kept' : 'lost'}`;
    case 'stop-price-changed':
      return `follows   order ${orderId}: ${side} ${leaves} ${symbol}${at}`;
    case 'triggered':
      return `triggered order ${orderId}: ${side} ${leaves} ${symbol}${at}`;
  }
  return `rejected  ${code} (${Code[code as keyof typeof Code] ?? '?'}): ${codeText(Code[code as keyof typeof Code])}${report.retryUs > 0 ? ` Send it again from ${new Date(Math.ceil(report.retryUs / 1000)).toISOString()} on.` : ''}`;
}
