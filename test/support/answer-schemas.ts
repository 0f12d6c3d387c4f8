import assert from 'node:assert/strict';
import { RouteTable } from '../../gateway/endpoints/http/route-table.ts';
import { ADMIN_ROUTES } from './admin-routes.ts';

/** Compares answers with the schemas of their routes, and remembers the routes of which it has seen one. */
export class AnswerSchemas {
  readonly seen = new Set<string>();
  readonly #table = new RouteTable(ADMIN_ROUTES);

  compare(method: string, path: string, { status, json }: { readonly status: number; readonly json: unknown }): void {
    const { route } = this.#table.find(method, path.split('?')[0]);
    const call = `${method} ${path}: ${JSON.stringify(json).slice(0, 600)}`;
    assert.ok(route, call);
    assert.equal(status, route.status ?? 200, call);
    const { error } = route.answer.safeParse(json);
    assert.equal(error, undefined, `${call}\n${JSON.stringify(error?.issues)}`);
    this.seen.add(`${route.method} ${route.path}`);
  }
}
