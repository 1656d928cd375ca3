/** What `doctor` says of the modules: the rules, and their states where a server runs on this machine. */
import type { Config } from '../../config/load-config.ts';
import { formatBytes } from '../format.ts';
import { ModulesClient } from '../modules-client.ts';
import type { Finding } from './check.ts';

const limitMs = 1_500;

export async function checkModules(config: Config): Promise<Finding[]> {
  const budget =
    config.memoryBudget === 'auto' ? 'whatever memory is free' : formatBytes(config.memoryBudget * 1024 * 1024);
  const rules: Finding = {
    name: 'modules',
    status: 'ok',
    detail: `may take ${budget}; unloaded after ${config.moduleIdleSeconds} s without use${config.unloadLanguage ? '' : ', the language model stays'}`,
  };
  try {
    const client = new ModulesClient(`http://127.0.0.1:${config.port}`, config.apiKeys[0]);
    const running = await client.list(AbortSignal.timeout(limitMs));
    return [
      rules,
      ...running.map(({ name, state, model, resident_bytes: residentBytes, reason }): Finding => {
        const memory = residentBytes === 0 ? '' : `, ${formatBytes(residentBytes)}`;
        const detail = `${state}${model === undefined ? '' : ` (${model})`}${memory}${reason === undefined ? '' : `: ${reason}`}`;
        return { name: `module ${name}`, status: state === 'failed' ? 'warn' : 'ok', detail };
      }),
    ];
  } catch {
    // No server runs here, or not one that tells: nothing is wrong with that.
    return [rules];
  }
}
