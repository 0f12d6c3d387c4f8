import { readFileSync } from 'node:fs';
import { parse, parseAllDocuments } from 'yaml';

/** A request as the rules of a proxy see it. The path has no query. */
export interface ProxyRequest {
  readonly method: string;
  readonly path: string;
  readonly role: string;
}

// biome-ignore lint/suspicious/noExplicitAny: configuration of Envoy and Istio
type Json = any;

const read = (name: string): string => readFileSync(new URL(`../../mesh/${name}`, import.meta.url), 'utf8');
const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);

/** Whether the RBAC filter of a listener of the bare Envoy admits a request, of a caller with a certificate and every account. */
export function envoyAdmits(listener: string): (request: ProxyRequest) => boolean {
  const { listeners } = parse(read('envoy/envoy.yaml'), { maxAliasCount: -1 }).static_resources;
  const [{ filters }] = listeners.find(({ name }: Json) => name === listener).filter_chains;
  const rbac = filters.at(-1).typed_config.http_filters.find(({ name }: Json) => name === 'envoy.filters.http.rbac');
  const policies: Json[] = Object.values(rbac.typed_config.rules.policies);
  return (request) =>
    policies.some(
      ({ permissions, principals }) =>
        permissions.some((rule: Json) => permits(rule, request)) && principals.some((rule: Json) => isOf(rule, request.role)),
    );
}

function permits(rule: Json, { method, path, role }: ProxyRequest): boolean {
  if (rule.any) return true;
  if (rule.and_rules) return rule.and_rules.rules.every((each: Json) => permits(each, { method, path, role }));
  if (rule.header) return rule.header.name === ':method' && rule.header.string_match.exact === method;
  const { exact, safe_regex: pattern } = rule.url_path.path;
  return exact === undefined ? whole(pattern.regex).test(path) : exact === path;
}

function isOf(rule: Json, role: string): boolean {
  if (rule.and_ids) return rule.and_ids.ids.every((each: Json) => isOf(each, role));
  if (rule.custom) return true;
  const { path, value } = rule.sourced_metadata.metadata_matcher;
  if (path[1].key !== 'openbell_roles') return true;
  return value.or_match.value_matchers.some(({ string_match: text }: Json) => text && whole(text.safe_regex.regex).test(role));
}

/** Whether an AuthorizationPolicy of `mesh/base/istio` admits a request on a port, from the gateway with a token. */
export function istioAdmits(port: number): (request: ProxyRequest) => boolean {
  const rules = parseAllDocuments(read('base/istio/authorization.yaml')).flatMap((document) => (document.toJS() as Json).spec.rules ?? []);
  return ({ method, path, role }) =>
    rules.some(
      ({ to, when }: Json) =>
        when[0].values.includes(role) &&
        to.some(
          ({ operation: { ports, methods, paths, notPaths = [] } }: Json) =>
            ports.includes(String(port)) && methods.includes(method) && fits(paths, path) && !fits(notPaths, path),
        ),
    );
}

/** `{*}` is one segment; `*` at an end is any text. */
function fits(patterns: readonly string[], path: string): boolean {
  return patterns.some((pattern) =>
    whole(
      pattern
        .replaceAll('.', '\\.')
        .replaceAll('{*}', '[^/]+')
        .replaceAll(/^\*|\*$/g, '.*'),
    ).test(path),
  );
}
