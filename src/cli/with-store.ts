/** The model store, for as long as a command works with it. */
import type { Config } from '../config/load-config.ts';
import type { Application, Store } from './application.ts';

/**
 * Opens the store, works, closes it whatever happens.
 *
 * @param options.quietly news do not go to the log: the command shows them in its own way
 */
export async function withStore(
  application: Application,
  config: Config,
  work: (store: Store) => Promise<void>,
  { quietly = false }: { quietly?: boolean } = {},
): Promise<void> {
  const logLevel = quietly && config.logLevel === 'info' ? 'warn' : config.logLevel;
  const store = application.openStore(config, application.openTelemetry({ ...config, logLevel }).log);
  try {
    await work(store);
  } finally {
    await store.dispose();
  }
}
