/** Tells of `duanyun optimize` where a model runs as it was published. */
import type { InstalledModel } from '../../core/model-store.ts';
import type { Config } from '../../config/load-config.ts';
import { neededDiskBytes } from '../../engine/optimize/room.ts';
import { tunedName, type TunedFiles } from '../../models/tuned-files.ts';
import type { Store } from '../application.ts';
import { askYesNo, canAsk } from '../ask-yes-no.ts';
import { formatBytes } from '../format.ts';
import type { CommandContext } from '../run-command.ts';
import { optimizeThreads, runOptimize } from './run-optimize.ts';

/**
 * Thread-minutes for a billion parameters: all candidates of 0.5 billion took 10 minutes on two threads, and 29 beside other work. Only to
 * say beforehand how long about it will take; other processors differ.
 */
const threadMinutesPerBillion = 50;

/** The command, or `undefined` where there is nothing to offer: it is fast already, was tried before, or cannot be optimised. */
export async function optimizeOffer(tunedFiles: TunedFiles, model: InstalledModel): Promise<string | undefined> {
  const { entry, weightsPath, source } = model;
  const weights = entry.files.find(({ role }) => role === 'weights');
  if (entry.kind !== undefined || !/\.gguf$/i.test(weights?.name ?? '')) return undefined;
  const name = tunedName(model);
  if ((await tunedFiles.find(name, source)) !== undefined || (await tunedFiles.wasTried(name, source)))
    return undefined;
  return `duanyun optimize ${source.startsWith('file:') ? weightsPath : entry.id}`;
}

export function optimizeMinutes({ entry }: Pick<InstalledModel, 'entry'>, threads: number): number {
  return Math.max(1, Math.round((threadMinutesPerBillion * entry.parameters) / 1e9 / threads));
}

/** One line for a server that starts. */
export function offerLine(command: string, minutes: number): string {
  return `It runs as published. \`${command}\` makes it faster on this machine, once, in about ${minutes} minutes.`;
}

/**
 * After a model was fetched: asks where somebody can answer, and says the command elsewhere.
 *
 * @param flags.optimize true: without asking; false: never ask
 */
export async function offerAfterPull(
  store: Store,
  name: string,
  flags: { optimize?: boolean; json?: true },
  config: Config,
  context: CommandContext,
): Promise<void> {
  const { application, terminal } = context;
  const model = (await store.installed()).find(({ entry }) => entry.id === name);
  const command = model === undefined ? undefined : await optimizeOffer(store.tunedFiles, model);
  if (model === undefined || command === undefined) {
    if (flags.optimize === true) terminal.note(`Nothing to optimise: ${name} is already, or cannot be.\n`);
    return;
  }
  const minutes = optimizeMinutes(model, optimizeThreads(config));
  if (flags.optimize !== true) {
    if (flags.optimize === false || !canAsk(terminal)) {
      terminal.out(`\`${command}\` makes it faster on this machine (about ${minutes} minutes, once).\n`);
      return;
    }
    const disk = formatBytes(neededDiskBytes(await application.readHeader(model.weightsPath)));
    const question = `Optimise it for this machine? About ${minutes} minutes with all cores, ${disk} of disk meanwhile.`;
    if (!(await askYesNo(terminal, question))) {
      terminal.out(`Later: ${command}\n`);
      return;
    }
  }
  await runOptimize(store, model, { for: 'balanced', ...(flags.json ? { json: true } : {}) }, config, context);
}
