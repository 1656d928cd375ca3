/** What one setting is: its value's type, its names in flags, variables and the file, its default and its help text. */
import type { z } from 'zod';

/** Which commands take the flag. */
export type SettingGroup = 'general' | 'store' | 'engine' | 'server' | 'cloud' | 'keys';

/** How a text from a flag or a variable becomes a value, before the schema looks at it. */
export type SettingKind = 'text' | 'number' | 'switch' | 'list';

export type Setting<Schema extends z.ZodType = z.ZodType> = {
  group: SettingGroup;
  kind: SettingKind;
  schema: Schema;
  default: z.output<Schema>;
  /** For the error message: 'a port, 0–65535'. */
  expects: string;
  /** Name of the value in the help: `--port <number>`. Absent for switches. */
  placeholder?: string;
  help: string;
  /** Variables by other names that are read when the own one is not set, first wins. */
  alsoVariables?: readonly string[];
  /** `variable`: no flag, because every process on the machine can read the flags of another. Default `all`. */
  from?: 'all' | 'variable';
};

/** Keeps the schema's type; `settings` needs no annotation for each entry. */
export function setting<Schema extends z.ZodType>(definition: Setting<Schema>): Setting<Schema> {
  return definition;
}

/** `maxBodyMib` → `max-body-mib`: the flag without its dashes, and the key in the file. */
export function kebabName(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `maxBodyMib` → `DUANYUN_MAX_BODY_MIB`. */
export function variableName(key: string): string {
  return `DUANYUN_${kebabName(key).replaceAll('-', '_').toUpperCase()}`;
}

/** The value that a text stands for; a text that is none of its kind stays as it is, and the schema refuses it. */
export function valueOfText(kind: SettingKind, text: string): unknown {
  switch (kind) {
    case 'text':
      return text;
    case 'number':
      return /^[+-]?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
    case 'switch':
      if (/^(1|true|yes|on)$/i.test(text)) return true;
      return /^(0|false|no|off|)$/i.test(text) ? false : text;
    case 'list':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
  }
}
