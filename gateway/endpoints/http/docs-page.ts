import type { ShortReply } from './route.ts';

/**
 * The page of documentation at `/docs`: it shows `/openapi.json` and `/asyncapi.json` in a browser. It has no data of the exchange itself, so it needs no
 * token; it has a field for one where the exchange needs it. Nothing is loaded from elsewhere, and the page inserts text only, never markup.
 */

const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>openbell: HTTP interface and streams</title>
<link rel="stylesheet" href="/docs/page.css">
<script src="/docs/page.js" defer></script>
</head>
<body>
<header>
<h1>openbell</h1>
<p id="about">HTTP interface</p>
<form id="access" hidden><label>Token <input id="token" type="password" autocomplete="off" size="40"></label> <button>Show</button></form>
<label id="search" hidden>Find <input id="find" type="search" size="30"></label>
<p id="problem" role="alert"></p>
</header>
<main id="operations"></main>
<section id="streams"></section>
<p class="note">The documents: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1), <a href="/asyncapi.json">/asyncapi.json</a> (AsyncAPI 3).</p>
</body>
</html>
`;

const CSS = `:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; }
h1 { margin: 0; }
h2 { margin: 2rem 0 .5rem; border-bottom: 1px solid #8888; }
details { margin: .25rem 0; border: 1px solid #8884; border-radius: 4px; }
details > summary { cursor: pointer; padding: .35rem .6rem; }
details > div { padding: 0 .8rem .6rem; }
code, .path { font-family: ui-monospace, monospace; font-size: .92em; }
.method { display: inline-block; min-width: 5.2rem; font-weight: 600; }
.note { opacity: .75; }
table { border-collapse: collapse; width: 100%; }
td { vertical-align: top; padding: .15rem .6rem .15rem 0; border-top: 1px solid #8883; }
#problem { color: light-dark(#b32020, #ff8080); }
`;

const SCRIPT = `'use strict';
const MOST_LEVELS = 4;
const byId = (id) => document.getElementById(id);

/** An element with text and children. What stands between backticks is code. */
function make(name, className, text, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.append(...text.split('\\x60').map((part, i) => (i % 2 === 1 ? make('code', '', part) : part)));
  element.append(...children);
  return element;
}

const nameOf = (ref) => ref.slice(ref.lastIndexOf('/') + 1);

/** A schema in a few words. */
function typeOf(schema) {
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const some = schema.anyOf || schema.oneOf;
  if (some) return some.map(typeOf).join(' | ');
  if (schema.type === 'array') return 'list of ' + typeOf(schema.items || {});
  const range = schema.minimum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER ? ' ' + schema.minimum + ' to ' + schema.maximum : '';
  return (schema.type || 'any') + range + (schema.default !== undefined ? ', default ' + JSON.stringify(schema.default) : '');
}

/** The keys of a schema, and of those inside it. */
function keysOf(schemas, schema, level) {
  const table = make('table');
  const found = schema.$ref ? schemas[nameOf(schema.$ref)] : schema;
  const inner = found.type === 'array' ? found.items : found;
  const object = inner.$ref ? schemas[nameOf(inner.$ref)] : inner;
  for (const [key, value] of Object.entries(object.properties || {})) {
    const isRequired = (object.required || []).includes(key);
    const about = make('td', '', value.description || (value.$ref && schemas[nameOf(value.$ref)].description) || '');
    const part = value.type === 'array' ? value.items || {} : value;
    if (level < MOST_LEVELS && (part.$ref || part.properties)) {
      const inside = make('details', '', '', make('summary', '', 'keys'));
      inside.addEventListener('toggle', () => inside.children.length === 1 && inside.append(keysOf(schemas, part, level + 1)));
      about.append(inside);
    }
    table.append(make('tr', '', '', make('td', '', '', make('code', '', key)), make('td', 'note', typeOf(value) + (isRequired ? '' : ', optional')), about));
  }
  return table;
}

function section(title, ...children) {
  return make('div', '', '', make('h4', '', title), ...children);
}

function show(schemas, path, method, operation) {
  const head = make('summary', '', '', make('span', 'method', method.toUpperCase()), make('span', 'path', path), make('span', 'note', ' ' + operation.summary));
  const item = make('details', 'operation', '', head);
  item.dataset.text = (method + ' ' + path + ' ' + operation.summary).toLowerCase();
  item.addEventListener('toggle', () => {
    if (item.children.length > 1) return;
    const body = make('div', '', '', make('p', 'note', operation.description || ''));
    if (operation.parameters) {
      const table = make('table');
      for (const { name, in: place, required, description, schema } of operation.parameters)
        table.append(make('tr', '', '', make('td', '', '', make('code', '', name)), make('td', 'note', place + ': ' + typeOf(schema) + (required ? '' : ', optional')), make('td', '', description || '')));
      body.append(section('Parameters', table));
    }
    if (operation.requestBody) {
      const { schema } = operation.requestBody.content['application/json'];
      body.append(section('Body: ' + typeOf(schema), keysOf(schemas, schema, 1)));
      const example = schema.$ref && (schemas[nameOf(schema.$ref)].examples || [])[0];
      if (example) body.append(make('pre', '', JSON.stringify(example, null, 2)));
    }
    for (const [status, { description, content }] of Object.entries(operation.responses)) {
      const schema = content && content['application/json'] && content['application/json'].schema;
      if (schema) body.append(section(status + ': ' + typeOf(schema), keysOf(schemas, schema, 1)));
      else if (description) body.append(make('p', 'note', status + ': ' + description));
    }
    item.append(body);
  });
  return item;
}

function showAll({ info, tags, paths, components }) {
  byId('about').replaceChildren(make('span', '', info.summary + ' Release ' + info.version + '. ' + info.description));
  const main = byId('operations');
  main.replaceChildren();
  for (const tag of tags) {
    const items = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, operation]) =>
        operation.tags.includes(tag.name) ? [show(components.schemas, path, method, operation)] : []));
    if (items.length > 0) main.append(make('section', '', '', make('h2', '', tag.name), make('p', 'note', tag.description), ...items));
  }
  byId('search').hidden = false;
}

