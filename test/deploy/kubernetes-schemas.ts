/** Published schemas of Kubernetes and of the extensions that the chart can use, by the packages that carry them. */

type Resource = { apiVersion: string; kind: string; metadata: { name: string } };
type Model = new (resource: Resource) => { validate(): void };

const packages: Record<string, string> = {
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'keda.sh': '@kubernetes-models/keda',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
};

/** What its schema says against a resource; empty where nothing. Throws for a kind that no schema is known of. */
export async function schemaProblems(resource: Resource): Promise<string[]> {
  const { apiVersion, kind, metadata } = resource;
  const name = packages[apiVersion.split('/')[0] ?? ''] ?? 'kubernetes-models';
  const module = (await import(`${name}/${apiVersion}/${kind}`)) as Record<string, Model>;
  const SchemaModel = module[kind];
  if (SchemaModel === undefined) throw new Error(`no schema of ${apiVersion} ${kind}`);
  try {
    new SchemaModel(resource).validate();
    return [];
  } catch (error) {
    return [`${kind} ${metadata.name}: ${error instanceof Error ? error.message : String(error)}`];
  }
}
