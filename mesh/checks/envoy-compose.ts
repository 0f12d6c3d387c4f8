import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly network_mode?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly command?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[] };
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

/** Ports of the exchange and of Envoy's admin interface: never published. */
const PRIVATE = ['7401', '7402', '7403', '9901'];

/**
 * Problems of a compose file beyond its schema: images without an exact version,
 * dangling references, and paths that bypass Envoy.
 * @param file its path; mounts are relative to it
 */
export function composeFaults({ services, volumes = {} }: Compose, file: string): string[] {
  const faults: string[] = [];
  for (const [name, service] of Object.entries(services)) {
    const say = (what: string): void => void faults.push(`${name}: ${what}`);
    if (!/^[\w./-]+:v?\d+\.\d+(\.\d+)?$/.test(service.image ?? '')) say(`image ${service.image} has no exact version`);
    if (service.build !== undefined && !existsSync(join(dirname(file), service.build, 'Dockerfile')))
      say('no Dockerfile in its build directory');
    for (const other of service.depends_on ?? []) if (!(other in services)) say(`depends on ${other}, which does not exist`);
    const shared = service.network_mode?.replace(/^service:/, '');
    if (shared !== undefined && !(shared in services)) say(`shares the network of ${shared}, which does not exist`);
    // The engine rejects this: ports belong to the owner of the network.
    if (shared !== undefined && service.ports !== undefined) say('publishes ports of a network that is not its own');
    for (const port of service.ports ?? []) if (PRIVATE.includes(port.split(':').at(-1) as string)) say(`publishes ${port}`);
    for (const mount of service.volumes ?? []) {
      const source = mount.replace(/\$\{[^}]*\}/, '/given').split(':')[0];
      if (source.startsWith('.') && !existsSync(join(dirname(file), source))) say(`mounts ${source}, which does not exist`);
      else if (!source.startsWith('.') && !isAbsolute(source) && !(source in volumes)) say(`the volume ${source} is not declared`);
    }
  }
  const networks = Object.entries(services).filter(([, { network_mode }]) => network_mode === services.exchange?.network_mode);
  const trusted = new Set(['exchange', 'envoy', 'prometheus']);
  for (const [name] of networks) if (!trusted.has(name)) faults.push(`${name}: in the exchange's network it would be believed like Envoy`);
  if (services.exchange?.network_mode === undefined) faults.push('exchange: has a separate network, where Envoy cannot reach its loopback');
  if (services.exchange?.healthcheck?.test?.join(' ') !== 'CMD /openbell health') faults.push('exchange: has no health check');
  if (!services.exchange?.command?.includes('--auth-proxies')) faults.push('exchange: does not authenticate its callers');
  if (!services.exchange?.depends_on?.includes('envoy')) faults.push('exchange: is not stopped before Envoy');
  return faults;
}
