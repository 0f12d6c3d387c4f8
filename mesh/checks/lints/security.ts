import { Certificate } from '@kubernetes-models/cert-manager/cert-manager.io/v1/Certificate';
import { Issuer } from '@kubernetes-models/cert-manager/cert-manager.io/v1/Issuer';
import { ExternalSecret } from '@kubernetes-models/external-secrets/external-secrets.io/v1/ExternalSecret';
import { Gateway } from '@kubernetes-models/istio/networking.istio.io/v1/Gateway';
import { EnvoyFilter } from '@kubernetes-models/istio/networking.istio.io/v1alpha3/EnvoyFilter';
import { AuthorizationPolicy } from '@kubernetes-models/istio/security.istio.io/v1/AuthorizationPolicy';
import { PeerAuthentication } from '@kubernetes-models/istio/security.istio.io/v1/PeerAuthentication';
import { RequestAuthentication } from '@kubernetes-models/istio/security.istio.io/v1/RequestAuthentication';
import { Telemetry } from '@kubernetes-models/istio/telemetry.istio.io/v1/Telemetry';
import { isEgress } from '../egress.ts';
import { type Lint, of } from '../lint.ts';
import { durationMs } from '../quantity.ts';
import { groupOf, nameOf, type Resource, selects } from '../resource.ts';

/** Kinds that exist only in versions below v1. */
const YOUNG = new Set(['EnvoyFilter', 'ProxyConfig', 'WasmPlugin']);
const V1_GROUPS = new Set([
  'networking.istio.io',
  'security.istio.io',
  'telemetry.istio.io',
  'external-secrets.io',
  'gateway.networking.k8s.io',
]);

const currentVersion: Lint = {
  name: 'current-version',
  reason: 'older versions are converted or no longer served (ExternalSecret v1beta1), and the lints here read v1',
  check: (set) =>
    set
      .filter(({ apiVersion, kind }) => V1_GROUPS.has(groupOf(apiVersion)) && !YOUNG.has(kind) && !apiVersion.endsWith('/v1'))
      .map((resource) => `${nameOf(resource)}: ${resource.apiVersion}`),
};

const ruleSuffices: Lint = {
  name: 'each-rule-says-who',
  reason: 'rules of a policy are ORed: one without a verified caller admits every caller, whatever the others require',
  check: (set) =>
    of(set, AuthorizationPolicy)
      .filter(({ spec }) => (spec?.action ?? 'ALLOW') === 'ALLOW')
      .flatMap((policy) =>
        (policy.spec?.rules ?? [])
          .map(({ from, when }, i) => {
            const named = from?.length && from.every(({ source }) => source?.principals?.length || source?.requestPrincipals?.length);
            const header = when?.find(({ key }) => key.startsWith('request.headers['));
            if (header !== undefined) return `rule ${i} trusts ${header.key}, which the client writes`;
            return named ? '' : `rule ${i} has no principals`;
          })
          .filter((text) => text !== '')
          .map((text) => `${nameOf(policy as Resource)}: ${text}`),
      ),
};

const tokenRequired: Lint = {
  name: 'token-is-required',
  reason: 'RequestAuthentication rejects a wrong token but accepts a call without one: a policy must require requestPrincipals',
  check: (set) =>
    of(set, RequestAuthentication)
      .filter(
        (authentication) =>
          !of(set, AuthorizationPolicy).some(
            ({ metadata, spec }) =>
              metadata?.namespace === authentication.metadata?.namespace &&
              selects(spec?.selector?.matchLabels ?? {}, authentication.spec?.selector?.matchLabels ?? {}) &&
              spec?.rules?.some(({ from }) =>
                from?.some(({ source }) =>
                  (spec.action ?? 'ALLOW') === 'DENY' ? source?.notRequestPrincipals?.includes('*') : source?.requestPrincipals?.length,
                ),
              ),
          ),
      )
      .map((authentication) => nameOf(authentication as Resource)),
};

const strictMtls: Lint = {
  name: 'mutual-tls-strict',
  reason: 'in mode PERMISSIVE, a caller without a certificate is served too',
  check: (set) =>
    of(set, PeerAuthentication).flatMap((peer) => {
      const modes = [peer.spec?.mtls?.mode, ...Object.values(peer.spec?.portLevelMtls ?? {}).map(({ mode }) => mode)];
      return modes.filter((mode) => mode !== 'STRICT').map((mode) => `${nameOf(peer as Resource)}: ${mode}`);
    }),
};

