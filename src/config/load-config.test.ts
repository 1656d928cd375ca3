import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './load-config.ts';
import { kebabName, variableName } from './setting.ts';
import { settingKeys, settings } from './settings.ts';

function folderWith(yaml?: string): { home: string; file: string } {
  const home = mkdtempSync(path.join(os.tmpdir(), 'duanyun-config-'));
  const file = path.join(home, 'config.yaml');
  if (yaml !== undefined) writeFileSync(file, yaml);
  return { home, file };
}

function environmentOf(home: string, more: Record<string, string> = {}): Record<string, string> {
  return { DUANYUN_HOME: home, ...more };
}

describe('the order of the sources', () => {
  it('file beats default, variable beats file, flag beats variable', () => {
    const { home } = folderWith('port: 1001\nmodel: from-file\nqueue: 7\n');
    const config = loadConfig(
      { port: '1003' },
      environmentOf(home, { DUANYUN_PORT: '1002', DUANYUN_MODEL: 'from-variable' }),
    );
    expect(config).toMatchObject({ port: 1003, model: 'from-variable', queue: 7, host: '127.0.0.1' });
  });

  it('listens on the port of the reference document by default', () => {
    expect(loadConfig({}, environmentOf(folderWith().home)).port).toBe(8000);
  });

  it('keeps the state in a folder of the home directory by default', () => {
    expect(loadConfig({}, {}).home).toBe(path.join(os.homedir(), '.duanyun'));
  });

  it('takes --config before DUANYUN_CONFIG before the file in the home', () => {
    const [own, named, flagged] = [folderWith('queue: 1'), folderWith('queue: 2'), folderWith('queue: 3')];
    const environment = environmentOf(own.home);
    expect(loadConfig({}, environment).queue).toBe(1);
    expect(loadConfig({}, { ...environment, DUANYUN_CONFIG: named.file }).queue).toBe(2);
    expect(loadConfig({ config: flagged.file }, { ...environment, DUANYUN_CONFIG: named.file }).queue).toBe(3);
  });

  it('cannot be changed afterwards', () => {
    const config = loadConfig({}, environmentOf(folderWith().home));
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
    expect(() => config.hfEndpoint.push('x')).toThrow(TypeError);
  });
});

describe('every setting', () => {
  it.each(settingKeys)('%s has a default that its own schema takes', (key) => {
    expect(settings[key].schema.safeParse(settings[key].default).success).toBe(true);
  });

  it.each(settingKeys.filter((key) => key !== 'apiKeyFile'))('%s can be set by its variable', (key) => {
    const samples: Partial<Record<string, string>> = {
      hfEndpoint: 'https://a.example',
      modelscopeEndpoint: 'https://b.example',
      cloudUrl: 'https://c.example/v1',
      cloudModalities: 'text,image',
      statsUrl: 'https://d.example',
      stateUrl: 'postgres://user:word@db.example/duanyun',
      countersUrl: 'redis://counters.example',
    };
    const { default: fallback, kind } = settings[key];
    const text = samples[key] ?? (kind === 'switch' ? 'on' : kind === 'list' ? 'a,b' : String(fallback));
    const config = loadConfig({}, environmentOf(folderWith().home, { [variableName(key)]: text || 'x' }));
    expect(config[key]).toBeDefined();
  });
});

describe('other names of variables', () => {
  it('reads HF_ENDPOINT and the proxies, and prefers the own name', () => {
    const environment = environmentOf(folderWith().home, {
      HF_ENDPOINT: 'https://hub.example',
      HTTPS_PROXY: 'http://proxy.example:3128',
      DUANYUN_HTTP_PROXY: 'http://own.example',
      http_proxy: 'http://other.example',
    });
    expect(loadConfig({}, environment)).toMatchObject({
      hfEndpoint: ['https://hub.example'],
      httpsProxy: 'http://proxy.example:3128',
      httpProxy: 'http://own.example',
    });
  });

  it('hands on what pip reads, and nothing else', () => {
    const environment = environmentOf(folderWith().home, { PIP_INDEX_URL: 'https://i.example', SECRET: 'x' });
    expect(loadConfig({}, environment).pip.variables).toEqual({ PIP_INDEX_URL: 'https://i.example' });
  });

  it('ignores what Kubernetes writes for a service called duanyun', () => {
    const environment = environmentOf(folderWith().home, {
      DUANYUN_PORT: 'tcp://10.0.0.1:80',
      DUANYUN_SERVICE_HOST: '10.0.0.1',
      DUANYUN_PORT_80_TCP: 'tcp://10.0.0.1:80',
    });
    expect(loadConfig({}, environment).port).toBe(8000);
  });
});

