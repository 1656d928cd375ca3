/** Flags of the commands, made from the table of settings. */
import { Option, type Command } from 'commander';
import { loadConfig, type Config, type Flags } from '../config/load-config.ts';
import { kebabName, variableName, type Setting, type SettingGroup } from '../config/setting.ts';
import { settingKeys, settings } from '../config/settings.ts';

/** Adds `--config` and the flags of the groups. */
export function addSettings(command: Command, groups: readonly SettingGroup[]): Command {
  command.option('--config <path>', 'Settings file (default: config.yaml in DUANYUN_HOME; variable DUANYUN_CONFIG).');
  for (const key of settingKeys) {
    const definition: Setting = settings[key];
    if (definition.from === 'variable' || !groups.includes(definition.group)) continue;
    const value = definition.placeholder === undefined ? '' : ` <${definition.placeholder}>`;
    const option = new Option(`--${kebabName(key)}${value}`, helpOf(definition, variableName(key)));
    // Given more than once, a list grows.
    if (definition.kind === 'list')
      option.argParser((text, before?: string) => [before, text].filter(Boolean).join(','));
    command.addOption(option);
  }
  return command;
}

/** The configuration that the command's flags, the environment and the file make. Throws `config_invalid`. */
export function configOf(command: Command): Config {
  return loadConfig(command.opts<Flags>());
}

function helpOf({ help, default: fallback }: Setting, variable: string): string {
  const shown = Array.isArray(fallback) ? fallback.join(',') : String(fallback);
  return `${help} (${shown === '' || fallback === false ? '' : `default ${shown}; `}variable ${variable})`;
}
