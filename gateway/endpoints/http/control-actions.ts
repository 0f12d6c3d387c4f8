import { Code } from '../../../engine/codes.ts';
import { AccountParam, FEE_TABLES, GROUPS, LimitParam, MAX_ACCOUNT_RATE, TIERS_PER_TABLE } from '../../../engine/params.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import { KillScope, type Side } from '../../../engine/wire/layout.ts';
import { SELF_TRADE_NAMES, SIDE_NAMES, type SideName } from '../../../engine/wire/names.ts';
import { assetsByName } from '../../config/config-asset.ts';
import { readFeeTiers } from '../../config/config-fee-tiers.ts';
import type { Place } from '../../config/config-place.ts';
import { changeFeeTable } from '../../venue/fee-tables.ts';
import { cancelGroup, giveFeeTier, killSwitch, setAccount, setLimit, suspend } from '../../venue/venue-commands.ts';
import { ACCOUNT, ACCOUNT_SUSPENDED } from '../json/schemas/accounts.ts';
import { FEE_TABLE, GROUP_CANCELLED, KILL_SWITCH } from '../json/schemas/venue.ts';
import { symbolNamed } from '../json/symbol-named.ts';
import { BODIES } from './action-bodies.ts';
import type { Post } from './action-route.ts';
import { accountOf } from './admin-queries.ts';
import { accountView, feeTableView } from './admin-views.ts';
import { runUntilDone } from './command-runner.ts';
import { HttpError } from './http-error.ts';
import { readJsonBody } from './json-body.ts';
import type { Request, Route } from './route.ts';

/** A tier that is not given, but follows the volume. */
const BY_VOLUME = 'by-volume';

/** Limits of an account: key, parameter and highest value. */
const LIMITS = [
  ['max-open-orders', AccountParam.MaxOpenOrders, 2 ** 32 - 1],
  ['group', AccountParam.Group, GROUPS - 1],
  // The burst first: a new limit begins with a full bucket.
  ['command-burst', AccountParam.CommandBurst, MAX_ACCOUNT_RATE],
  ['commands-per-second', AccountParam.CommandsPerSecond, MAX_ACCOUNT_RATE],
  ['order-to-trade', AccountParam.OrderToTrade, MAX_ACCOUNT_RATE],
] as const;