const claimsAreStripped: Lint = {
  name: 'claims-are-the-proxys',
  reason: 'a claim missing from the token writes no header, so that a client header of the same name would be trusted',
  check: (set) =>
    of(set, RequestAuthentication).flatMap((authentication) => {
      const filters = JSON.stringify(
        of(set, EnvoyFilter).filter(({ metadata }) => metadata?.namespace === authentication.metadata?.namespace),
      ).toLowerCase();
      return (authentication.spec?.jwtRules ?? [])
        .flatMap(({ outputClaimToHeaders = [] }) => outputClaimToHeaders)
        .filter(({ header }) => !filters.includes(`"remove":"${header.toLowerCase()}"`))
        .map(({ header }) => `${nameOf(authentication as Resource)}: no filter removes ${header} from client requests`);
    }),
};

/** Hours before its expiry at which a certificate is renewed, at least: a week to detect a failed renewal. */
const RENEWED_H = 168;
/** 90 days. */
const LASTS_H = 2160;

/** h: minimum lifetime of an authority, and how long before its expiry the next one exists. */
const AUTHORITY_H = { lasts: 5 * 8760, renewed: LASTS_H } as const;

/** Clients keep its certificate for years, so its key stays; and the certificates that it signs must not outlive it. */
function authorityProblems(set: readonly Resource[], namespace: string | undefined, spec: NonNullable<Certificate['spec']>): string[] {
  const { duration, renewBefore, privateKey, issuerRef, commonName } = spec;
  const root = of(set, Issuer).find(({ metadata }) => metadata?.namespace === namespace && metadata?.name === issuerRef.name)?.spec;
  const hours = (text: string | undefined) => durationMs(text ?? '') / 3_600_000;
  return [
    hours(duration) >= AUTHORITY_H.lasts && hours(renewBefore) > AUTHORITY_H.renewed
      ? ''
      : 'its authority expires before the certificates that it signs',
    privateKey?.algorithm === 'ECDSA' && (privateKey.size ?? 0) >= 384 ? '' : 'its authority has a weak key',
    privateKey?.rotationPolicy === 'Never' ? '' : 'its authority changes its key, and clients do not have the next one',
    issuerRef.group === 'cert-manager.io' && issuerRef.kind === 'Issuer' && root?.selfSigned !== undefined
      ? ''
      : 'its authority is not signed',
    commonName ? '' : 'its authority has no name',
  ];
}

/** The authority of another region: its certificate and key, from a secret store. */
function isImported(set: readonly Resource[], namespace: string | undefined, secret: string | undefined): boolean {
  return of(set, ExternalSecret).some(({ metadata, spec }) => {
    const keys = (spec?.data ?? []).map(({ secretKey }) => secretKey);
    return (
      metadata?.namespace === namespace &&
      spec?.target?.name === secret &&
      ['tls.crt', 'tls.key', 'ca.crt'].every((key) => keys.includes(key))
    );
  });
}

const certificatesFit: Lint = {
  name: 'certificates-fit',
  reason: 'a gateway has no listener for a host without a certificate; and MUTUAL trusts all clients signed by the issuer in ca.crt',
  check: (set) =>
    of(set, Gateway).flatMap((gateway) =>
      (gateway.spec?.servers ?? []).flatMap(({ hosts, tls }) => {
        // It passes TLS on, and has no certificate.
        if (isEgress(gateway) && tls?.mode === 'PASSTHROUGH') return [];
        const namespace = gateway.metadata?.namespace;
        const title = `${nameOf(gateway as Resource)}, ${tls?.credentialName}`;
        const spec = of(set, Certificate).find(
          (one) => one.metadata?.namespace === namespace && one.spec?.secretName === tls?.credentialName,
        )?.spec;
        if (spec === undefined) return [`${title}: no Certificate writes this secret`];
        const ours = of(set, Issuer).find(
          (one) => one.metadata?.namespace === namespace && one.metadata?.name === spec.issuerRef.name,
        )?.spec;
        const signs = spec.issuerRef.kind === 'ClusterIssuer' || ours !== undefined;
        const authority = of(set, Certificate).find(({ spec }) => spec?.isCA && spec.secretName === ours?.ca?.secretName)?.spec;
        return [
          ...hosts
            .map((host) => host.split('/').at(-1) ?? '')
            .filter((host) => !spec.dnsNames?.includes(host))
            .map((host) => `not for ${host}`),
          signs ? '' : `no Issuer ${spec.issuerRef.name}`,
          tls?.mode === 'MUTUAL' && authority === undefined && !isImported(set, namespace, ours?.ca?.secretName)
            ? 'clients of a foreign authority would be accepted'
            : '',
          ...(authority === undefined ? [] : authorityProblems(set, namespace, authority)),
          ['server auth', 'digital signature'].every((usage) => spec.usages?.some((one) => one === usage)) ? '' : 'not for servers',
          spec.privateKey?.algorithm === 'ECDSA' && (spec.privateKey.size ?? 0) >= 256 ? '' : 'its key is slow or weak',
          durationMs(spec.duration ?? '') <= LASTS_H * 3_600_000 ? '' : `lasts for more than ${LASTS_H} h`,
          spec.issuerRef.group === 'cert-manager.io' && spec.issuerRef.kind !== undefined ? '' : 'does not state the kind of its issuer',
          spec.privateKey?.rotationPolicy === 'Always' ? '' : 'keeps its key',
          Number.parseInt(spec.renewBefore ?? '', 10) >= RENEWED_H ? '' : 'is renewed only in the last week',
        ]
          .filter((text) => text !== '')
          .map((text) => `${title}: ${text}`);
      }),
    ),
};

