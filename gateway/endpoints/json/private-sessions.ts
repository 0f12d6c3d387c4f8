import { CommandBatch } from '../../../engine/wire/frames.ts';
import { FairTurns } from '../../fair-turns.ts';
import { RequestQueue } from '../../market/request-queue.ts';
import type { Admission } from '../../sessions/order-sessions.ts';
import { type WorkBudget, WorkBudgets, type WorkShare } from '../../work-budget.ts';
import { AdministrationWatch } from './administration-watch.ts';
import { KnownSymbols } from './known-symbols.ts';
import { OrderAnswers } from './order-answers.ts';
import { MAX_REQUESTS } from './order-requests.ts';
import { PrivateSession, type PrivateSources, type SharedParts, type TextSocket } from './private-session.ts';
import { SLOTS_OF_REQUEST } from './request-commands.ts';
import type { PrivateChannel } from './schemas/order-messages.ts';

/** Messages of one session that wait for their turn. */
const MAX_WAITING = 1024;
/** Time of the messages of one account's sessions that are not commands alone: refusals, queries, subscriptions. */
const ACCOUNT_SHARE: WorkShare = { share: 0.05, burstMs: 20 };

/** What the JSON sessions of a process share. I/O thread. */
export class PrivateSessions implements SharedParts {
  readonly sources: PrivateSources;
  readonly symbols: KnownSymbols;
  readonly answers: OrderAnswers;
  readonly batch = new CommandBatch(MAX_REQUESTS * SLOTS_OF_REQUEST);
  readonly turns = new FairTurns();
  readonly inbox = new RequestQueue<PrivateSession>({ most: MAX_WAITING, budgetOf: ({ budget }) => budget }, (session, bytes, isBinary) =>
    session.read(bytes, isBinary),
  );
  readonly #budgets = new WorkBudgets(ACCOUNT_SHARE);

  constructor(sources: Omit<PrivateSources, 'administration'>) {
    this.sources = { ...sources, administration: new AdministrationWatch(sources.hub) };
    this.symbols = new KnownSymbols(sources.directory);
    this.answers = new OrderAnswers(sources, this.symbols);
  }

  budgetOf(account: number): WorkBudget {
    return this.#budgets.of(account);
  }

  /** Opens the session of an admission that `OrderSessions.admit` just returned. @param channels that it subscribes to */
  open(socket: TextSocket, admission: Admission, channels: readonly PrivateChannel[]): PrivateSession {
    return new PrivateSession(this, socket, admission, channels);
  }
}