/** The actions with which the operator controls what accounts may do. */
export function controlRoutes(directory: Directory, post: Post): Route[] {
  const account = (params: Request['params']) => accountOf(directory, params.id);
  const shown = (params: Request['params']) => accountView(account(params), directory);
  return [
    post(
      {
        path: '/v1/accounts/:id/suspend',
        summary: 'Suspends an account: it can cancel orders, and not enter or amend them.',
        action: 'account:manage',
        body: BODIES.suspend,
        answer: ACCOUNT_SUSPENDED,
      },
      async ({ params, body }, run) => {
        const cancel = readJsonBody(body, (place) => {
          const fields = place.fields(['cancel']);
          return fields && (fields.cancel === undefined ? false : fields.cancel.boolean());
        });
        const { seq: _, ...swept } = await runUntilDone(run, suspend(account(params).id, cancel));
        return { json: { ...shown(params), ...(cancel && swept) } };
      },
    ),
    post(
      { path: '/v1/accounts/:id/resume', summary: 'Ends the suspension of an account.', action: 'account:manage', answer: ACCOUNT },
      async ({ params }, run) => {
        await run(setAccount(account(params).id, AccountParam.Suspended, 0));
        return { json: shown(params) };
      },
    ),
    post(
      {
        path: '/v1/accounts/:id/limits',
        summary: 'Sets limits of an account.',
        action: 'account:manage',
        body: BODIES.limits,
        answer: ACCOUNT,
      },
      async ({ params, body }, run) => {
        const { id } = account(params);
        for (const [parameter, value] of readJsonBody(body, readLimits)) await run(setAccount(id, parameter, value));
        return { json: shown(params) };
      },
    ),
    post(
      {
        path: '/v1/accounts/:id/fee-tier',
        summary: 'Gives an account a tier of a fee table, or ends that.',
        action: 'account:manage',
        body: BODIES.givenTier,
        answer: ACCOUNT,
      },
      async ({ params, body }, run) => {
        const { id } = account(params);
        const { table, tier } = readJsonBody(body, readGivenTier);
        const tiers = directory.feeTables().find((each) => each.table === table)?.tiers.length ?? 0;
        if (tier !== undefined && (tiers === 0 || tier > tiers))
          throw new HttpError(
            400,
            Code.BAD_PARAMETER,
            'BAD_PARAMETER',
            `fee table ${table} has ${tiers === 0 ? 'no tiers: define them first' : `tiers up to ${tiers}, not ${tier}`}`,
          );
        await run(giveFeeTier(id, table, tier));
        return { json: shown(params) };
      },
    ),
    post(
      {
        path: '/v1/accounts/:id/position-limit',
        summary: 'Limits the position and exposure of an account in a symbol.',
        action: 'account:manage',
        body: BODIES.positionLimit,
        answer: ACCOUNT,
      },
      async ({ params, body }, run) => {
        const { id } = account(params);
        const { symbol, limits } = readJsonBody(body, (place) => readPositionLimit(place, directory));
        for (const [parameter, lots] of limits) await run(setLimit(id, symbol.id, parameter, lots));
        return { json: shown(params) };
      },
    ),
    post(
      {
        path: '/v1/accounts/:id/kill-switch',
        summary: 'Kill switch of an account.',
        action: 'account:manage',
        body: BODIES.on,
        answer: KILL_SWITCH,
      },
      async ({ params, body }, run) => {
        const { id } = account(params);
        const on = readOn(body);
        return { json: { account: id, on, ...(await runUntilDone(run, killSwitch(KillScope.Account, id, on))) } };
      },
    ),
    post(
      {
        path: '/v1/groups/:group/kill-switch',
        summary: 'Kill switch of a group of accounts.',
        action: 'venue:manage',
        body: BODIES.on,
        answer: KILL_SWITCH,
      },
      async ({ params, body }, run) => {
        const group = groupOf(params.group);
        const on = readOn(body);
        return { json: { group, on, ...(await runUntilDone(run, killSwitch(KillScope.Group, group, on))) } };
      },
    ),
    post(
      {
        path: '/v1/groups/:group/cancel-orders',
        summary: 'Cancels the orders of a group of accounts.',
        action: 'venue:manage',
        body: BODIES.ordersOfGroup,
        answer: GROUP_CANCELLED,
      },
      async ({ params, body }, run) => {
        const group = groupOf(params.group);
        const { symbol: name, side } = readJsonBody(body, readGroupOrders);
        const symbol = name === undefined ? undefined : symbolNamed(directory, name);
        const command = cancelGroup(group, symbol?.id ?? 0, side && (SIDE_NAMES.indexOf(side) as Side));
        const { seq, quantity: cancelled, later } = await run(command);
        return {
          json: { group, ...(symbol && { symbol: symbol.name }), ...(side && { side }), cancelled, ...(later > 0 && { later }), seq },
        };
      },
    ),
    post(
      {
        path: '/v1/symbols/:name/kill-switch',
        summary: 'Kill switch of a symbol.',
        action: 'venue:manage',
        body: BODIES.on,
        answer: KILL_SWITCH,
      },
      async ({ params, body }, run) => {
        const { id, name } = symbolNamed(directory, params.name);
        const on = readOn(body);
        return { json: { symbol: name, on, ...(await runUntilDone(run, killSwitch(KillScope.Symbol, id, on))) } };
      },
    ),
    post(
      {
        path: '/v1/fee-tables/:table',
        summary: 'Sets the tiers of a fee table.',
        action: 'venue:manage',
        body: BODIES.feeTable,
        answer: FEE_TABLE,
      },
      async ({ params, body }, run) => {
        const table = tableOf(params.table);
        const named = assetsByName(directory.assets());
        const { asset, tiers } = readJsonBody(body, (place) => {
          const fields = place.fields(['asset', 'tiers']);
          return fields && readFeeTiers(place, fields, named);
        });
        const known = directory.feeTables().find((each) => each.table === table);
        for (const command of changeFeeTable(table, asset.id, known?.tiers ?? [], tiers)) await run(command);
        const shown = directory.feeTables().find((each) => each.table === table);
        return { json: shown === undefined ? { table, tiers: [] } : feeTableView(shown) };
      },
    ),
    post(
      { path: '/v1/kill-switch', summary: 'Kill switch of the venue.', action: 'venue:manage', body: BODIES.on, answer: KILL_SWITCH },
      async ({ body }, run) => {
        const on = readOn(body);
        return { json: { venue: true, on, ...(await runUntilDone(run, killSwitch(KillScope.Venue, 0, on))) } };
      },
    ),
  ];
}

