/** The Kubernetes chart, rendered and linted by the real Helm, and every resource held against its published schema. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { projectRoot } from '../integration/duanyun-process.ts';
import { execute, obtainDeployTools } from '../support/deploy-tools.ts';
import { schemaProblems } from './kubernetes-schemas.ts';

const chart = path.join(projectRoot, 'deploy', 'helm', 'duanyun');

type Container = {
  args: string[];
  env: { name: string; value?: string; valueFrom?: unknown }[];
  resources: { limits: Record<string, unknown> };
};
type Resource = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels: Record<string, string> };
  spec: {
    replicas?: number;
    selector?: { matchLabels?: Record<string, string> };
    template?: {
      metadata: { labels: Record<string, string> };
      spec: { containers: Container[]; terminationGracePeriodSeconds: number };
    };
    [key: string]: unknown;
  };
};

const everything = [
  'autoscaling.kind=keda',
  'ingress.enabled=true',
  'ingress.host=ai.example.org',
  'ingress.tlsSecret=tls',
  'httpRoute.enabled=true',
  'httpRoute.parentRefs[0].name=public',
  'monitoring.enabled=true',
  'gateway.apiKeySecret=keys',
  'gateway.stateSecret=state',
  'gateway.countersSecret=counters',
  'gateway.trustProxy={10.0.0.0/8,fd00::/8}',
  'download.tokenSecret=token',
  'imagePullSecrets[0].name=registry',
];
const variants: Record<string, string[]> = {
  'the defaults': [],
  'all that can be switched on': everything,
  'prometheus-adapter, no GPU, weights that are there': [
    'autoscaling.kind=prometheus-adapter',
    'vllm.gpus=0',
    'weights.existingClaim=mine',
    'download.enabled=false',
    'gateway.autoscaling.enabled=false',
    'networkPolicy.enabled=false',
    'disruptionBudget.enabled=false',
  ],
};

const tools = await obtainDeployTools();
if ('missing' in tools) it('the chart', ({ skip }) => skip(tools.missing));
else
  describe('the chart', () => {
    const { helm } = tools;
    async function render(values: readonly string[]): Promise<Resource[]> {
      const set = values.flatMap((value) => ['--set', value]);
      const { stdout } = await execute(helm, ['template', 'my', chart, '--namespace', 'ai', ...set]);
      return parseAllDocuments(stdout)
        .map((document) => document.toJS() as Resource | null)
        .filter((resource) => resource !== null);
    }

    it('passes the linter of Helm', async () => {
      const { stdout } = await execute(helm, ['lint', '--strict', chart]);
      expect(stdout).toContain('1 chart(s) linted, 0 chart(s) failed');
    });

    it.each(Object.entries(variants))('renders resources that fit their schemas: %s', async (_, values) => {
      const resources = await render(values);
      expect(resources.length).toBeGreaterThan(4);
      const problems = await Promise.all(resources.map((resource) => schemaProblems(resource)));
      expect(problems.flat()).toEqual([]);
    });

    it('has each kind that a cluster needs', async () => {
      const kinds = (await render(everything)).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      expect(kinds.toSorted()).toEqual([
        'Deployment my-duanyun-gateway',
        'Deployment my-duanyun-vllm',
        'HTTPRoute my-duanyun',
        'HorizontalPodAutoscaler my-duanyun-gateway',
        'Ingress my-duanyun',
        expect.stringMatching(/^Job my-duanyun-download-[0-9a-f]{8}$/) as string,
        'NetworkPolicy my-duanyun-gateway',
        'NetworkPolicy my-duanyun-vllm',
        'PersistentVolumeClaim my-duanyun-weights',
        'PodDisruptionBudget my-duanyun-gateway',
        'PodDisruptionBudget my-duanyun-vllm',
        'ScaledObject my-duanyun-vllm',
        'Service my-duanyun',
        'Service my-duanyun-vllm',
        'ServiceMonitor my-duanyun',
      ]);
    });

    it('chooses the pods that it makes, and no others', async () => {
      const resources = await render([]);
      const pods = resources.filter(({ kind }) => kind === 'Deployment');
      expect(pods).toHaveLength(2);
      for (const { spec } of pods)
        expect(spec.template?.metadata.labels).toMatchObject(spec.selector?.matchLabels ?? {});
      const selectors = resources.filter(({ kind }) => kind === 'Service').map(({ spec }) => spec.selector as object);
      for (const selector of selectors) {
        const chosen = pods.filter(({ spec }) => matches(selector, spec.template?.metadata.labels ?? {}));
        expect(chosen).toHaveLength(1);
      }
    });

    it('starts vLLM with the GPUs that it asks for, and the gateway before it', async () => {
      const resources = await render(['vllm.gpus=4', 'model.maxSequenceTokens=32768']);
      const container = (name: string): Container | undefined =>
        resources.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name.endsWith(name))?.spec.template
          ?.spec.containers[0];
      const vllm = container('-vllm');
      expect(vllm?.args).toEqual(
        expect.arrayContaining(['--tensor-parallel-size=4', '--max-model-len=32768', '--dtype=float16']),
      );
      expect(vllm?.resources.limits['nvidia.com/gpu']).toBe(4);
      const known = new Set(
        readFileSync(path.join(import.meta.dirname, 'stand-ins', 'vllm-serve-flags.txt'), 'utf8').split('\n'),
      );
      for (const arg of vllm?.args.filter((each) => each.startsWith('--')) ?? [])
        expect(known).toContain(arg.split('=')[0]);
      const gateway = container('-gateway');
      const address = gateway?.env.find(({ name }) => name === 'DUANYUN_CLOUD_URL')?.value;
      expect(address).toBe('http://my-duanyun-vllm:8000');
    });

    it('tells the gateway where state and rates are shared and whose word on addresses counts', async () => {
      const gateway = (await render(everything)).find(
        ({ kind, metadata }) => kind === 'Deployment' && metadata.name.endsWith('-gateway'),
      );
      const environment = gateway?.spec.template?.spec.containers[0]?.env ?? [];
      const secretOf = (name: string): unknown => environment.find((each) => each.name === name)?.valueFrom;
      expect(secretOf('DUANYUN_STATE_URL')).toEqual({ secretKeyRef: { name: 'state', key: 'url' } });
      expect(secretOf('DUANYUN_COUNTERS_URL')).toEqual({ secretKeyRef: { name: 'counters', key: 'url' } });
      expect(environment.find(({ name }) => name === 'DUANYUN_TRUST_PROXY')?.value).toBe('10.0.0.0/8,fd00::/8');
    });

    it('leaves more time to end than the drain takes', async () => {
      for (const { spec } of (await render([])).filter(({ kind }) => kind === 'Deployment')) {
        expect(spec.template?.spec.terminationGracePeriodSeconds).toBeGreaterThan(120);
      }
    });

    it.each([
      ['vllm.replica=1', "additional properties 'replica' not allowed"],
      ['vllm.gpus=two', 'got string, want integer'],
      ['ingress.enabled=true', "at '/ingress/host'"],
      ['httpRoute.enabled=true', "at '/httpRoute/parentRefs'"],
      ['autoscaling.kind=hpa', 'value must be one of'],
      ['weights.size=40 GB', "at '/weights/size'"],
    ])('refuses %s and says what is wrong', async (value, message) => {
      await expect(render([value])).rejects.toThrow(message);
    });
  });

it('every value of the chart is known to its schema', () => {
  const values = parse(readFileSync(path.join(chart, 'values.yaml'), 'utf8')) as Record<string, unknown>;
  const schema = JSON.parse(readFileSync(path.join(chart, 'values.schema.json'), 'utf8')) as Schema;
  expect(Object.keys(schema.properties ?? {}).toSorted()).toEqual([...Object.keys(values), 'global'].toSorted());
  for (const [name, part] of Object.entries(values)) {
    const inner = schema.properties?.[name]?.properties;
    if (inner === undefined || typeof part !== 'object' || part === null) continue;
    expect({ name, keys: Object.keys(inner).toSorted() }).toEqual({ name, keys: Object.keys(part).toSorted() });
  }
});

type Schema = { properties?: Record<string, Schema> };

function matches(selector: object, labels: Record<string, string>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
