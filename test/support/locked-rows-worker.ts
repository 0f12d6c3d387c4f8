/** The other thread of the tests of locked rows: writes one row at full speed until it is stopped. */
import { workerData } from 'node:worker_threads';
import { type LockedRowsHandle, LockedRowsWriter } from '../../feeds/rings/locked-rows.ts';

export interface RowWriterData {
  readonly table: LockedRowsHandle;
  readonly fields: number;
  /** [0]: publications so far, at least; [1]: raised to stop. */
  readonly control: Int32Array;
}

if (workerData !== null) {
  const { table, fields, control } = workerData as RowWriterData;
  const writer = new LockedRowsWriter(table, fields);
  let value = 0;
  while (Atomics.load(control, 1) === 0) {
    value++;
    // Every field of a publication has the same value.
    for (let field = 0; field < fields; field++) writer.draft[field] = value;
    writer.publish(0);
    if (value % 1024 === 0) Atomics.store(control, 0, value);
  }
}
