import type { AuditSink } from '../../audit/audit-sink.ts';
import type { Identity, Visit } from '../../identity/identity.ts';
import type { Action } from '../../identity/permissions.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Slices } from '../../slices.ts';
import { accountNumber, rejectError } from './admin-identity.ts';
import { askedText } from './asked.ts';
import { type Reply, type Request, type Route, readShape } from './route.ts';

/** Characters of an idempotency key in the audit trail. */
const MAX_KEY = 255;
/** Maximum characters of an action's parameters in the audit trail. */
const MAX_DETAIL = 1024;

/** What a request asked for, for the audit trail; undefined: nothing is recorded of it. */
export type AskedFor = () => string | undefined;

/** A request that is not checked yet. */
export type Asked = Pick<Request, 'method' | 'params' | 'query' | 'body' | 'header' | 'principal' | 'caller'> & { readonly visit: Visit };

export interface RouteRunnerOptions {
  readonly identity: Pick<Identity, 'forbid'>;
  readonly audit: AuditSink;
  readonly slices: Slices;
}

/** Runs the handlers of routes: rights, turns and audit, whichever protocol a request came by. I/O thread. */
export class RouteRunner {
  readonly #options: RouteRunnerOptions;

  constructor(options: RouteRunnerOptions) {
    this.#options = options;
  }

  /**
   * Checks the right that a route requires.
   * @param isPublic the route serves everyone @param askedFor for the audit trail, if it is refused
   * @throws HttpError 403
   */
  demand(route: Route, params: Request['params'], principal: Principal, visit: Visit, isPublic: boolean, askedFor: AskedFor): void {
    // Account 0 is the venue's own.
    if (params.id === '0' && route.action === 'account:read') this.#demand(principal, visit, askedFor, 'venue:reports');
    else if (!isPublic)
      this.#demand(principal, visit, askedFor, route.action, params.id === undefined ? undefined : accountNumber(params.id));
  }

  /** @throws HttpError, and what queries throw */
  async run(route: Route, asked: Asked, askedFor: AskedFor): Promise<Reply> {
    const { slices } = this.#options;
    const { caller, principal, visit } = asked;
    const request: Request = {
      ...asked,
      seqs: [],
      demand: (action, account) => this.#demand(principal, visit, askedFor, action, account),
      inSlices: (work) => slices.run(caller, work),
    };
    return await (route.method !== 'GET' ? this.#act(route, request, visit) : slices.begin(caller, () => route.handle(request)));
  }

  #demand(principal: Principal, visit: Visit, askedFor: AskedFor, action: Action, account?: number): void {
    const reject = this.#options.identity.forbid(principal, action, visit, account, askedFor);
    if (reject !== undefined) throw rejectError(reject);
  }

  /** An action, which is audited with its caller; queries are not. */
  async #act(route: Route, request: Request, { peer, wants }: Visit): Promise<Reply> {
    const { principal, params, body, query, seqs } = request;
    const account = params.id ?? String(route.action === 'account:define' ? body.id : (body.account ?? query.account));
    const key = request.header('idempotency-key');
    const record = (outcome: string, detail: object): void => {
      if (route.recorded === 'by handler') return;
      this.#options.audit.record({
        kind: 'admin',
        subject: principal.subject,
        action: wants,
        outcome,
        peer,
        detail: JSON.stringify({ seqs, ...(key && { idempotencyKey: key.slice(0, MAX_KEY) }), ...detail }).slice(0, MAX_DETAIL),
        ...(/^\d{1,10}$/.test(account) && { account: Number(account) }),
      });
    };
    try {
      const reply = await route.handle({ ...request, body: readShape(route, body) });
      record('ok', { ...params, ...body });
      return reply;
    } catch (error) {
      // Rejects by identity are audited already. An invalid body may have any shape.
      const { name } = error as Error;
      if (name !== 'PERMISSION_DENIED') record(name, { ...params, asked: askedText({ ...query, ...body }) });
      throw error;
    }
  }
}
