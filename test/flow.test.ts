import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { runFlow } from '../bench/book/flow-run.ts';
import { FlowFileError, parseFlow, readFlowFile } from '../feeds/files/flow-file.ts';
import { missing, sharedData } from './support/shared-data.ts';

const hashes = sharedData('flow', 'SHA256.reports');
const FILES = ['normal-100k', 'swing-25-100k', 'static-100k', 'flash-crash-100k'];
/** The long files take half a minute; OPENBELL_TEST_FLOW_1M=1 includes them. */
if (process.env.OPENBELL_TEST_FLOW_1M === '1') FILES.push('normal-1m', 'flash-crash-1m');

describe('order flow with a known answer', () => {
  for (const name of FILES) {
    const path = sharedData('flow', `${name}.bin.gz`);
    it(`${name}: the reports received by the consumer thread have the published hash`, { skip: missing(path, hashes) }, async () => {
      const published = (await readFile(hashes, 'utf8')).split('\n').find((line) => line.endsWith(`  ${name}`));
      // A ring far smaller than the flow: it wraps hundreds of times and the book waits for the consumer.
      const result = await runFlow(await readFlowFile(path), { warmUp: 0, runs: 1, ringSlots: 512 });
      assert.equal(`${result.sha256}  ${name}`, published);
      assert.equal(result.seconds.length, 1);
    });
  }
});

const HEADER = 16;
const RECORD = 40;

/** `type side ioc quantity sequence id price`, one record a row. */
function flowBytes(rows: number[][]): Buffer {
  const bytes = Buffer.alloc(HEADER + rows.length * RECORD);
  bytes.writeBigUInt64LE(0x4d45_4257_5f30_3031n, 0);
  bytes.writeUInt32LE(1, 8);
  bytes.writeUInt32LE(rows.length, 12);
  rows.forEach(([type, side, ioc, quantity, sequence, id, price], index) => {
    const at = HEADER + index * RECORD;
    bytes.set([type, side, ioc], at);
    bytes.writeUInt32LE(quantity, at + 4);
    bytes.writeBigUInt64LE(BigInt(sequence), at + 8);
    bytes.writeBigUInt64LE(BigInt(id), at + 16);
    bytes.writeBigInt64LE(BigInt(price), at + 24);
  });
  return bytes;
}

const GOOD = [0, 0, 0, 5, 1, 1, 100];

describe('order flow files', () => {
  it('reads plain and gzipped', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'openbell-flow-'));
    try {
      const bytes = flowBytes([GOOD, [1, 0, 0, 0, 2, 1, 0]]);
      await writeFile(join(folder, 'a.bin'), bytes);
      await writeFile(join(folder, 'a.bin.gz'), gzipSync(bytes));
      const plain = await readFlowFile(join(folder, 'a.bin'));
      assert.deepEqual([plain.count, plain.newOrders, plain.maxPrice], [2, 1, 100]);
      assert.deepEqual(await readFlowFile(join(folder, 'a.bin.gz')), plain);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  const bad: [what: string, bytes: Buffer, message: RegExp][] = [
    ['nothing', Buffer.alloc(0), /not an order flow file/],
    ['other magic', Buffer.alloc(HEADER), /not an order flow file/],
    ['cut short', flowBytes([GOOD]).subarray(0, HEADER + RECORD - 1), /1 records take 56 bytes, the file has 55/],
    ['too long', Buffer.concat([flowBytes([GOOD]), Buffer.alloc(1)]), /the file has 57/],
    ['type', flowBytes([GOOD, [3, 0, 0, 5, 1, 1, 100]]), /record 1: type 3/],
    ['side', flowBytes([[0, 2, 0, 5, 1, 1, 100]]), /record 0: side 2/],
    ['ioc', flowBytes([[0, 0, 2, 5, 1, 1, 100]]), /record 0: ioc 2/],
    ['quantity', flowBytes([[2, 0, 0, 0, 1, 1, 100]]), /record 0: quantity is 0/],
    ['sequence', flowBytes([[0, 0, 0, 5, 2 ** 53, 1, 100]]), /record 0: sequence/],
    ['order id', flowBytes([[0, 0, 0, 5, 1, 2 ** 53, 100]]), /record 0: order id/],
    ['price 0', flowBytes([[0, 0, 0, 5, 1, 1, 0]]), /record 0: price/],
    ['price below 0', flowBytes([[0, 0, 0, 5, 1, 1, -1]]), /record 0: price/],
    ['price above 2^31', flowBytes([[0, 0, 0, 5, 1, 1, 2 ** 31]]), /record 0: price/],
  ];
  for (const [what, bytes, message] of bad) {
    it(`rejects a bad file: ${what}`, () => {
      assert.throws(
        () => parseFlow(bytes, 'x.bin'),
        (error) => error instanceof FlowFileError && error.code === 'OPENBELL_FLOW_FILE' && message.test(error.message),
      );
    });
  }

  it('the error for a wrong version names the supported one', () => {
    const bytes = flowBytes([GOOD]);
    bytes.writeUInt32LE(2, 8);
    assert.throws(() => parseFlow(bytes, 'x.bin'), /version 2, this build reads 1/);
  });
});
