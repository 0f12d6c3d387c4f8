/** Writes reports to the history in DIR until it is killed. */
import { openTap } from '../../engine/rings/tapped-ring.ts';
import { ReportKind } from '../../engine/wire/layout.ts';
import { readWatermark } from '../../gateway/taps/history/store.ts';
import { HistoryWriter } from '../../gateway/taps/history/writer.ts';
import { ReportSource } from './report-source.ts';

const [dataDir] = process.argv.slice(2);
let seq = await readWatermark(dataDir);
const source = new ReportSource(8192);
const other = openTap(source.sessions);
const writer = new HistoryWriter({ dataDir, reports: source.history });
process.stdout.write('writing\n');
for (let commit = 0; ; commit++) {
  for (let i = 0; i < 500; i++) {
    seq++;
    const account = 1 + ((seq * 7919) % (commit % 2 === 0 ? 900 : 3));
    source.put({
      kind: i % 3 === 0 ? ReportKind.Fill : ReportKind.Accepted,
      account,
      reportNo: seq,
      seq,
      symbol: 1,
      tradeId: seq,
      orderId: seq,
    });
  }
  source.publish();
  writer.poll(true);
  while (other.next() !== -1);
  other.release();
}
