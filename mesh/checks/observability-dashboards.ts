import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OBSERVABILITY } from './observability-rules.ts';

interface Query {
  readonly refId: string;
  readonly expr: string;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly options?: { readonly yAxis?: { readonly unit?: string } };
  readonly links?: readonly { readonly url: string }[];
  readonly targets?: readonly Query[];
}

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly Variable[] };
  readonly panels: readonly Panel[];
}

/** Each dashboard by its file name. */
export function dashboards(): Map<string, Dashboard> {
  const dir = join(OBSERVABILITY, 'dashboards');
  return new Map(
    readdirSync(dir)
      .sort()
      .map((name) => [name, JSON.parse(readFileSync(join(dir, name), 'utf8')) as Dashboard]),
  );
}

/** Its queries after Grafana has replaced the variables. */
export function panelQueries({ panels, templating }: Dashboard): { readonly where: string; readonly expr: string }[] {
  const filled = (expr: string) =>
    expr.replaceAll('$__rate_interval', '1m').replaceAll('$namespace', 'openbell').replaceAll('$shard', 'openbell-0');
  const queries = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, refId }) => ({ where: `${title} ${refId}`, expr: filled(expr) })),
  );
  for (const { name, query } of templating.list) {
    const values = /^label_values\((.+), (\w+)\)$/.exec(typeof query === 'string' ? query : query.query);
    if (values) queries.push({ where: `variable ${name}`, expr: `count by (${values[2]}) (${filled(values[1])})` });
  }
  return queries;
}

/** Problems for Grafana, or for a reader of the dashboard. */
export function dashboardProblems(board: Dashboard): string[] {
  const found: string[] = [];
  if (!/^openbell-[a-z]+$/.test(board.uid)) found.push(`uid ${board.uid}`);
  if (board.schemaVersion < 36) found.push(`schemaVersion ${board.schemaVersion}: data sources by uid need 36`);
  for (const each of ['title', 'description'] as const) if (!board[each]) found.push(`no ${each}`);
  const variables = new Set(board.templating.list.map(({ name }) => name));
  for (const name of ['datasource', 'namespace', 'shard']) if (!variables.has(name)) found.push(`no variable ${name}`);
  const taken = new Map<string, string>();
  const ids = new Set<number>();
  for (const panel of board.panels) {
    const say = (what: string) => found.push(`panel ${panel.title}: ${what}`);
    if (ids.has(panel.id)) say(`id ${panel.id} is taken`);
    ids.add(panel.id);
    const { x, y, w, h } = panel.gridPos;
    if (x < 0 || w < 1 || h < 1 || x + w > 24) say('outside of the 24 columns');
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        const other = taken.get(`${column},${line}`);
        if (other !== undefined) say(`lies on ${other}`);
        taken.set(`${column},${line}`, panel.title);
      }
    }
    if (panel.type === 'row') continue;
    if (!panel.description) say('no description');
    if (panel.datasource?.uid !== '${' + 'datasource}') say('data source is not the variable');
    if (!(panel.fieldConfig?.defaults.unit ?? panel.options?.yAxis?.unit)) say('no unit');
    if (!panel.targets?.length) say('no query');
    if (new Set(panel.targets?.map(({ refId }) => refId)).size !== panel.targets?.length) say('two queries have one refId');
    for (const { expr } of panel.targets ?? []) {
      for (const [, name] of expr.matchAll(/\$\{?(\w+)/g))
        if (!variables.has(name) && name !== '__rate_interval') say(`no variable ${name}`);
    }
  }
  return [...new Set(found)];
}
