import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Code } from '../engine/codes.ts';
import { Command, CommandKind, Report, ReportKind } from '../engine/wire/layout.ts';
import { AdminCommands } from '../gateway/venue/admin-commands.ts';

it('an uncross that waits for what comes before it is sent again until its turn comes', async () => {
  const bytes = new Uint8Array(Command.bytes);
  const kinds: number[] = [];
  const codes = [Code.UNCROSS_WAITS, Code.UNCROSS_WAITS, Code.OK];
  const sequencer = {
    slots: { u8: bytes, i32: new Int32Array(bytes.buffer) },
    refusal: () => Code.OK,
    claim: () => 0,
    stamp: () => kinds.push(bytes[Command.kind]),
    publish: () => undefined,
  };
  const hub = {
    canAwait: () => true,
    forget: () => undefined,
    awaitSeq: async (seq: number) => {
      const report = new Uint8Array(Report.bytes);
      const code = codes[seq - 1];
      report[Report.kind] = code === Code.OK ? ReportKind.Accepted : ReportKind.Rejected;
      new DataView(report.buffer).setUint16(Report.code, code, true);
      return report;
    },
  };
  const answer = await new AdminCommands(sequencer as never, hub as never, () => undefined).submit({
    kind: CommandKind.Uncross,
    symbol: 1,
  });
  assert.deepEqual([answer.code, answer.seq, kinds], [Code.OK, 3, [CommandKind.Uncross, CommandKind.Uncross, CommandKind.Uncross]]);
});
