import type { DataLock } from '../../engine/journal/data-lock.ts';
import type { CalendarDriver } from '../calendar/calendar-driver.ts';
import type { HostTuning } from '../host-tuning.ts';
import type { ReferenceDriver } from '../reference/reference-driver.ts';
import type { DropCopies } from '../sessions/drop-copies.ts';
import type { OrderSessions } from '../sessions/order-sessions.ts';
import type { AdminCommands } from '../venue/admin-commands.ts';
import type { MirrorSimulation } from '../venue/mirror-simulation.ts';
import type { Simulation } from '../venue/simulation.ts';
import type { Access } from './access.ts';
import type { Analysis } from './analysis.ts';
import type { Core } from './engine.ts';
import type { OutsidePrices } from './feeds.ts';
import type { Servers } from './ports.ts';
import type { Recovered } from './recovery.ts';
import type { StartContext } from './start-context.ts';

/** What runs, apart from what the ports serve: complete when the last step of a start that awaits anything is done. */
export interface RunningParts {
  readonly context: StartContext;
  readonly lock: DataLock;
  /** With `--tune`. */
  readonly tuning: HostTuning | undefined;
  readonly access: Access;
  readonly servers: Servers;
  readonly core: Core;
  readonly recovered: Recovered;
  readonly commands: AdminCommands;
  readonly sessions: OrderSessions;
  readonly dropCopies: DropCopies;
  readonly calendar: CalendarDriver;
  readonly outside: OutsidePrices;
  readonly analysis: Analysis;
  readonly references: ReferenceDriver;
  readonly simulation: Simulation | MirrorSimulation | undefined;
}