describe('API keys', () => {
  it('come from the variable and from the file', () => {
    const { home } = folderWith();
    const file = path.join(home, 'keys');
    writeFileSync(file, '# for the tests\nthird\n\n');
    const config = loadConfig({ apiKeyFile: file }, environmentOf(home, { DUANYUN_API_KEY: 'first, second' }));
    expect(config.apiKeys).toEqual(['first', 'second', 'third']);
  });

  it('are never shown in an error', () => {
    const environment = environmentOf(folderWith().home, { DUANYUN_API_KEY: 'top secret' });
    expect(() => loadConfig({}, environment)).toThrow(/DUANYUN_API_KEY/);
    expect(() => loadConfig({}, environment)).not.toThrow(/top secret/);
  });

  it('a key file that is missing or empty is refused, not taken for "no key"', () => {
    const { home } = folderWith();
    const file = path.join(home, 'keys');
    expect(() => loadConfig({ apiKeyFile: file }, environmentOf(home))).toThrow(/cannot be read/);
    writeFileSync(file, '# none\n');
    expect(() => loadConfig({ apiKeyFile: file }, environmentOf(home))).toThrow(/holds no key/);
  });
});

describe('mistakes', () => {
  function messageFor(
    yaml: string | undefined,
    flags: Record<string, string> = {},
    variables: Record<string, string> = {},
  ) {
    const { home, file } = folderWith(yaml);
    try {
      loadConfig(flags, environmentOf(home, variables));
    } catch (error) {
      expect(error).toMatchObject({ code: 'config_invalid' });
      return (error as Error).message.replaceAll(file, 'FILE');
    }
    return 'no error';
  }

  it.each([
    ['host: a\nprot: 1\n', 'Configuration: FILE:2: there is no setting prot (did you mean port?).'],
    ['\n\nport: many\n', 'Configuration: FILE:3: port: expected a port, 0–65535, got "many".'],
    ['port: 1\nport: 2\n', 'FILE:2'],
    ['port: [1\n', 'FILE:'],
    ['just a text\n', 'FILE:1'],
    ['queue: 1.5\n', 'FILE:1: queue: expected a number of requests'],
    ['api-key: abc\n', 'there is no setting api-key'],
  ])('in the file: %j', (yaml, expected) => {
    expect(messageFor(yaml)).toContain(expected);
  });

  it('an empty file is fine', () => {
    expect(messageFor('# nothing yet\n')).toBe('no error');
  });

  it('names the flag or the variable', () => {
    expect(messageFor(undefined, { port: '70000' })).toContain('--port: expected a port');
    expect(messageFor(undefined, {}, { DUANYUN_THREADS: 'lots' })).toContain('DUANYUN_THREADS: expected');
    expect(messageFor(undefined, {}, { DUANYUN_PROT: '1' })).toContain(
      'no variable DUANYUN_PROT (did you mean DUANYUN_PORT?)',
    );
  });

  it('a file that was named must be there', () => {
    expect(messageFor(undefined, { config: '/nowhere/c.yaml' })).toContain('/nowhere/c.yaml cannot be read');
  });
});

describe('names', () => {
  it('follow from the key', () => {
    expect([kebabName('maxBodyMib'), variableName('maxBodyMib')]).toEqual(['max-body-mib', 'DUANYUN_MAX_BODY_MIB']);
  });
});
