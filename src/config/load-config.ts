/** Defaults, file, environment and flags → one frozen `Config`. The only reader of `process.env`. */
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeError } from '../core/errors.ts';
import { readConfigFile, type SourcedValues } from './config-file.ts';
import { readEnvironment, type Environment } from './environment.ts';
import { kebabName, valueOfText, type Setting } from './setting.ts';
import { settingKeys, settings, type SettingKey, type SettingValues } from './settings.ts';

export type Config = Readonly<SettingValues> & {
  /** Folder of weights and state. Absolute. */
  readonly home: string;
  /** The file that was read, where there was one. */
  readonly configFile: string | undefined;
  /** From `DUANYUN_API_KEY` and the key file together. */
  readonly apiKeys: readonly string[];
  /** What pip's own rules for finding the package index need. */
  readonly pip: {
    readonly variables: Environment;
    readonly homeDirectory: string;
    readonly platform: NodeJS.Platform;
  };
  /** For processes that this one starts: its own environment without the settings, which may hold keys. */
  readonly childEnvironment: Environment;
};

/** Flags as the command line gives them: text, or `true` for a switch. `config` names the file. */
export type Flags = Partial<Record<SettingKey | 'config', string | boolean>>;

/**
 * Throws `config_invalid`, which names the setting and where its value came from.
 * @param environment default: the process's own
 */
export function loadConfig(flags: Flags = {}, environment: Environment = process.env): Config {
  const home = path.resolve(environment['DUANYUN_HOME'] || path.join(os.homedir(), '.duanyun'));
  const configFile = findConfigFile(flags, environment, home);
  const layers = [
    configFile === undefined ? {} : readConfigFile(configFile),
    readEnvironment(environment),
    readFlags(flags),
  ];
  const values = Object.fromEntries(settingKeys.map((key) => [key, settle(key, layers)])) as SettingValues;
  return deepFreeze({
    ...values,
    home,
    configFile,
    apiKeys: [...values.apiKey, ...readApiKeys(values.apiKeyFile)],
    pip: { variables: pipVariables(environment), homeDirectory: os.homedir(), platform: process.platform },
    childEnvironment: Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('DUANYUN_'))),
  });
}

function findConfigFile(flags: Flags, environment: Environment, home: string): string | undefined {
  const named = typeof flags.config === 'string' ? flags.config : environment['DUANYUN_CONFIG'];
  if (named !== undefined && named !== '') return path.resolve(named);
  const usual = path.join(home, 'config.yaml');
  return existsSync(usual) ? usual : undefined;
}

function readFlags(flags: Flags): SourcedValues {
  const values: SourcedValues = {};
  for (const key of settingKeys) {
    const given = flags[key];
    if (given === undefined) continue;
    const value = typeof given === 'string' ? valueOfText(settings[key].kind, given) : given;
    values[key] = { value, origin: `--${kebabName(key)}` };
  }
  return values;
}

/** The value of the last layer that has one, checked. */
function settle(key: SettingKey, layers: readonly SourcedValues[]): unknown {
  const definition: Setting = settings[key];
  const given = layers.findLast((layer) => layer[key] !== undefined)?.[key];
  if (given === undefined) return definition.default;
  // In the file a list of one may stand without brackets.
  const raw = definition.kind === 'list' && typeof given.value === 'string' ? [given.value] : given.value;
  const parsed = definition.schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const got = definition.from === 'variable' ? '' : `, got ${JSON.stringify(given.value)}`;
  throw makeError('config_invalid', { reason: `${given.origin}: expected ${definition.expects}${got}` });
}

function readApiKeys(file: string): string[] {
  if (file === '') return [];
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw makeError('config_invalid', { reason: `api-key-file: ${file} cannot be read` }, { cause: error });
  }
  const keys = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (keys.length === 0) throw makeError('config_invalid', { reason: `api-key-file: ${file} holds no key` });
  if (keys.some((key) => /\s/.test(key))) {
    throw makeError('config_invalid', { reason: `api-key-file: ${file} holds a key with a blank in it` });
  }
  return keys;
}

function pipVariables(environment: Environment): Environment {
  const wanted = /^(PIP_.*|XDG_CONFIG_(HOME|DIRS)|VIRTUAL_ENV|APPDATA|PROGRAMDATA)$/i;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => wanted.test(name)));
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
