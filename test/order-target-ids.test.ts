/** The typed client names orders by ids of reports, which are numbers, and of queries, which are text. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OpenbellError } from '../gateway/client/errors.ts';
import { amendment, named } from '../gateway/client/order-commands.ts';
import { SymbolUnits } from '../gateway/client/symbols.ts';

const UNITS = new SymbolUnits({ id: 1, name: 'BTC-USD', tickSize: '0.01', lotSize: '0.001' });
const MAX = Number.MAX_SAFE_INTEGER;

describe('the order of a cancel and of an amend', () => {
  it('is named by a number, or by its text', () => {
    for (const id of [1, 42, MAX]) {
      assert.deepEqual(named({ symbol: 1, orderId: String(id) }), named({ symbol: 1, orderId: id }));
      assert.deepEqual(named({ symbol: 1, clientOrderId: String(id) }), { clientOrderId: id, orderId: 0 });
      assert.equal(amendment({ symbol: 1, orderId: String(id), quantity: '1', price: '2' }, UNITS).orderId, id);
    }
  });

  it('is not named by text that is no exact id, nor by another number', () => {
    const wrong: unknown[] = [
      '',
      '0',
      '01',
      '1.0',
      '1e3',
      ' 1',
      '0x1',
      '-1',
      '9007199254740993',
      '9'.repeat(400),
      'x',
      1.5,
      -1,
      Number.NaN,
      2 ** 53,
      1n,
      null,
    ];
    for (const id of wrong)
      for (const key of ['orderId', 'clientOrderId'])
        assert.throws(
          () => named({ symbol: 1, [key]: id } as never),
          (error: unknown) =>
            error instanceof OpenbellError && error.code === 'BAD_RANGE' && error.message.includes(`${key} is a whole number from 1`),
          `${key} ${String(id)}`,
        );
    assert.throws(() => named({ symbol: 1 }), /name the order/);
  });
});