const FRACTION = ['HUNDRED', 'TEN_THOUSAND', 'MILLION'];

interface RateLimit {
  readonly '@type'?: string;
  readonly type_url?: string;
  readonly filter_enabled?: { readonly default_value?: { readonly numerator?: number; readonly denominator?: string } };
  readonly filter_enforced?: RateLimit['filter_enabled'];
  readonly rate_limited_as_resource_exhausted?: boolean;
  readonly max_dynamic_descriptors?: number;
  readonly rate_limits?: readonly { readonly actions?: readonly { readonly request_headers?: { readonly header_name?: string } }[] }[];
  readonly descriptors?: readonly { readonly entries?: readonly { readonly value?: string }[] }[];
}

const rateLimits: Lint = {
  name: 'rate-limit-works',
  reason:
    'commonly published examples are off (0 % by default), run before the token is verified, keep 20 buckets, count for other callers, or answer UNAVAILABLE, which is retried',
  check: (set) =>
    of(set, EnvoyFilter).flatMap((filter) =>
      (filter.spec?.configPatches ?? []).flatMap(({ patch, match }) => {
        const value = patch?.value as { name?: string; typed_config?: RateLimit } | undefined;
        if (value?.name !== 'envoy.filters.http.local_ratelimit') return [];
        const config = value.typed_config ?? {};
        const percent = (name: 'filter_enabled' | 'filter_enforced') => {
          const { numerator, denominator } = config[name]?.default_value ?? {};
          return (numerator ?? 0) > 0 && FRACTION.includes(denominator ?? '') ? '' : `${name} has no fraction above 0`;
        };
        const dynamic = config.descriptors?.some(({ entries }) => entries?.some((entry) => entry.value === undefined));
        return [
          config['@type'] === 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit'
            ? ''
            : 'its @type is not LocalRateLimit: its content is not checked',
          percent('filter_enabled'),
          percent('filter_enforced'),
          config.rate_limited_as_resource_exhausted === true ? '' : 'it answers UNAVAILABLE',
          dynamic && (config.max_dynamic_descriptors ?? 20) <= 20 ? 'it keeps 20 buckets' : '',
          config.rate_limits?.every(({ actions }) =>
            actions?.some((action) => action.request_headers?.header_name === 'x-openbell-subject'),
          )
            ? ''
            : 'it counts only by headers that the client chooses: any caller can use up the limit of another account',
          match?.listener?.filterChain?.filter?.subFilter?.name ? '' : 'without a subFilter it runs before all other filters',
          filter.spec?.workloadSelector?.labels ? '' : 'without a workloadSelector it is on every proxy of the namespace',
          JSON.stringify(config).includes('"append":') ? 'append is deprecated, it is append_action' : '',
        ]
          .filter((text) => text !== '')
          .map((text) => `${nameOf(filter as Resource)}: ${text}`);
      }),
    ),
};

/** Each has as many values as there are clients or orders. */
const UNBOUNDED = /x-openbell-(account|subject|accounts)|order.?id|request\.(duration|id)|response\.duration|%\{|%[A-Z_]+/i;

const boundedLabels: Lint = {
  name: 'metric-labels-are-few',
  reason: 'a label with a value per account or order creates a time series per account or order; and values are CEL, not %FORMAT%',
  check: (set) =>
    of(set, Telemetry).flatMap((telemetry) =>
      (telemetry.spec?.metrics ?? [])
        .flatMap(({ overrides = [] }) => overrides)
        .flatMap(({ tagOverrides = {} }) => Object.entries(tagOverrides))
        .filter(([, { value }]) => UNBOUNDED.test(value ?? ''))
        .map(([tag, { value }]) => `${nameOf(telemetry as Resource)}: ${tag} is ${value}`),
    ),
};

export const SECURITY_LINTS: readonly Lint[] = [
  currentVersion,
  ruleSuffices,
  tokenRequired,
  strictMtls,
  claimsAreStripped,
  certificatesFit,
  rateLimits,
  boundedLabels,
];
