import type { Principal, Role } from './principal.ts';

/** Accounts that a role's right covers. `none`: the right does not concern an account. */
type Scope = 'none' | 'named' | 'named or *';

/**
 * The rights of each role. `*` in place of accounts is for operators,
 * auditors and risk desks; callers that send orders or move money need each account listed.
 */
const RIGHTS = {
  /** Market data, and the admin port's queries for symbols, assets, books and trades. */
  'market:read': {
    trader: 'none',
    'market-maker': 'none',
    'read-only': 'none',
    custodian: 'none',
    operator: 'none',
    auditor: 'none',
    'drop-copy': 'none',
  },
  /** An order-entry session: receive the account's reports. */
  'session:open': { trader: 'named', 'market-maker': 'named', 'read-only': 'named' },
  /** New orders, cancels, amends. */
  'order:send': { trader: 'named', 'market-maker': 'named' },
  /** Orders over REST. {@link RIGHTS | order:send} decides of which accounts. */
  'order:use': { trader: 'none', 'market-maker': 'none' },
  /** Balances, orders, fills and reports of an account. */
  'account:read': {
    trader: 'named',
    'market-maker': 'named',
    'read-only': 'named',
    custodian: 'named',
    operator: 'named or *',
    auditor: 'named or *',
    'drop-copy': 'named or *',
  },
  /** Alerts and webhooks. {@link RIGHTS | alert:read} and {@link RIGHTS | alert:manage} decide of which accounts. */
  'alert:use': { trader: 'none', 'market-maker': 'none', 'read-only': 'none', operator: 'none', auditor: 'none' },
  /** Alerts of an account, their events, and its webhooks without their secrets. */
  'alert:read': { trader: 'named', 'market-maker': 'named', 'read-only': 'named', operator: 'named or *', auditor: 'named or *' },
  /** Set and delete alerts and webhooks of an account. Its events then go where the caller says, so reading rights are not enough. */
  'alert:manage': { trader: 'named', 'market-maker': 'named', operator: 'named or *' },
  /** A drop copy. {@link RIGHTS | copy:read} decides of which accounts. */
  'copy:open': { 'drop-copy': 'none' },
  /** An account's reports on a drop copy. */
  'copy:read': { 'drop-copy': 'named or *' },
  /** Deposits and withdrawals. */
  'account:money': { custodian: 'named' },
  /** Define accounts. {@link RIGHTS | account:manage} decides which ones. */
  'account:define': { operator: 'none' },
  /** Define, suspend, resume, limit an account, and its kill switch. */
  'account:manage': { operator: 'named or *' },
  /** Assets, symbols, their parameters and phases, uncross, kill switches of more than one account. */
  'venue:manage': { operator: 'none' },
  /** Answers to administrative commands: the reports of account 0; the kill switches that are on. */
  'venue:reports': { operator: 'none', auditor: 'none' },
  'snapshot:take': { operator: 'none' },
} as const satisfies Readonly<Record<string, Readonly<Partial<Record<Role, Scope>>>>>;

export type Action = keyof typeof RIGHTS;
export const ACTIONS = Object.keys(RIGHTS) as readonly Action[];

/** Whether the caller has the right. @param account the account concerned; NaN: not an account id */
export function may({ roles, accounts, all, via }: Principal, action: Action, account: number = Number.NaN): boolean {
  if (via === 'open') return true;
  const rights: Readonly<Partial<Record<Role, Scope>>> = RIGHTS[action];
  for (const role of roles) {
    const scope = rights[role];
    if (scope === 'none' || (scope === 'named or *' && all) || (scope !== undefined && accounts.has(account))) return true;
  }
  return false;
}
