import type { AdminCommands } from '../../venue/admin-commands.ts';
import { commandRunner, type Run } from './command-runner.ts';
import type { Reply, Request, Route, RouteOf } from './route.ts';

/** An action of the operator: its route without what all of them have in common. */
export type ActionSpec = Omit<RouteOf, 'method' | 'guarded' | 'query' | 'handle'>;
/** Makes the route of an action, which runs commands. */
export type Post = (spec: ActionSpec, handle: (request: Request, run: Run) => Promise<Reply>) => Route;

/** Makes routes whose commands are submitted here. */
export function actionMaker(commands: Pick<AdminCommands, 'submit'>): Post {
  return (spec, handle) => ({
    ...spec,
    method: 'POST',
    guarded: true,
    handle: (request) => handle(request, commandRunner(commands, request.seqs)),
  });
}
