import type { Command } from 'commander';
import { printable } from '../../log-lines.ts';
import { type AccountFlags, accountOption, askAdmin, connectionOptions, id, print, printJson, table } from './connection.ts';
import { ExitCode, run } from './exit.ts';

const PAGE = 1000;

interface WebhookJson {
  readonly id: number;
  readonly url: string;
  readonly note: string;
  readonly disabled: boolean;
  readonly pending: number;
  readonly dead: number;
  readonly delivered: number;
  readonly failed: number;
  readonly last?: { readonly time: string; readonly result: string };
  readonly secret?: string;
}

interface MessageJson {
  readonly no: number;
  readonly state: string;
  readonly attempts: number;
  readonly time: string;
  readonly reason?: string;
}

export function webhooksCommand(program: Command): void {
  const webhooks = program
    .command('webhooks')
    .summary('webhooks of an account: where its alerts are sent')
    .description(
      'Webhooks of an account. Its alerts are sent to them as signed HTTPS requests (Standard Webhooks), with retries over a day.',
    );
  lsCommand(webhooks);
  addCommand(webhooks);
  deleteCommand(webhooks);
  rotateCommand(webhooks);
  replayCommand(webhooks);
}

function lsCommand(webhooks: Command): void {
  const command = webhooks
    .command('ls')
    .summary('the webhooks of an account, or the messages of one')
    .description(
      'Lists the webhooks of an account; with an id, the messages of that one that wait (pending) or are not attempted any more (dead).',
    )
    .argument('[id]', 'show the messages of this webhook', id)
    .addHelpText('after', '\nExamples:\n  openbell webhooks ls\n  openbell webhooks ls 1 --json');
  accountOption(connectionOptions(command)).action((webhook: number | undefined) =>
    run(async () => {
      const flags = command.opts<AccountFlags>();
      if (webhook === undefined) {
        const { webhooks: list } = await askAdmin<{ webhooks: WebhookJson[] }>(flags, `/v1/webhooks?account=${flags.account}`);
        if (flags.json) for (const each of list) printJson(each);
        else print(list.length === 0 ? 'no webhooks' : webhookTable(list));
        return ExitCode.Ok;
      }
      const rows: MessageJson[] = [];
      for (let after = 0; ; ) {
        const path = `/v1/webhooks/${webhook}/messages?account=${flags.account}&after=${after}&limit=${PAGE}`;
        const { messages, next } = await askAdmin<{ messages: MessageJson[]; next: number }>(flags, path);
        if (flags.json) for (const message of messages) printJson(message);
        rows.push(...messages);
        if (next === 0) break;
        after = next;
      }
      if (!flags.json) print(rows.length === 0 ? 'no messages wait, and none is dead' : messageTable(rows));
      return ExitCode.Ok;
    }),
  );
}

function webhookTable(webhooks: readonly WebhookJson[]): string {
  const rows = webhooks.map(({ id, url, note, disabled, pending, dead, delivered, failed, last }) => {
    const state = disabled ? 'disabled' : 'on';
    return [id, printable(url), state, pending, dead, delivered, failed, last?.result ?? '', printable(note)];
  });
  return table([['id', 'url', 'state', 'pending', 'dead', 'delivered', 'failed', 'last', 'note'], ...rows]);
}

function messageTable(messages: readonly MessageJson[]): string {
  const rows = messages.map(({ no, state, attempts, time, reason }) => [no, state, attempts, time, reason]);
  return table([['event', 'state', 'attempts', 'next or dead at', 'reason'], ...rows]);
}

function addCommand(webhooks: Command): void {
  const command = webhooks
    .command('add')
    .summary('define a webhook')
    .description('Defines a webhook, and prints its secret, with which the receiver checks signatures. The secret is not shown again.')
    .argument('<url>', 'where alerts are sent: https, and an address of the public Internet')
    .option('--note <text>', 'a text of your own')
    .addHelpText('after', '\nExample:\n  openbell webhooks add https://example.com/hooks');
  accountOption(connectionOptions(command)).action((url: string) =>
    run(async () => {
      const flags = command.opts<AccountFlags & { readonly note?: string }>();
      const body = { account: flags.account, url, ...(flags.note !== undefined && { note: flags.note }) };
      showSecret(flags, await askAdmin<WebhookJson>(flags, '/v1/webhooks', body), 'is defined');
      return ExitCode.Ok;
    }),
  );
}

function rotateCommand(webhooks: Command): void {
  const command = webhooks
    .command('rotate')
    .summary('replace the secret of a webhook')
    .description(
      'Prints a new secret of a webhook. For a day, messages are signed with both secrets, so that the receiver can change in its own time.',
    )
    .argument('<id>', 'the webhook', id)
    .addHelpText('after', '\nExample:\n  openbell webhooks rotate 1');
  accountOption(connectionOptions(command)).action((webhook: number) =>
    run(async () => {
      const flags = command.opts<AccountFlags>();
      const answer = await askAdmin<WebhookJson>(flags, `/v1/webhooks/${webhook}/rotate`, { account: flags.account });
      showSecret(flags, answer, 'has a new secret');
      return ExitCode.Ok;
    }),
  );
}

function showSecret(flags: AccountFlags, webhook: WebhookJson, what: string): void {
  if (flags.json) printJson(webhook);
  else print(`webhook ${webhook.id} ${what}\nsecret, not shown again: ${webhook.secret}`);
}

function deleteCommand(webhooks: Command): void {
  const command = webhooks
    .command('delete')
    .summary('delete a webhook')
    .description('Deletes a webhook with the messages that wait for it.')
    .argument('<id>', 'the webhook', id)
    .addHelpText('after', '\nExample:\n  openbell webhooks delete 1');
  accountOption(connectionOptions(command)).action((webhook: number) =>
    run(async () => {
      const flags = command.opts<AccountFlags>();
      const answer = await askAdmin<object>(flags, `/v1/webhooks/${webhook}?account=${flags.account}`, undefined, 'DELETE');
      if (flags.json) printJson(answer);
      else print(`webhook ${webhook} is deleted`);
      return ExitCode.Ok;
    }),
  );
}

function replayCommand(webhooks: Command): void {
  const command = webhooks
    .command('replay')
    .summary('send dead letters again')
    .description('Sends the dead letters of a webhook again, with the ids that they had. A webhook that answered 410 is enabled again.')
    .argument('<id>', 'the webhook', id)
    .option('--event <number>', 'only this event', id)
    .addHelpText('after', '\nExamples:\n  openbell webhooks replay 1\n  openbell webhooks replay 1 --event 17');
  accountOption(connectionOptions(command)).action((webhook: number) =>
    run(async () => {
      const flags = command.opts<AccountFlags & { readonly event?: number }>();
      const body = { account: flags.account, ...(flags.event !== undefined && { event: flags.event }) };
      const answer = await askAdmin<{ replayed: number; left: number }>(flags, `/v1/webhooks/${webhook}/replay`, body);
      if (flags.json) printJson(answer);
      else
        print(`${answer.replayed} sent again${answer.left > 0 ? `; ${answer.left} are left, replay again when these are delivered` : ''}`);
      return ExitCode.Ok;
    }),
  );
}
