import { groupOf, nameOf, type Resource } from './resource.ts';

/** npm package by API group. The groups of Kubernetes itself share one package. */
const PACKAGES: Readonly<Record<string, string>> = {
  'networking.istio.io': '@kubernetes-models/istio',
  'security.istio.io': '@kubernetes-models/istio',
  'telemetry.istio.io': '@kubernetes-models/istio',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  'cert-manager.io': '@kubernetes-models/cert-manager',
  'external-secrets.io': '@kubernetes-models/external-secrets',
  'autoscaling.k8s.io': '@kubernetes-models/autoscaler',
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
};

/** The module that has the class of this kind, such as `kubernetes-models/apps/v1/StatefulSet`. */
export function modelModule({ apiVersion, kind }: Pick<Resource, 'apiVersion' | 'kind'>): string {
  return `${PACKAGES[groupOf(apiVersion)] ?? 'kubernetes-models'}/${apiVersion}/${kind}`;
}

type Model = new (data: unknown) => { validate(): void };

/**
 * Violations of the published schema: types, enums, required fields,
 * one-ofs. Unknown fields pass here; {@link excessFields} reports those.
 */
export async function schemaProblems(resource: Resource): Promise<string[]> {
  const module = modelModule(resource);
  let Class: Model;
  try {
    Class = ((await import(module)) as Record<string, Model>)[resource.kind];
  } catch {
    return [`${nameOf(resource)}: there is no schema ${module}: the API version is not served, or the kind is wrong`];
  }
  try {
    new Class(resource).validate();
    return [];
  } catch (error) {
    return [`${nameOf(resource)}: ${(error as Error).message}`];
  }
}
