import type { AuditSink } from '../audit/audit-sink.ts';
import type { Logger } from '../log.ts';
import type { ValueChange, VenuePlan } from '../venue/venue-plan.ts';

/** Lines, and audit records, of one kind; the rest is counted. */
const MOST = 200;

/** What a start changes. */
export interface StartChanges {
  /** Of the options. */
  readonly options: readonly ValueChange[];
  readonly plan: VenuePlan;
}

/** Lists the changes before the first is made. */
export function logChanges(log: Logger, { options, plan }: StartChanges): void {
  if (plan.defined.length > 0)
    log.info({ items: plan.defined.slice(0, MOST), count: plan.defined.length }, 'configuration: new items are defined');
  each(
    [...options, ...plan.changed],
    (change) => log.info(change, `configuration: ${changeText(change)}`),
    (count) => log.info({ count }, 'configuration: further values change'),
  );
  each(
    plan.kept,
    (change) => log.warn(change, keptText(change)),
    (count) => log.warn({ count }, 'configuration: further values stay as operators set them'),
  );
}

/** Records the changes in the audit trail, after they were made. New items are one record. */
export function auditChanges(audit: AuditSink, source: string, { options, plan }: StartChanges): void {
  const record = (action: string, detail: string): void =>
    audit.record({ kind: 'config', subject: 'exchange', action, outcome: 'ok', peer: '', detail: `${detail}, ${source}` });
  if (plan.defined.length > 0) record('define', `${plan.defined.length} items: ${plan.defined.slice(0, MOST).join(', ')}`);
  each(
    [...options, ...plan.changed],
    ({ item, key, now, file }) => record(`set ${key} of ${item}`, `${now} to ${file}`),
    (count) => record('set', `${count} further values`),
  );
}

export function changeText({ item, key, now, file }: ValueChange): string {
  return `${key} of ${item} changes from ${now} to ${file}`;
}

export function keptText({ item, key, now, file }: ValueChange): string {
  return `${key} of ${item} stays ${now}, which was set while the exchange ran; the file has ${file}. Start with --apply-config to set what the file has, or change the file`;
}

function each<T>(things: readonly T[], on: (thing: T) => void, onRest: (count: number) => void): void {
  for (const thing of things.slice(0, MOST)) on(thing);
  if (things.length > MOST) onRest(things.length - MOST);
}
