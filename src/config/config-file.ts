/** Reads the YAML file of settings and keeps the line of each, so that an error can name it. */
import { readFileSync } from 'node:fs';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { makeError } from '../core/errors.ts';
import { nearestName } from './nearest-name.ts';
import { kebabName } from './setting.ts';
import { settingKeys, settings, type SettingKey } from './settings.ts';

/** A raw value and where it came from, for people: `--port`, `DUANYUN_PORT`, `/home/me/config.yaml:3`. */
export type SourcedValue = { value: unknown; origin: string };
export type SourcedValues = Partial<Record<SettingKey, SourcedValue>>;

/**
 * The settings in the file.
 * Throws `config_invalid` for a file that cannot be read or parsed, and for keys that are no setting.
 */
export function readConfigFile(path: string): SourcedValues {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw makeError('config_invalid', { reason: `${path} cannot be read` }, { cause: error });
  }
  return parseConfigText(text, path);
}

/** @param path for the messages only */
export function parseConfigText(text: string, path: string): SourcedValues {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fault = document.errors[0];
  if (fault !== undefined) {
    throw makeError('config_invalid', { reason: `${path}:${lines.linePos(fault.pos[0]).line}: ${fault.message}` });
  }
  const values: SourcedValues = {};
  if (document.contents === null) return values;
  if (!isMap(document.contents)) {
    throw makeError('config_invalid', { reason: `${path}:1: expected lines of the form "name: value"` });
  }
  const plain = document.toJS() as Record<string, unknown>;
  for (const { key } of document.contents.items) {
    const name = isScalar(key) ? String(key.value) : '?';
    const origin = `${path}:${lines.linePos(isScalar(key) ? (key.range?.[0] ?? 0) : 0).line}`;
    const settingKey = fileKeys.get(name);
    if (settingKey === undefined) {
      const hint = nearestName(name, [...fileKeys.keys()]);
      throw makeError('config_invalid', {
        reason: `${origin}: there is no setting ${name}${hint === undefined ? '' : ` (did you mean ${hint}?)`}`,
      });
    }
    values[settingKey] = { value: plain[name], origin: `${origin}: ${name}` };
  }
  return values;
}

/** Secrets are not taken from the file: it is made to be shown and shared; `api-key-file` names a file for them. */
const fileKeys = new Map<string, SettingKey>(
  settingKeys.filter((key) => settings[key].from !== 'variable').map((key) => [kebabName(key), key]),
);
