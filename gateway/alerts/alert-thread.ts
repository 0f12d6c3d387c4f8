import type { AlertEvent, AlertWebhook, WebhookMessage } from '../client/alert-types.ts';
import type { Delivery } from '../webhooks/delivery-queue.ts';
import type { Alert } from './alert.ts';
import { AlertError } from './alert-error.ts';
import type { AccountRow, AlertStore } from './alert-store.ts';
import type { Commit, Loaded, Unstored } from './commit.ts';
import { EVENTS_KEPT } from './limits.ts';
import type { Webhooks } from './webhooks.ts';
import { WINDOW_NUMBERS } from './windows.ts';

const NO_ACCOUNT: AccountRow = { eventNo: 0, reportNo: 0 };

/** What the thread of the alerts does on request. Each method is a request of {@link ./alerts.ts}; results and errors go back to it. */
export class AlertThread {
  readonly #store: AlertStore;
  readonly #webhooks: Webhooks;

  constructor(store: AlertStore, webhooks: Webhooks) {
    this.#store = store;
    this.#webhooks = webhooks;
  }

  load(): Loaded {
    const { alerts, gauges, windows, accounts } = this.#store;
    return {
      alerts: [...alerts.getRange()].map(({ value }) => value),
      gauges: [...gauges.getRange()].map(({ key, value }) => [key, value] as const),
      windows: [...windows.getRange()].flatMap(({ key, value }) =>
        value.byteLength === 8 * WINDOW_NUMBERS ? [[key, numbersOf(value)] as const] : [],
      ),
      accounts: [...accounts.getRange()].map(({ key, value }) => [key, value] as const),
    };
  }

  /**
   * Stores an alert under a new id.
   * @param unstored values and windows that are not stored yet; the last report of the account, if its reports are not followed yet
   */
  addAlert(alert: Omit<Alert, 'id'>, { values, windows, reportNo }: Unstored): Alert {
    const store = this.#store;
    return store.write(6, () => {
      const stored: Alert = { ...alert, id: store.nextId('alert') };
      store.alerts.putSync(stored.id, stored);
      if (reportNo !== undefined) store.accounts.putSync(alert.account, { ...(store.accounts.get(alert.account) ?? NO_ACCOUNT), reportNo });
      for (const [key, value] of values) store.gauges.putSync(key, value);
      for (const [key, numbers] of windows) store.windows.putSync(key, bytesOf(numbers));
      return stored;
    });
  }

  /** @param gauge that no other alert follows */
  removeAlert(id: number, gauge: string | undefined): void {
    this.#store.write(2, () => {
      this.#store.alerts.removeSync(id);
      if (gauge !== undefined) this.#store.gauges.removeSync(gauge);
    });
  }

  /** Stores events and state, and begins to deliver. A commit that is given again, because its answer was lost, changes nothing. */
  commit({ events, alerts, removed, gauges, windows, accounts }: Commit): void {
    const store = this.#store;
    const rows = events.reduce((sum, { account }) => sum + 2 + this.#webhooks.rowsOf(account), 0);
    let deliveries: Delivery[] = [];
    store.write(rows + alerts.length + removed.length + gauges.length + windows.length + accounts.length, () => {
      deliveries = [];
      for (const event of events) {
        if (store.events.get([event.account, event.no]) !== undefined) continue;
        store.events.putSync([event.account, event.no], event);
        if (event.no > EVENTS_KEPT) store.events.removeSync([event.account, event.no - EVENTS_KEPT]);
        this.#webhooks.enqueue(event, deliveries);
      }
      for (const alert of alerts) store.alerts.putSync(alert.id, alert);
      for (const id of removed) store.alerts.removeSync(id);
      for (const [key, value] of gauges) {
        if (value === undefined || Number.isNaN(value)) store.gauges.removeSync(key);
        else store.gauges.putSync(key, value);
      }
      for (const [key, numbers] of windows) {
        if (numbers === undefined) store.windows.removeSync(key);
        else store.windows.putSync(key, bytesOf(numbers));
      }
      for (const [account, row] of accounts) store.accounts.putSync(account, row);
    });
    this.#webhooks.taken(deliveries);
  }

  /** Events of an account behind a number, oldest first. Those that are too old are left out. */
  events(account: number, after: number, limit: number): AlertEvent[] {
    const range = { start: [account, after + 1] as [number, number], end: [account + 1, 0] as [number, number], limit };
    return [...this.#store.events.getRange(range)].map(({ value }) => value);
  }

  webhooks(account: number): AlertWebhook[] {
    return this.#webhooks.list(account);
  }

  addWebhook(account: number, url: string, note: string): AlertWebhook & { readonly secret: string } {
    return this.#webhooks.add(account, url, note);
  }

  rotateSecret(account: number, id: number): AlertWebhook & { readonly secret: string } {
    return this.#webhooks.rotate(account, id);
  }

  removeWebhook(account: number, id: number): void {
    this.#webhooks.remove(account, id);
  }

  messages(account: number, id: number, after: number, limit: number): WebhookMessage[] {
    return this.#webhooks.messages(account, id, after, limit);
  }

  replay(account: number, id: number, no: number | undefined): { replayed: number; left: number } {
    return this.#webhooks.replay(account, id, no);
  }

  /** Ends deliveries, and closes the store. */
  async stop(): Promise<void> {
    this.#webhooks.stop();
    await this.#store.close();
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** A copy: the store reuses its memory. */
function numbersOf(bytes: Uint8Array): Float64Array {
  return new Float64Array(Uint8Array.from(bytes).buffer);
}

export type Method = Exclude<keyof AlertThread, never>;

/** A request to the thread. */
export interface AlertRequest {
  readonly call: number;
  readonly method: Method;
  readonly args: readonly unknown[];
}

/** Its answer, or why it was refused. */
export type AlertAnswer =
  | { readonly call: number; readonly value: unknown }
  | { readonly call: number; readonly code: string; readonly message: string };

/** Runs a request. Never rejects. */
export async function answer(thread: AlertThread, { call, method, args }: AlertRequest): Promise<AlertAnswer> {
  try {
    const run = thread[method] as (...args: readonly unknown[]) => unknown;
    return { call, value: await run.apply(thread, [...args]) };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    if (error instanceof AlertError) return { call, code: error.code, message };
    return { call, code: code === 'ENOSPC' ? 'DISK_FULL' : 'FAILED', message };
  }
}