/** Required, so that an empty body cannot stop a venue. */
function readOn(body: unknown): boolean {
  return readJsonBody(body, (place) => {
    const fields = place.fields(['on']);
    return fields && (fields.on === undefined ? place.missing('on', 'true or false') : fields.on.boolean());
  });
}

function readGroupOrders(place: Place): { readonly symbol?: string; readonly side?: SideName } | undefined {
  const fields = place.fields(['symbol', 'side']);
  if (fields === undefined) return undefined;
  const symbol = fields.symbol?.text();
  const side = fields.side?.oneOf(SIDE_NAMES);
  return { ...(symbol !== undefined && { symbol }), ...(side !== undefined && { side }) };
}

function readLimits(place: Place): [parameter: number, value: number][] | undefined {
  const fields = place.fields([...LIMITS.map(([key]) => key), 'self-trade']);
  if (fields === undefined) return undefined;
  const given = LIMITS.flatMap(([key, parameter, most]): [number, number][] => {
    const value = fields[key]?.whole(0, most);
    return value === undefined ? [] : [[parameter, value]];
  });
  const mode = fields['self-trade']?.oneOf(SELF_TRADE_NAMES);
  if (mode !== undefined) given.push([AccountParam.SelfTradeMode, SELF_TRADE_NAMES.indexOf(mode)]);
  return Object.keys(fields).length === 0 ? place.fail('give at least one limit, such as maxOpenOrders') : given;
}

/** The tier by volume is named, so that a key that was forgotten takes no tier back. */
function readGivenTier(place: Place): { readonly table: number; readonly tier: number | undefined } | undefined {
  const fields = place.fields(['table', 'tier']);
  if (fields === undefined) return undefined;
  if (fields.table === undefined) return place.missing('table', `a number from 1 to ${FEE_TABLES}`);
  if (fields.tier === undefined) return place.missing('tier', `a number up to ${TIERS_PER_TABLE}, or ${BY_VOLUME}`);
  const table = fields.table.whole(1, FEE_TABLES);
  const byVolume = fields.tier.text() === BY_VOLUME;
  const tier = byVolume ? undefined : fields.tier.whole(0, TIERS_PER_TABLE);
  return table === undefined || (!byVolume && tier === undefined) ? undefined : { table, tier };
}

/** Quantities in the symbol's base asset. */
function readPositionLimit(place: Place, directory: Directory) {
  const fields = place.fields(['symbol', 'max-position', 'max-exposure']);
  if (fields === undefined) return undefined;
  if (fields.symbol === undefined) return place.missing('symbol');
  const name = fields.symbol.text();
  if (name === undefined) return undefined;
  const symbol = symbolNamed(directory, name);
  const lots = (field: Place | undefined): number | undefined => field?.units(symbol.lotMantissa, symbol.lotDecimals);
  const [position, exposure] = [lots(fields['max-position']), lots(fields['max-exposure'])];
  if (fields['max-position'] === undefined && fields['max-exposure'] === undefined)
    return place.fail('give maxPosition, maxExposure or both');
  const limits: [parameter: number, lots: number][] = [];
  if (position !== undefined) limits.push([LimitParam.MaxPosition, position]);
  if (exposure !== undefined) limits.push([LimitParam.MaxExposure, exposure]);
  // A limit that ends comes last: without any, the position would be forgotten.
  limits.sort(([, one], [, other]) => Number(one === 0) - Number(other === 0));
  return { symbol, limits };
}

/** @throws HttpError 404 */
function tableOf(text: string): number {
  if (/^[1-9]$/.test(text) && Number(text) <= FEE_TABLES) return Number(text);
  throw new HttpError(404, 0, 'NOT_FOUND', `fee tables have numbers from 1 to ${FEE_TABLES}, not ${text}`);
}

/** @throws HttpError 404 */
function groupOf(text: string): number {
  const group = Number(text);
  if (/^[1-9]\d{0,4}$/.test(text) && group < GROUPS) return group;
  throw new HttpError(404, 0, 'NOT_FOUND', `groups have numbers from 1 to ${GROUPS - 1}, not ${text}`);
}
