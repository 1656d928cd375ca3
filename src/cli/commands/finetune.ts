import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Option, type Command } from 'commander';
import type { Adapter } from '../../core/adapters.ts';
import { makeError } from '../../core/errors.ts';
import type { InstalledModel } from '../../core/model-store.ts';
import type { FinetuneResult } from '../../engine/finetune/finetune.ts';
import type { Store } from '../application.ts';
import { addSettings, configOf } from '../command-options.ts';
import { countPhysicalCores } from '../device/physical-cores.ts';
import { FinetuneProgress } from '../finetune/finetune-progress.ts';
import { formatDuration } from '../format.ts';
import { InterruptedError, watchInterrupts } from '../interrupts.ts';
import type { CommandContext } from '../run-command.ts';
import { withStore } from '../with-store.ts';
import { usage } from './adapters.ts';

type Flags = {
  data: string;
  name?: string;
  epochs: number;
  learningRate: number;
  rank: number;
  validation: number;
  maxTokens: number;
  patience: number;
  seed: number;
  cpuShare: number;
  replace?: true;
  restart?: true;
  json?: true;
};

const help = `
The data is one JSON object a line: {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}.
Every line is checked before anything is trained. Only the tokens of the answers are learnt. Nothing leaves this device.

Ctrl-C keeps what was reached; the same command goes on from there, also after a kill or a power cut.
A server that runs meanwhile comes first. Afterwards: "model": "edge:NAME".
`;

export function addFinetuneCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('finetune')
    .description('Train an adapter (LoRA) on this device, from chats.')
    .requiredOption('--data <file>', 'Chats to learn from (JSONL).')
    .option('--model <model>', 'Model to train it for: id, alias or path. Default: the one that the settings name.')
    .option('--name <name>', 'Name of the adapter. Default: that of the data file.')
    .option('--epochs <count>', 'Times that it goes through the data, at most.', wholeNumber(1, 1000), 4)
    .option('--learning-rate <rate>', 'How strongly it learns from one example.', between(1e-7, 1), 5e-4)
    .option('--rank <rank>', 'Size of the adapter.', wholeNumber(1, 256), 8)
    .option('--validation <share>', 'Share of the examples that is kept apart to check by.', between(0.01, 0.5), 0.15)
    .option('--max-tokens <count>', 'Longer examples are cut.', wholeNumber(32, 8192), 512)
    .option('--patience <epochs>', 'Ends after so many epochs without a better check.', wholeNumber(1, 1000), 2)
    .option('--seed <seed>', 'The same seed and data give the same adapter.', wholeNumber(1, 2 ** 31 - 1), 7)
    .addOption(
      new Option('--cpu-share <share>', 'Share of the processor to use.').argParser(between(0.05, 1)).default(1),
    )
    .option('--replace', 'Take the place of an adapter of that name.')
    .option('--restart', 'Forget what an interrupted training of that name reached.')
    .option('--json', 'Print each event, and the result, as a line of JSON.')
    .addHelpText('after', help)
    .action(async () => {
      const config = configOf(command);
      await withStore(
        context.application,
        config,
        async (store) => train(store, await store.resolve(config.model), command, context),
        { quietly: true },
      );
    });
  addSettings(command, ['general']);
}

async function train(
  store: Store,
  model: InstalledModel,
  command: Command,
  { application, terminal }: CommandContext,
): Promise<void> {
  const flags = command.opts<Flags>();
  const config = configOf(command);
  const name = flags.name ?? nameOf(flags.data);
  store.adapters.requireFree(name, flags.replace === true);
  const data = await readFile(flags.data).catch((cause: unknown) => {
    throw makeError('not_found', { what: `The file ${path.basename(flags.data)}` }, { cause });
  });
  const interrupts = watchInterrupts(() => process.exit(130));
  const progress = new FinetuneProgress(terminal);
  let result: FinetuneResult;
  try {
    result = await application.finetune(
      {
        ...flags,
        name,
        model,
        data,
        file: path.basename(flags.data),
        root: path.join(config.home, 'training'),
        validationShare: flags.validation,
        mostTokens: flags.maxTokens,
        cores: countPhysicalCores(),
        restart: flags.restart === true,
        availableBytes: application.availableMemoryBytes(),
        signal: interrupts.signal,
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
  if (result.kind === 'paused') {
    if (flags.json) terminal.out(`${JSON.stringify({ type: 'paused', name, step: result.progress.step })}\n`);
    else terminal.note(`Stopped after ${result.progress.step} steps. The same command goes on from there.\n`);
    throw new InterruptedError(interrupts.first ?? 'SIGINT');
  }
  const adapter = await keep(store, model, name, flags, result);
  if (flags.json) terminal.out(`${JSON.stringify({ type: 'finetune-done', reason: result.reason, adapter })}\n`);
  else terminal.out(`${outcomeText(adapter, result)}${usage(adapter)}`);
}

/** Curve and figures beside the adapter; then what was on the way is no longer needed. */
async function keep(
  store: Store,
  model: InstalledModel,
  name: string,
  { replace }: Flags,
  { adapterPath, progress, workFolder, trainExamples, validationExamples }: FinetuneResult,
): Promise<Adapter> {
  const [before] = progress.checks;
  if (adapterPath === undefined || before === undefined || progress.best === undefined) {
    const reason = 'the loss on the examples kept apart never fell, so no adapter was kept';
    throw makeError('training_failed', {
      reason,
      advice: 'Try a smaller --learning-rate, or more examples, with --restart.',
    });
  }
  // The charts are megabytes: loaded where one is drawn.
  const { lossCurve, lossPage } = await import('../finetune/loss-curve.ts');
  const svg = lossCurve(name, progress);
  const extras = new Map<string, string>();
  for (const [file, text] of [
    ['loss.svg', svg],
    ['loss.html', lossPage(name, progress, svg)],
    ['training.json', `${JSON.stringify(progress)}\n`],
  ] as const) {
    extras.set(file, path.join(workFolder, file));
    await writeFile(path.join(workFolder, file), text);
  }
  const adapter = await store.adapters.add(
    {
      name,
      file: adapterPath,
      model,
      origin: 'trained',
      createdAt: new Date(),
      replace: replace === true,
      extras,
      training: {
        examples: trainExamples,
        validationExamples,
        epochs: progress.epoch,
        steps: progress.step,
        validationLossBefore: before.loss,
        validationLossAfter: progress.best.loss,
        trainedSeconds: progress.trainedMs / 1000,
      },
    },
    new AbortController().signal,
  );
  await rm(workFolder, { recursive: true, force: true });
  return adapter;
}

function outcomeText({ name, training }: Adapter, { progress, reason }: FinetuneResult): string {
  if (training === undefined) return '';
  const { validationLossBefore: before, validationLossAfter: after, trainedSeconds, steps } = training;
  const ended = reason === 'early-stop' ? ', ended early: the checks no longer got better' : '';
  const change = `${before.toFixed(3)} → ${after.toFixed(3)} (${Math.round((1 - after / before) * 100)} % less) after epoch ${progress.best?.epoch}`;
  return `${name}: ${steps} steps in ${formatDuration(trainedSeconds)}${ended}. Loss on the examples kept apart: ${change}.\n`;
}

function nameOf(file: string): string {
  return path
    .basename(file)
    .replace(/\.\w+$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '');
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw makeError('config_invalid', { reason: `${text} is no whole number from ${least} to ${most}` });
  };
}

function between(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most) return value;
    throw makeError('config_invalid', { reason: `${text} is no number from ${least} to ${most}` });
  };
}
