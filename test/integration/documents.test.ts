/** What the documents say is held against the code. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { kebabName, variableName, type Setting } from '../../src/config/setting.ts';
import { settingKeys, settings } from '../../src/config/settings.ts';
import { loadCatalogue } from '../../src/models/catalogue.ts';
import { projectRoot } from './duanyun-process.ts';

const read = (name: string): string => readFileSync(path.join(projectRoot, name), 'utf8');
const readmes = ['README.md', 'README.zh.md'];

function rowStart(key: (typeof settingKeys)[number]): string {
  const definition: Setting = settings[key];
  const flag = definition.from === 'variable' ? '–' : `\`--${kebabName(key)}\``;
  const fallback = Array.isArray(definition.default) ? definition.default.join(',') : String(definition.default);
  const shown = fallback === '' || definition.default === false ? '–' : `\`${fallback}\``;
  return `| ${flag} | \`${variableName(key)}\` | ${shown} | `;
}

describe.each(readmes)('%s', (name) => {
  const text = read(name);

  it('has a row for each setting, and no other', () => {
    for (const key of settingKeys) expect(text).toContain(`\n${rowStart(key)}`);
    const rows = text.match(/^\| (`--[\w-]+`|–) \| `DUANYUN_/gm);
    expect(rows).toHaveLength(settingKeys.length);
  });

  it('has a row for each model of the catalogue, with what is true of it', () => {
    const yes = name.includes('zh') ? '是' : 'yes';
    const rows = [
      ...text.matchAll(/^\| `([a-z0-9.-]+)` \| ([^|]+) \| (\d+) MiB \| (\d+) \| (\S+) \| (\S+) \| (\S+) \|$/gm),
    ];
    const { models } = loadCatalogue();
    expect(rows.map(([, id]) => id).toSorted()).toEqual(models.map(({ id }) => id).toSorted());
    for (const [, id, files = '', memory, context, tools, tried, licence] of rows) {
      const model = models.find((each) => each.id === id);
      expect({ id, licence, context: Number(context), tools: tools === yes, tried: tried === yes }).toEqual({
        id,
        licence: model?.licence,
        context: model?.contextTokens,
        tools: model?.tools,
        tried: model?.verified,
      });
      expect(Number(memory)).toBe(Math.round((model?.memoryBytes ?? 0) / 1024 ** 2));
      const sizeBytes = model?.files.reduce((sum, file) => sum + (file.sizeBytes ?? Number.NaN), 0) ?? Number.NaN;
      if (!Number.isNaN(sizeBytes)) expect(files).toBe(`${Math.round(sizeBytes / 1024 ** 2)} MiB`);
    }
  });
});

it('README.md says of each setting what --help says', () => {
  for (const key of settingKeys) expect(read('README.md')).toContain(`${rowStart(key)}${settings[key].help} |`);
});

it('the page describes each model of the catalogue in Chinese too', () => {
  const described = read('web/src/pages/page-texts-zh.ts');
  for (const { id } of loadCatalogue().models)
    expect(described).toMatch(new RegExp(`^ {4}'?${id.replaceAll('.', '\\.')}'?:\\s+'`, 'm'));
});

const documents = [
  'README.md',
  'README.zh.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'docs/errors.md',
].concat(readdirSync(path.join(projectRoot, 'docs', 'decisions')).map((name) => `docs/decisions/${name}`));

describe.each(documents)('%s', (name) => {
  const text = read(name);

  it('names files that exist', () => {
    const named = [...text.matchAll(/`((?:src|test|scripts|bench|docs|examples)\/[\w./-]*)`/g)].map(
      ([, file]) => file ?? '',
    );
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, file]) =>
      path.join(path.dirname(name), file ?? ''),
    );
    const missing = [...named, ...links].filter((file) => !existsSync(path.join(projectRoot, file)));
    expect(missing).toEqual([]);
  });
});

it('ARCHITECTURE.md knows every folder of the sources, and its arrows are those of the linter', () => {
  const text = read('ARCHITECTURE.md');
  const folders = readdirSync(path.join(projectRoot, 'src'), { withFileTypes: true }).filter((each) =>
    each.isDirectory(),
  );
  for (const { name } of folders) expect(text).toContain(`| \`src/${name}/\` |`);
  const lint = JSON.parse(read('.oxlintrc.json')) as {
    overrides: { files: string[]; rules?: Record<string, unknown> }[];
  };
  const allowed = /^\| `src\/(\w+)\/` \| [^|]+ \| ([^|]+) \|$/gm;
  for (const [, folder = '', names = ''] of text.matchAll(allowed)) {
    if (folder === 'cli') continue;
    const rule = JSON.stringify(lint.overrides.find(({ files }) => files.includes(`src/${folder}/**/*.ts`)));
    const forbidden = /\(([\w|]+)\)\/","message":"src/.exec(rule)?.[1]?.split('|') ?? [];
    const expected = folders.map((each) => each.name).filter((each) => each !== folder && !forbidden.includes(each));
    const stated = names === 'nothing' ? [] : names.split(', ');
    expect({ folder, may: stated.toSorted() }).toEqual({
      folder,
      may: expected.filter((each) => each !== 'data').toSorted(),
    });
  }
});

it('the changelog and the package agree on the licence file', () => {
  expect(read('LICENSE')).toContain('Apache License');
  expect(JSON.parse(read('package.json'))).toMatchObject({ license: 'Apache-2.0', engines: { node: '>=20.19.0' } });
});
