/** Reports in words, as `openbell order` and `openbell drop-copy` print them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ReportView } from '../gateway/client/index.ts';
import { reportLine } from '../gateway/tools/cli/report-line.ts';

const ORDER = { orderId: 7, symbol: 'BTC-USD', side: 'buy', quantity: '0.5000', leaves: '0.5000', filled: '0.0000', retryUs: 0 };
const AT = { price: '59000.00', priceTicks: 5_900_000 };
const NO_PRICE = { price: '0.00', priceTicks: 0 };

const LINES: [report: object, line: string][] = [
  [{ kind: 'accepted', ...AT }, 'accepted  order 7: buy 0.5000 BTC-USD at 59000.00'],
  [{ kind: 'accepted', ...NO_PRICE }, 'accepted  order 7: buy 0.5000 BTC-USD'],
  [{ kind: 'accepted', ...AT, pegged: true }, 'accepted  order 7: buy 0.5000 BTC-USD at 59000.00, pegged'],
  [{ kind: 'accepted', ...NO_PRICE, pegged: true }, 'accepted  order 7: buy 0.5000 BTC-USD, pegged, parked'],
  [
    { kind: 'accepted', ...NO_PRICE, stopPrice: '60000.00', trigger: 'reference' },
    'accepted  order 7: buy 0.5000 BTC-USD, stop 60000.00 (reference price)',
  ],
  [{ kind: 'amended', ...AT, keptPriority: true }, 'amended   order 7: open 0.5000 at 59000.00, priority kept'],
  [{ kind: 'amended', ...AT, code: 'CANCELLED_LINKED' }, 'reduced   order 7: open 0.5000 (CANCELLED_LINKED)'],
  [{ kind: 'amended', ...AT, code: 'PARENT_FILLED' }, 'live      order 7: 0.5000 at 59000.00, open 0.5000'],
  [
    { kind: 'triggered', ...NO_PRICE, stopPrice: '60000.00', trigger: 'last' },
    'triggered order 7: buy 0.5000 BTC-USD at market, stop 60000.00 (last trade)',
  ],
  [{ kind: 'mass-cancelled', quantityLots: 3, leavesLots: 0 }, 'cancelled 3 orders'],
  [
    { kind: 'mass-cancelled', quantityLots: 600, leavesLots: 88, code: 'CANCELLED_AFTER' },
    'cancelled 600 orders, 88 of them with later commands (CANCELLED_AFTER)',
  ],
  [{ kind: 'cancel-after-set', quantityLots: 0 }, 'off       the orders stay'],
  [{ kind: 'cancel-after-set', quantityLots: 1e15 }, 'set       all orders are cancelled at 2001-09-09T01:46:40.000Z'],
];

describe('a report in words', () => {
  for (const [report, line] of LINES)
    it(line, () => assert.equal(reportLine({ code: 'OK', ...ORDER, ...report } as unknown as ReportView), line));

  it('a reject has the text of its code, and when to send it again', () => {
    const { kind, code } = { kind: 'mass-cancelled', code: 'UNKNOWN_SYMBOL' };
    assert.equal(reportLine({ ...ORDER, kind, code } as unknown as ReportView), 'rejected  UNKNOWN_SYMBOL (300): There is no such symbol.');
    const late = { ...ORDER, kind: 'rejected', code: 'THROTTLED', retryUs: 1e15 };
    assert.match(
      reportLine(late as unknown as ReportView),
      /^rejected {2}THROTTLED \(206\): .* Send it again from 2001-09-09T01:46:40\.000Z on\.$/,
    );
  });
});
