import type { Alert, AlertEvent, AlertWebhook, NewAlert, WebhookMessage } from './alert-types.ts';
import { OpenbellError } from './errors.ts';
import { type HttpOptions, httpRequest } from './http-request.ts';

export interface PageOptions {
  /** Only what has a higher number. Default 0. */
  readonly after?: number;
  /** Default 100, at most 1000. */
  readonly limit?: number;
}

/**
 * Alerts and webhooks of the connection's account. All methods throw OpenbellError: NO_ACCOUNT; BAD_PARAMETER, UNKNOWN_ALERT, UNKNOWN_WEBHOOK, ALERT_LIMIT,
 * WEBHOOK_LIMIT, PERMISSION_DENIED, ... of the exchange; HTTP_FAILED when it cannot be reached.
 */
export class AlertClient {
  readonly #options: HttpOptions;
  readonly #account: number | undefined;

  constructor(options: HttpOptions, account: number | undefined) {
    this.#options = options;
    this.#account = account;
  }

  /** Sets an alert; resolves when it is on the disk and armed. */
  set(alert: NewAlert): Promise<Alert> {
    return this.#post('/v1/alerts', alert);
  }

  /** The alerts of the account, by id. */
  async list(): Promise<Alert[]> {
    return (await this.#get<{ alerts: Alert[] }>('/v1/alerts')).alerts;
  }

  async delete(id: number): Promise<void> {
    await this.#delete(`/v1/alerts/${id}`);
  }

  /** What has fired, oldest first. Events that are no longer kept are left out. */
  async events(page: PageOptions = {}): Promise<AlertEvent[]> {
    return (await this.#get<{ events: AlertEvent[] }>('/v1/alerts/events', page)).events;
  }

  /** Defines a webhook. Its secret is not shown again. @param url https, at an address of the public Internet */
  addWebhook(url: string, note = ''): Promise<AlertWebhook & { readonly secret: string }> {
    return this.#post('/v1/webhooks', { url, note });
  }

  async webhooks(): Promise<AlertWebhook[]> {
    return (await this.#get<{ webhooks: AlertWebhook[] }>('/v1/webhooks')).webhooks;
  }

  /** Replaces the secret of a webhook; for a day, messages are signed with both. */
  rotateSecret(webhook: number): Promise<AlertWebhook & { readonly secret: string }> {
    return this.#post(`/v1/webhooks/${webhook}/rotate`, {});
  }

  /** Deletes a webhook with its messages. */
  async deleteWebhook(webhook: number): Promise<void> {
    await this.#delete(`/v1/webhooks/${webhook}`);
  }

  /** Messages of a webhook that are not delivered, by the number of their events. */
  async messages(webhook: number, page: PageOptions = {}): Promise<WebhookMessage[]> {
    return (await this.#get<{ messages: WebhookMessage[] }>(`/v1/webhooks/${webhook}/messages`, page)).messages;
  }

  /** Sends dead letters again, with the ids that they had. @param event only this one */
  replay(webhook: number, event?: number): Promise<{ readonly replayed: number; readonly left: number }> {
    return this.#post(`/v1/webhooks/${webhook}/replay`, event === undefined ? {} : { event });
  }

  async #get<T>(path: string, { after, limit }: PageOptions = {}): Promise<T> {
    const further = [...(after === undefined ? [] : [`&after=${after}`]), ...(limit === undefined ? [] : [`&limit=${limit}`])];
    return httpRequest(this.#options, `${path}?account=${this.#named()}${further.join('')}`);
  }

  async #post<T>(path: string, body: object): Promise<T> {
    return httpRequest(this.#options, path, { account: this.#named(), ...body });
  }

  async #delete(path: string): Promise<unknown> {
    return httpRequest(this.#options, `${path}?account=${this.#named()}`, undefined, 'DELETE');
  }

  #named(): number {
    if (this.#account === undefined) throw new OpenbellError('NO_ACCOUNT', 'alerts need an account: connect({ account })');
    return this.#account;
  }
}
