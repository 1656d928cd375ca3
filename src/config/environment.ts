/** Reads settings from variables. The process's own environment is read in `load-config.ts` only. */
import { makeError } from '../core/errors.ts';
import type { SourcedValues } from './config-file.ts';
import { nearestName } from './nearest-name.ts';
import { valueOfText, variableName, type Setting } from './setting.ts';
import { settingKeys, settings } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables of this prefix that are no settings: where the state lies, and what the examples and the tests read. */
const otherVariables = ['DUANYUN_HOME', 'DUANYUN_CONFIG', 'DUANYUN_BASE_URL'];
/** Kubernetes gives every container variables about each service, and a service may be called duanyun. */
const foreignVariable = /^DUANYUN_(TEST_|SERVICE_|PORT_\d)/;

/** Throws `config_invalid` for a `DUANYUN_…` variable that means nothing: a mistyped name must not be ignored. */
export function readEnvironment(environment: Environment): SourcedValues {
  refuseUnknown(environment);
  const values: SourcedValues = {};
  for (const key of settingKeys) {
    const definition: Setting = settings[key];
    for (const name of [variableName(key), ...(definition.alsoVariables ?? [])]) {
      const text = environment[name];
      if (text === undefined || text === '' || isServiceAddress(name, text)) continue;
      values[key] = { value: valueOfText(definition.kind, text), origin: name };
      break;
    }
  }
  return values;
}

function refuseUnknown(environment: Environment): void {
  const known = [...settingKeys.map(variableName), ...otherVariables];
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('DUANYUN_') || known.includes(name) || foreignVariable.test(name)) continue;
    const hint = nearestName(
      name.slice(8),
      known.map((each) => each.slice(8).replaceAll('_', '-').toLowerCase()),
    );
    const meant = hint === undefined ? '' : ` (did you mean ${variableName(hint)}?)`;
    throw makeError('config_invalid', { reason: `there is no variable ${name}${meant}` });
  }
}

/** What Kubernetes writes into `DUANYUN_PORT`. */
function isServiceAddress(name: string, text: string): boolean {
  return name === 'DUANYUN_PORT' && text.startsWith('tcp://');
}
