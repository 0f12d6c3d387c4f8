import '../../../node_modules/piscina/dist/worker.js';
import answer from '../../taps/history/query-worker.ts';

/**
 * Thread entry of the history's query pool: piscina's own, which asks for its
 * handler with `require` and a path. There is one handler, and it is here.
 */
const scope = globalThis as { require?: unknown };
const handler = { __esModule: true, default: answer };
const requireBuiltin = scope.require as (id: string) => unknown;
scope.require = (id: string) => (id.endsWith('query-worker.js') ? handler : requireBuiltin(id));
