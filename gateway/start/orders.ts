import { CalendarDriver } from '../calendar/calendar-driver.ts';
import type { VenueConfig } from '../config/config-file.ts';
import { DropCopies } from '../sessions/drop-copies.ts';
import { OrderSessions } from '../sessions/order-sessions.ts';
import type { AdminCommands } from '../venue/admin-commands.ts';
import { cancelSession } from '../venue/venue-commands.ts';
import type { Access } from './access.ts';
import type { Core } from './engine.ts';
import type { Recovered } from './recovery.ts';
import type { StartContext } from './start-context.ts';

/** The sessions that take orders and return reports, without a protocol. */
export function createSessions(
  { log }: StartContext,
  { engine }: Core,
  { hub }: Recovered,
  { identity, audit }: Access,
  commands: AdminCommands,
): OrderSessions {
  return new OrderSessions({
    sequencer: engine.sequencer,
    hub,
    accountExists: (account) => engine.directory.accountExists(account),
    onPublished: engine.schedule,
    turns: engine,
    identity,
    audit,
    cancelSession: async (account, session) => (await commands.submit(cancelSession(account, session))).code,
    log,
  });
}

export function createDropCopies(
  { state }: StartContext,
  { engine, history }: Core,
  { hub }: Recovered,
  { identity, slices }: Access,
  sessions: OrderSessions,
): DropCopies {
  const { directory, sequencer } = engine;
  return new DropCopies({
    hub,
    archiveOf: (caller) => history.archiveOf(caller),
    accountExists: (account) => directory.accountExists(account),
    identity,
    audit: sessions.audit,
    slices,
    draining: () => state.draining,
    nowUs: () => sequencer.nowUs(),
  });
}

/** Starts the calendars, before any order: after a stop over a boundary, the phase in the log is not that of now. */
export async function startCalendar(
  { log, undo }: StartContext,
  { engine }: Core,
  venue: VenueConfig,
  commands: AdminCommands,
): Promise<CalendarDriver> {
  const { directory, sequencer } = engine;
  const calendar = new CalendarDriver(venue, { directory, commands, nowUs: () => sequencer.nowUs(), log });
  undo.push(() => calendar.stop());
  await calendar.begin();
  return calendar;
}
