import { DestinationRule } from '@kubernetes-models/istio/networking.istio.io/v1/DestinationRule';
import { Gateway, type IGateway } from '@kubernetes-models/istio/networking.istio.io/v1/Gateway';
import { type IServiceEntry, ServiceEntry } from '@kubernetes-models/istio/networking.istio.io/v1/ServiceEntry';
import { Sidecar } from '@kubernetes-models/istio/networking.istio.io/v1/Sidecar';
import { VirtualService } from '@kubernetes-models/istio/networking.istio.io/v1/VirtualService';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import type { FeedSource } from '../../feeds/lines/feed-source.ts';
import { VENUES } from '../../feeds/venues/index.ts';
import { of } from './lint.ts';
import type { Resource } from './resource.ts';
import { shardFiles } from './workload.ts';

export const EGRESS_NAMESPACE = 'istio-egress';
/** The Service of the egress gateway, and the port on which it takes all connections. */
const EGRESS_SERVICE = 'istio-egressgateway.istio-egress.svc.cluster.local';
const EGRESS_PORT = 443;
/** The label of a ServiceEntry that says what connects to it. */
export const EGRESS_LABEL = 'openbell.io/egress';

/** Addresses that no connection to an outside host may reach: of this network, of the cluster, of the cloud's metadata service. */
export const NOT_PUBLIC: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '224.0.0.0/3',
];

/** A host that something connects to. */
export interface Outside {
  readonly host: string;
  readonly port: number;
}

/** An address of a configured source, on another host. */
export interface FeedAddress extends Outside {
  readonly title: string;
  readonly encrypted: boolean;
}

/** All that the configured sources connect to, except on the loopback, such as another exchange in the pod. */
export function feedAddresses(set: readonly Resource[]): FeedAddress[] {
  return shardFiles(set).flatMap(({ pod, venue }) =>
    venue.feeds.flatMap((source) =>
      urlsOf(source)
        .map((text) => new URL(text))
        .filter(({ hostname }) => !/^(127\.|localhost$|\[::1\]$)/.test(hostname))
        .map(({ hostname, port, protocol }) => {
          const encrypted = protocol === 'wss:' || protocol === 'https:';
          return { title: `${pod}, feed ${source.name}`, host: hostname, port: Number(port) || (encrypted ? 443 : 80), encrypted };
        }),
    ),
  );
}

function urlsOf({ venue, webSocketUrl, httpUrl }: FeedSource): string[] {
  const urls = VENUES.find(({ name }) => name === venue)?.urls;
  const isElsewhere = urls?.listOnly === true && webSocketUrl !== undefined;
  const requests = urls?.httpUrl === undefined ? undefined : (httpUrl ?? (isElsewhere ? undefined : urls.httpUrl));
  return [webSocketUrl ?? urls?.webSocketUrl, requests].filter((url) => url !== undefined);
}

/** True for a Gateway of the egress gateway. */
export function isEgress({ metadata, spec }: IGateway): boolean {
  return metadata?.namespace === EGRESS_NAMESPACE && spec?.selector?.istio === 'egressgateway';
}

/** Each host and port of each ServiceEntry. */
export function entries(set: readonly Resource[]): (Outside & { readonly entry: IServiceEntry })[] {
  return of(set, ServiceEntry).flatMap((entry) =>
    (entry.spec?.hosts ?? []).flatMap((host) => (entry.spec?.ports ?? []).map(({ number }) => ({ entry, host, port: number }))),
  );
}

/** What is missing on the way from the exchange through the egress gateway to a host; empty if nothing is. */
export function missingOnTheWay(set: readonly Resource[], { host, port }: Outside): string[] {
  const routes = of(set, VirtualService).flatMap(({ spec }) => (spec?.hosts?.includes(host) ? (spec.tls ?? []) : []));
  const leads = (from: (gateway: string) => boolean, at: number, to: string, toPort: number) =>
    routes.some(
      ({ match, route }) =>
        match.some(
          ({ gateways = [], port: own, sniHosts }) => own === at && sniHosts.length === 1 && sniHosts[0] === host && gateways.some(from),
        ) &&
        route?.length === 1 &&
        route[0].destination.host === to &&
        route[0].destination.port?.number === toPort,
    );
  const servers = of(set, Gateway)
    .filter(isEgress)
    .flatMap((gateway) => (gateway.spec?.servers ?? []).map((server) => ({ ...server, name: gateway.metadata?.name })));
  const server = servers.find(({ hosts, tls }) => tls?.mode === 'PASSTHROUGH' && hosts.some((one) => one.endsWith(`/${host}`)));
  const policy = of(set, DestinationRule).find(({ spec }) => spec?.host === host)?.spec?.trafficPolicy;
  const sidecars = of(set, Sidecar).flatMap(({ spec }) => (spec?.egress ?? []).flatMap(({ hosts }) => hosts));
  const open = of(set, NetworkPolicy)
    .filter(({ metadata }) => metadata?.namespace === EGRESS_NAMESPACE)
    .flatMap(({ spec }) => spec?.egress ?? [])
    .some(({ to, ports }) => to?.some(({ ipBlock }) => ipBlock !== undefined) && ports?.some((one) => one.port === port));
  return [
    sidecars.includes(`${EGRESS_NAMESPACE}/${EGRESS_SERVICE}`) ? '' : 'the sidecar does not know the egress gateway',
    leads((gateway) => gateway === 'mesh', port, EGRESS_SERVICE, EGRESS_PORT) ? '' : 'no route to the egress gateway',
    server === undefined ? 'the egress gateway does not pass it' : '',
    leads((gateway) => gateway === `${EGRESS_NAMESPACE}/${server?.name}`, EGRESS_PORT, host, port)
      ? ''
      : 'no route from the egress gateway',
    policy?.connectionPool?.tcp?.maxConnections ? '' : 'connections are not limited',
    policy?.outlierDetection ? '' : 'no outlier detection',
    open ? '' : `no NetworkPolicy of the egress gateway opens ${port}`,
  ].filter((text) => text !== '');
}
