import { Sidecar } from '@kubernetes-models/istio/networking.istio.io/v1/Sidecar';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { EGRESS_LABEL, EGRESS_NAMESPACE, entries, feedAddresses, missingOnTheWay } from '../egress.ts';
import { type Lint, of } from '../lint.ts';
import { nameOf, type Resource } from '../resource.ts';

const feedsHaveEgress: Lint = {
  name: 'feeds-have-egress',
  reason: 'the mesh lets no connection to a host without a ServiceEntry through: the source never connects',
  check: (set) => {
    const known = new Set(entries(set).map(({ host, port }) => `${host}:${port}`));
    return feedAddresses(set).flatMap(({ title, host, port, encrypted }) => {
      if (!encrypted) return [`${title}: ${host} is not reached by TLS, so that the egress gateway cannot route to it`];
      return known.has(`${host}:${port}`) ? [] : [`${title}: no ServiceEntry for ${host}:${port}; add its component of mesh/egress/venues`];
    });
  },
};

const egressIsUsed: Lint = {
  name: 'egress-is-used',
  reason: 'a host that nothing connects to is a way out of the cluster that nobody watches',
  check: (set) => {
    const used = new Set(feedAddresses(set).map(({ host, port }) => `${host}:${port}`));
    return entries(set)
      .filter(({ entry, host, port }) => entry.metadata?.labels?.[EGRESS_LABEL] !== 'webhook' && !used.has(`${host}:${port}`))
      .map(({ entry, host, port }) => `${nameOf(entry as Resource)}: no configured source connects to ${host}:${port}`);
  },
};

const throughGateway: Lint = {
  name: 'egress-through-gateway',
  reason: 'an outside host is reached through the egress gateway, by its server name, within limits: one place to watch, and to close',
  check: (set) =>
    entries(set).flatMap((outside) => {
      const title = nameOf(outside.entry as Resource);
      const { location, resolution, exportTo = ['*'] } = outside.entry.spec ?? {};
      const wide = outside.host.includes('*') || location !== 'MESH_EXTERNAL' || resolution !== 'DNS' || exportTo.includes('*');
      return [
        ...(wide ? [`${title}: not one external host, resolved by DNS, for this namespace and the gateway's`] : []),
        ...missingOnTheWay(set, outside).map((text) => `${title}: ${outside.host}:${outside.port}: ${text}`),
      ];
    }),
};

const noWayAround: Lint = {
  name: 'no-way-around-egress',
  reason: 'a pod that may open connections to outside addresses does not need the egress gateway, and passes nothing that watches it',
  check: (set) => [
    ...of(set, NetworkPolicy)
      .filter(
        ({ metadata, spec }) =>
          metadata?.namespace !== EGRESS_NAMESPACE && spec?.egress?.some(({ to }) => to?.some(({ ipBlock }) => ipBlock)),
      )
      .map((policy) => `${nameOf(policy as Resource)}: opens addresses instead of pods`),
    ...of(set, Sidecar)
      .filter(({ spec }) => spec?.outboundTrafficPolicy?.mode !== 'REGISTRY_ONLY')
      .map((sidecar) => `${nameOf(sidecar as Resource)}: outboundTrafficPolicy is not REGISTRY_ONLY`),
  ],
};

export const EGRESS_LINTS: readonly Lint[] = [feedsHaveEgress, egressIsUsed, throughGateway, noWayAround];
