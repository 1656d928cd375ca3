/** Runs a search and shows it; `duanyun optimize` and `duanyun pull` both do. */
import { writeFile } from 'node:fs/promises';
import { makeError } from '../../core/errors.ts';
import type { InstalledModel } from '../../core/model-store.ts';
import { systemClock } from '../../core/clock.ts';
import type { Config } from '../../config/load-config.ts';
import type { BetterSource } from '../../engine/optimize/better-source.ts';
import type { OptimizeGoal } from '../../engine/optimize/choose-recipe.ts';
import type { OptimizeResult } from '../../engine/optimize/optimizer.ts';
import { tunedName } from '../../models/tuned-files.ts';
import type { Store } from '../application.ts';
import { countPhysicalCores } from '../device/physical-cores.ts';
import { watchInterrupts } from '../interrupts.ts';
import { PullProgress } from '../pull-progress.ts';
import { resolveOrPull } from '../resolve-or-pull.ts';
import { readUserFile } from '../user-file.ts';
import type { CommandContext } from '../run-command.ts';
import { OptimizeProgress } from './optimize-progress.ts';
import { candidateTable, outcomeText } from './result-text.ts';

/** Far more than is read of it. */
const mostTextMib = 1;

export type OptimizeFlags = {
  for: OptimizeGoal;
  /** File or model to round from and measure against. */
  source?: string;
  /** File to measure quality on. */
  text?: string;
  all?: true;
  plot?: string;
  candidates?: string[];
  prune?: number[];
  again?: true;
  json?: true;
};

export function optimizeThreads({ threads }: Pick<Config, 'threads'>): number {
  return threads === 'auto' ? Math.min(8, countPhysicalCores()) : threads;
}

/** @param model as published */
export async function runOptimize(
  store: Store,
  model: InstalledModel,
  flags: OptimizeFlags,
  config: Config,
  { application, terminal }: CommandContext,
): Promise<void> {
  const { betterSource } = model.entry;
  if (flags.source === undefined && betterSource !== undefined && flags.json !== true) {
    terminal.note(`Where a hub can be reached, --source ${betterSource} rounds from a better file.\n`);
  }
  const interrupts = watchInterrupts(() => process.exit(130));
  const progress = new OptimizeProgress(terminal);
  let result: OptimizeResult;
  try {
    const text = flags.text === undefined ? undefined : await readText(flags.text);
    const better = flags.source === undefined ? undefined : await findBetterSource(flags.source);
    result = await application.optimize(
      {
        model: tunedName(model),
        sourcePath: model.weightsPath,
        source: model.source,
        goal: flags.for,
        threads: optimizeThreads(config),
        tunedFiles: store.tunedFiles,
        availableBytes: application.availableMemoryBytes(),
        signal: interrupts.signal,
        measureAll: flags.all === true,
        measureAgain: flags.again === true,
        ...(better === undefined ? {} : { better }),
        ...(text === undefined ? {} : { text }),
        ...(flags.candidates === undefined ? {} : { only: flags.candidates }),
        ...(flags.prune === undefined ? {} : { pruneLayers: flags.prune }),
        onEvent: (event) => {
          if (flags.json) terminal.out(`${JSON.stringify(event)}\n`);
          else progress.show(event);
        },
      },
      config,
    );
  } finally {
    progress.clear();
    interrupts.dispose();
  }
  if (flags.plot !== undefined) {
    // The charts are megabytes, and no part of the gateway's image: loaded where one is drawn.
    const { speedPlot } = await import('./speed-plot.ts');
    await writePlot(flags.plot, speedPlot(model.entry.displayName, result));
  }
  if (flags.json) terminal.out(`${JSON.stringify({ type: 'optimize-done', ...result })}\n`);
  else terminal.out(`${candidateTable(result)}\n${outcomeText(model.entry.id, flags.for, result)}\n`);

  async function findBetterSource(name: string): Promise<BetterSource> {
    const pulling = new PullProgress(terminal, systemClock);
    try {
      const { weightsPath, source } = await resolveOrPull(store, name, {
        signal: interrupts.signal,
        onPull: (event) => {
          if (flags.json) terminal.out(`${JSON.stringify(event)}\n`);
          else pulling.show(event);
        },
      });
      return { path: weightsPath, identity: source, name };
    } finally {
      pulling.clear();
    }
  }
}

/** Throws `invalid_request` for what is no text. */
async function readText(file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readUserFile(file, mostTextMib));
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw makeError('invalid_request', { reason: `The file ${file} is not text in UTF-8.` }, { cause });
  }
}

async function writePlot(file: string, svg: string): Promise<void> {
  await writeFile(file, svg).catch((cause: unknown) => {
    throw makeError('config_invalid', { reason: `--plot: ${file} cannot be written` }, { cause });
  });
}
