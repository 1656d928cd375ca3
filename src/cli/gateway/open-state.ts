/** The gateway's database and shared counters, as the configuration names them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../../config/load-config.ts';
import { makeError } from '../../core/errors.ts';
import type { GatewayStore } from '../../gateway/state/gateway-store.ts';
import { PostgresStore } from '../../gateway/state/postgres-store.ts';
import { SqliteStore } from '../../gateway/state/sqlite-store.ts';

/** Not opened yet. @param busyMs how long a writer of the SQLite file waits for another one. Throws `config_invalid`. */
export function newStore(config: Config, busyMs?: number): GatewayStore {
  const url = addressOf(config.stateUrl, config.stateUrlFile, 'state-url-file', /^postgres(ql)?:\/\//);
  if (url !== '') return new PostgresStore({ url });
  return new SqliteStore({
    file: path.join(config.home, 'state', 'gateway.sqlite'),
    ...(busyMs === undefined ? {} : { busyMs }),
  });
}

/** Empty: each gateway counts for itself. Throws `config_invalid`. */
export function countersAddress(config: Config): string {
  return addressOf(config.countersUrl, config.countersUrlFile, 'counters-url-file', /^rediss?:\/\//);
}

/** An address may hold a password, so the error never shows it. */
function addressOf(url: string, file: string, setting: string, form: RegExp): string {
  if (file === '') return url;
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw makeError('config_invalid', { reason: `${setting}: ${file} cannot be read` }, { cause });
  }
  if (form.test(text) && URL.canParse(text)) return text;
  throw makeError('config_invalid', { reason: `${setting}: ${file} must hold one address and nothing else` });
}
