// SPDX-License-Identifier: Apache-2.0
import { Ajv } from 'ajv';
import { parse } from 'yaml';

/** Reads the changes of the first version in a changelog, in the form of the annotation `artifacthub.io/changes`. */
export function readChanges(changelog: string): readonly { readonly kind: string; readonly description: string }[] {
  const [, newest = ''] = changelog.split(/^## .*\n/m);
  const [, ...sections] = newest.split(/^### /m);
  return sections.flatMap((section) => {
    const [kind = '', ...rest] = section.split('\n');
    const items = rest.join('\n').split(/^- /m).slice(1);
    return items.map((item) => ({ kind: kind.toLowerCase(), description: item.trim().replaceAll(/\s+/g, ' ') }));
  });
}

/** Returns a Chart.yaml with the changes of the changelog, and with images of its appVersion. Keeps everything else. */
export function fillInAnnotations(chart: string, changelog: string): string {
  const { appVersion } = parse(chart) as { appVersion: string };
  const changes = readChanges(changelog).map(
    ({ kind, description }) => `    - kind: ${kind}\n      description: ${JSON.stringify(description)}\n`,
  );
  const images = ['webhook', 'node'].map(
    (name) =>
      `    - name: ${name}\n      image: registry.example.com/kube-macvtap/${name}:${appVersion}\n      platforms: [linux/amd64, linux/arm64]\n`,
  );
  return replaceBlock(replaceBlock(chart, 'changes', changes), 'images', images);
}

function replaceBlock(chart: string, name: string, lines: readonly string[]): string {
  const block = new RegExp(`^( {2}artifacthub\\.io/${name}: \\|\\n)(?: {4}.*\\n)*`, 'm');
  if (!block.test(chart)) throw new Error(`Chart.yaml has no annotation artifacthub.io/${name}`);
  return chart.replace(block, (_, start: string) => start + lines.join(''));
}

const text = { type: 'string', minLength: 1 } as const;
const flag = { enum: ['true', 'false'] } as const;
const url = { type: 'string', pattern: '^https://[a-z0-9.-]+(/\\S*)?$' } as const;
const list = (properties: Readonly<Record<string, unknown>>, ...required: readonly string[]) => ({
  type: 'array',
  minItems: 1,
  items: { type: 'object', properties, required, additionalProperties: false },
});
const links = list({ name: text, url }, 'name', 'url');

/**
 * The values that Artifact Hub accepts. It has no JSON schema. These are the rules in its repository artifacthub/hub:
 * docs/helm_annotations.md, internal/tracker/source/helm/helm.go and internal/pkg/metadata.go. Artifact Hub ignores
 * unknown fields. Here they are errors, because such a field is misspelled.
 */
const annotationSchemas: Readonly<Record<string, object>> = {
  alternativeName: text,
  category: {
    enum: [
      'ai-machine-learning',
      'database',
      'integration-delivery',
      'monitoring-logging',
      'networking',
      'security',
      'storage',
      'streaming-messaging',
      'skip-prediction',
    ],
  },
  changes: list(
    { kind: { enum: ['added', 'changed', 'deprecated', 'removed', 'fixed', 'security'] }, description: text, links },
    'description',
  ),
  containsSecurityUpdates: flag,
  crds: list(
    { kind: text, version: text, name: text, displayName: text, description: text },
    ...['kind', 'version', 'name', 'displayName', 'description'],
  ),
  crdsExamples: { type: 'array', items: { type: 'object', required: ['apiVersion', 'kind'] } },
  images: list(
    {
      name: text,
      // A registry, because Artifact Hub takes an image without one from Docker Hub.
      image: {
        type: 'string',
        pattern:
          '^[a-z0-9-]+(\\.[a-z0-9-]+)+(:\\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[\\w][\\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$',
      },
      whitelisted: { type: 'boolean' },
      platforms: { type: 'array', items: { type: 'string', pattern: '^linux/(amd64|arm64|s390x|ppc64le)$' } },
    },
    'name',
    'image',
  ),
  license: text,
  links,
  maintainers: list({ name: text, email: text }, 'email'),
  operator: flag,
  operatorCapabilities: {
    enum: ['basic install', 'seamless upgrades', 'full lifecycle', 'deep insights', 'auto pilot'],
  },
  prerelease: flag,
  recommendations: list({ url }, 'url'),
  screenshots: list({ title: text, url }, 'title', 'url'),
  signKey: {
    type: 'object',
    properties: { fingerprint: { type: 'string', pattern: '^[0-9A-F]{40}$' }, url },
    required: ['fingerprint', 'url'],
    additionalProperties: false,
  },
};

/** Annotations whose value is YAML in a string. */
const nested = [
  ...['changes', 'crds', 'crdsExamples', 'images', 'links', 'maintainers'],
  ...['recommendations', 'screenshots', 'signKey'],
];

const ajv = new Ajv({ allErrors: true });
const validators = new Map(Object.entries(annotationSchemas).map(([name, schema]) => [name, ajv.compile(schema)]));

/** Returns the errors in a chart's annotations for Artifact Hub. One error prevents that the version is listed. */
export function findErrors(annotations: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(annotations).flatMap(([key, value]) => {
    if (!key.startsWith('artifacthub.io/')) return [];
    const name = key.slice('artifacthub.io/'.length);
    const validate = validators.get(name);
    if (validate === undefined) return [`${name}: no such annotation`];
    if (typeof value !== 'string') return [`${name}: not a string`];
    return validate(nested.includes(name) ? parse(value) : value)
      ? []
      : [ajv.errorsText(validate.errors, { dataVar: name })];
  });
}
