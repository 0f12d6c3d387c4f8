import { codeText } from '../../../engine/code-texts.ts';
import { Code } from '../../../engine/codes.ts';
import type { ReportView } from '../../client/types.ts';

/** An execution report in words. */
export function reportLine(report: ReportView): string {
  const { kind, side, symbol, quantity, leaves, filled, orderId, code, fee } = report;
  const price = report.priceTicks !== 0 ? report.price : report.pegged ? 'no price, parked' : 'market';
  const at = report.pegged ? `, pegged at ${price}` : report.priceTicks === 0 ? '' : ` at ${price}`;
  const stop = report.stopPrice === undefined ? '' : `, stop ${report.stopPrice} by ${report.trigger}`;
  switch (kind) {
    case 'accepted':
      return `accepted  order ${orderId}: ${side} ${quantity} ${symbol}${at}${stop}${report.duplicate ? ` (sent before: open ${leaves}, filled ${filled})` : ''}`;
    case 'fill':
      return `fill      order ${orderId}: ${quantity} at ${price}, fee ${fee}, open ${leaves}`;
    case 'cancelled':
      return `cancelled order ${orderId}: ${quantity} of it, filled ${filled} (${code})`;
    case 'mass-cancelled':
      if (code !== 'OK') break;
      return `cancelled ${report.quantityLots} order${report.quantityLots === 1 ? '' : 's'}${report.leavesLots === 0 ? '' : `, ${report.leavesLots} of them in a moment`}`;
    case 'amended':
      if (code === 'PARENT_FILLED') return `live      order ${orderId}: ${quantity} at ${price}${stop}, open ${leaves}`;
      if (code !== 'OK') return `reduced   order ${orderId}: open ${leaves} (${code})`;
      return `amended   order ${orderId}: open ${leaves} at ${price}${stop}, priority ${report.keptPriority ? 'kept' : 'lost'}`;
    case 'stop-price-changed':
      return `follows   order ${orderId}: ${side} ${leaves} ${symbol} at ${price}${stop}`;
    case 'triggered':
      return `triggered order ${orderId}: ${side} ${leaves} ${symbol} at ${price}${stop}`;
  }
  return `rejected  ${code} (${Code[code as keyof typeof Code] ?? '?'}): ${codeText(Code[code as keyof typeof Code])}${report.retryUs > 0 ? ` Send it again from ${new Date(Math.ceil(report.retryUs / 1000)).toISOString()} on.` : ''}`;
}
