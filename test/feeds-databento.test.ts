import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BookSide } from '../feeds/feed.ts';
import { DatabentoCsv } from '../feeds/files/databento.ts';
import { CsvReader } from '../feeds/text/csv-reader.ts';
import { FeedRecorder } from './support/feed-recorder.ts';

const MBO =
  'ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,order_id,flags,ts_in_delta,sequence,symbol';
const LEVELS = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    ['bid_px', 'ask_px', 'bid_sz', 'ask_sz', 'bid_ct', 'ask_ct'].map((n) => `${n}_0${i}`).join(','),
  ).join(',');
const MBP = (count: number) =>
  `ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,${LEVELS(count)},symbol`;

function read(text: string, sink = new FeedRecorder()): FeedRecorder {
  const source = new DatabentoCsv(sink);
  const reader = new CsvReader(source);
  reader.push(Buffer.from(text));
  reader.end();
  source.end();
  return sink;
}

/** Rows of MBO from `action side price size order_id flags`. */
function mbo(...rows: string[]): string {
  const lines = rows.map((row) => {
    const [action, side, price, size, id, flags = '128'] = row.split(' ');
    return `1718582343502600000,1718582343502504063,160,1,4916,${action},${side},${price},${size},0,${id},${flags},1000,1,ESM4`;
  });
  return `${[MBO, ...lines].join('\n')}\n`;
}

const TIME = '1718582343502504';
const MET = ['scale ESM4 9 0', 'clear ESM4', 'end ESM4 0', 'status ESM4 live'];

test('MBO: actions become levels and trades', () => {
  const add = 'A B 5560.250000000 10 1';
  const added = [...MET, 'bid ESM4 5560.250000000 x 10', `end ESM4 ${TIME}`];
  const ledger: [what: string, rows: string[], told: string[]][] = [
    ['an order', [], []],
    ['the price as an integer', ['A A 5561500000000 3 2'], ['ask ESM4 5561.500000000 x 3', `end ESM4 ${TIME}`]],
    ['a price of one decimal', ['A A 5561.5 3 2'], ['ask ESM4 5561.500000000 x 3', `end ESM4 ${TIME}`]],
    ['a cancellation of a part', ['C B 5560.250000000 4 1'], ['bid ESM4 5560.250000000 x 6', `end ESM4 ${TIME}`]],
    ['of all', ['C B 5560.250000000 10 1'], ['bid ESM4 5560.250000000 x 0', `end ESM4 ${TIME}`]],
    ['new terms', ['M B 5560.500000000 7 1'], ['bid ESM4 5560.250000000 x 0', 'bid ESM4 5560.500000000 x 7', `end ESM4 ${TIME}`]],
    ['new terms of an order that is not known', ['M A 5562.000000000 7 9'], ['ask ESM4 5562.000000000 x 7', `end ESM4 ${TIME}`]],
    [
      'a trade, its fill and its cancellation are one update',
      ['T A 5560.250000000 4 0 0', 'F B 5560.250000000 4 1 0', 'C B 5560.250000000 4 1 128'],
      [`trade ESM4 sell 5560.250000000 x 4 at ${TIME} id 0`, 'bid ESM4 5560.250000000 x 6', `end ESM4 ${TIME}`],
    ],
    ['a trade without a side', ['T N 5560.250000000 4 0'], [`trade ESM4 5560.250000000 x 4 at ${TIME} id 0`]],
    [
      'a clear and a snapshot',
      ['R N  0 0 40', 'A B 5550.000000000 1 3 168'],
      ['clear ESM4', 'bid ESM4 5550.000000000 x 1', `end ESM4 ${TIME}`],
    ],
    ['an update without its last row', ['C B 5560.250000000 4 1 0'], ['bid ESM4 5560.250000000 x 6', `end ESM4 ${TIME}`]],
    ['nothing', ['N N  0 0'], []],
    [
      'the top of a book, twice, then none',
      ['A A 5561.000000000 5 0 192', 'A A 5561.250000000 6 0 192', 'A A  0 0 192'],
      [
        'ask ESM4 5561.000000000 x 5',
        `end ESM4 ${TIME}`,
        'ask ESM4 5561.000000000 x 0',
        'ask ESM4 5561.250000000 x 6',
        `end ESM4 ${TIME}`,
        'ask ESM4 5561.250000000 x 0',
        `end ESM4 ${TIME}`,
      ],
    ],
    [
      'an id of 64 bits',
      ['A A 1.0 1 18446744073709551615', 'C A 1.0 1 18446744073709551615'],
      ['ask ESM4 1.000000000 x 1', `end ESM4 ${TIME}`, 'ask ESM4 1.000000000 x 0', `end ESM4 ${TIME}`],
    ],
    ['an id of 65 bits', ['A A 1.0 1 18446744073709551616'], ['fault ESM4 NUMBER_MALFORMED']],
    ['an id in use', ['A B 5560.0 1 1'], ['fault ESM4 DUPLICATE_ORDER']],
    ['an order that is not known', ['C B 5560.0 1 77'], ['fault ESM4 UNKNOWN_ORDER']],
    ['more than the order has', ['C B 5560.0 11 1'], ['fault ESM4 ORDER_EXCEEDED', 'bid ESM4 5560.250000000 x 0', `end ESM4 ${TIME}`]],
    ['a price that is missing', ['A B 9223372036854775807 1 5'], ['fault ESM4 MISSING_FIELD']],
    ['a negative price', ['A B -0.250000000 1 5'], ['fault ESM4 NUMBER_NEGATIVE']],
    ['a price of 2^53 and more', ['A B 9007199.254740992 1 5'], ['fault ESM4 NUMBER_TOO_LARGE']],
    ['ten decimals', ['A B 1.0000000001 1 5'], ['fault ESM4 NUMBER_MALFORMED']],
    ['a side that is not known', ['A X 1.0 1 5'], ['fault ESM4 NUMBER_MALFORMED']],
    ['an action that is not known', ['Z B 1.0 1 5'], ['fault ESM4 UNKNOWN_MESSAGE']],
    ['a size of 0', ['A B 1.0 0 5'], ['fault ESM4 NUMBER_MALFORMED']],
    ['a size that is no number', ['A B 1.0 x 5'], ['fault ESM4 NUMBER_MALFORMED']],
    ['a trade without a price', ['T B  5 0'], ['fault ESM4 MISSING_FIELD']],
  ];
  for (const [what, rows, told] of ledger) assert.deepEqual(read(mbo(add, ...rows)).take(), [...added, ...told], what);
});