/** A stream with its messages. */
function showStream(document, name, { address, title, description, messages }) {
  const head = make('summary', '', '', make('span', 'method', 'WS'), make('span', 'path', address), make('span', 'note', ' ' + title));
  const item = make('details', 'operation', '', head);
  item.dataset.text = ('ws ' + address + ' ' + title).toLowerCase();
  item.addEventListener('toggle', () => {
    if (item.children.length > 1) return;
    const body = make('div', '', '', make('p', 'note', description));
    for (const [action, label] of [['receive', 'Requests'], ['send', 'Messages']]) {
      const operation = Object.values(document.operations).find((each) => each.action === action && nameOf(each.channel.$ref) === name);
      if (!operation) continue;
      body.append(section(label, ...operation.messages.map(({ $ref }) => {
        const message = document.components.messages[nameOf(messages[nameOf($ref)].$ref)];
        const one = make('details', '', '', make('summary', '', '', make('code', '', message.name), make('span', 'note', ' ' + message.summary)));
        one.addEventListener('toggle', () => one.children.length === 1 && one.append(keysOf(document.components.schemas, message.payload, 1)));
        return one;
      })));
    }
    item.append(body);
  });
  return item;
}

function showStreams(document) {
  const items = Object.entries(document.channels).map(([name, channel]) => showStream(document, name, channel));
  byId('streams').replaceChildren(make('h2', '', 'Streams'), make('p', 'note', document.info.description), ...items);
}

async function load(token) {
  byId('problem').textContent = '';
  const options = token ? { headers: { authorization: 'Bearer ' + token } } : {};
  const response = await fetch('/openapi.json', options);
  const answer = await response.json();
  if (response.ok) {
    byId('access').hidden = true;
    showAll(answer);
    return showStreams(await (await fetch('/asyncapi.json', options)).json());
  }
  byId('access').hidden = response.status !== 401;
  byId('problem').textContent = response.status === 401 && !token ? 'This exchange needs a token.' : answer.detail;
}

const showProblem = (error) => { byId('problem').textContent = String(error); };
byId('access').addEventListener('submit', (event) => {
  event.preventDefault();
  load(byId('token').value.trim()).catch(showProblem);
});
byId('find').addEventListener('input', () => {
  const text = byId('find').value.toLowerCase();
  for (const item of document.querySelectorAll('.operation')) item.hidden = !item.dataset.text.includes(text);
});
load('').catch(showProblem);
`;

/** Only what this port serves itself. */
const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const FILES: Readonly<Record<string, readonly [type: string, text: string]>> = {
  '/docs': ['text/html; charset=utf-8', HTML],
  '/docs/page.css': ['text/css; charset=utf-8', CSS],
  '/docs/page.js': ['text/javascript; charset=utf-8', SCRIPT],
};

/** The page or one of its files; undefined: there is nothing at the path. */
export function docsPage(path: string): ShortReply | undefined {
  if (!Object.hasOwn(FILES, path)) return undefined;
  const [type, text] = FILES[path];
  return { text, type, headers: { 'content-security-policy': POLICY, 'referrer-policy': 'no-referrer' } };
}