test('times and instruments', () => {
  const rows = [
    'x,2023-09-29T07:06:50.275563687Z,160,2,9374,A,B,17.5,1,0,1,128,0,1,SOFI',
    'x,,160,2,9375,A,B,17.5,1,0,1,128,0,1,',
    'x,18446744073709551615,160,3,9374,A,B,17.5,1,0,1,128,0,1,SOFI',
    'x,1,160,2,4294967296,A,B,17.5,1,0,1,128,0,1,SOFI',
    'x,1,160',
  ];
  const sink = read(`${MBO}\n${rows.join('\n')}\n`);
  assert.deepEqual(sink.names, ['SOFI', '9375', 'SOFI.3']);
  const ends = sink.lines.filter((line) => line.startsWith('end') && !line.endsWith(' 0'));
  assert.deepEqual(ends, ['end SOFI 1695971210275563']);
  assert.deepEqual(
    [...sink.faults],
    [
      ['UNKNOWN_INSTRUMENT', 1],
      ['MISSING_FIELD', 1],
    ],
  );
});

test('MBP: rows with whole levels become changes', () => {
  const row = (action: string, levels: string) => `1,1718582343502504063,1,1,7,${action},B,0,10.5,4,128,0,1,${levels},X`;
  const sink = read(
    [MBP(1), row('A', '10.0,11.0,5,6,1,1'), row('T', '10.0,11.0,5,2,1,1'), row('C', '9.5,,3,0,1,0'), row('A', '9.5,x,3,1,1,0')].join('\n'),
  );
  assert.deepEqual(sink.take().slice(4), [
    'bid X 10.000000000 x 5',
    'ask X 11.000000000 x 6',
    `end X ${TIME}`,
    `trade X buy 10.500000000 x 4 at ${TIME} id 0`,
    'ask X 11.000000000 x 2',
    `end X ${TIME}`,
    'bid X 10.000000000 x 0',
    'bid X 9.500000000 x 3',
    'ask X 11.000000000 x 0',
    `end X ${TIME}`,
    'fault X NUMBER_MALFORMED',
    `end X ${TIME}`,
  ]);
  const unsorted = Array.from({ length: 10 }, (_, i) => `${i + 1}.0,${20 + i}.0,1,1,1,1`).join(',');
  assert.deepEqual([...read([MBP(10), row('A', unsorted)].join('\n')).faults], [['MALFORMED', 1]]);
});

test('MBP of ten levels: the sink has the levels of the last row', () => {
  const side = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 10 });
  fc.assert(
    fc.property(fc.array(fc.tuple(side, side, fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 30 }), (states) => {
      const rows = states.map(([bids, asks, size]) => {
        bids.sort((a, b) => b - a);
        asks.sort((a, b) => a - b);
        const levels = Array.from({ length: 10 }, (_, i) =>
          [
            bids[i]?.toFixed(1) ?? '',
            asks[i]?.toFixed(1) ?? '',
            bids[i] === undefined ? 0 : size,
            asks[i] === undefined ? 0 : size,
            1,
            1,
          ].join(','),
        );
        return `1,1000,10,1,7,A,B,0,1.0,1,128,0,1,${levels.join(',')},X`;
      });
      const sink = read([MBP(10), ...rows].join('\n'));
      const [bids, asks, size] = states[states.length - 1];
      const text = (price: number) => `${price}.000000000 x ${size}`;
      assert.deepEqual(sink.book('X', BookSide.Bid), bids.map(text));
      assert.deepEqual(sink.book('X', BookSide.Ask), asks.map(text));
      assert.deepEqual([...sink.faults], []);
    }),
  );
});

test('the schema of trades, and headers that are not complete', () => {
  const header = 'ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,symbol';
  const sink = read(`${header}\n1,1718582343502504063,0,1,7,T,A,0,10.500000000,4,128,0,1,X\n`);
  assert.equal(sink.lines.at(-1), `trade X sell 10.500000000 x 4 at ${TIME} id 0`);
  assert.throws(() => read('ts_event,price\n'), { code: 'CSV_HEADER', message: /no column instrument_id; it has ts_event, price/ });
});
