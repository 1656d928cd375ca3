import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeError } from '../../../core/errors.ts';
import { convertWhisper } from '../../../models/whisper/convert-whisper.ts';

/** Raised whenever the converter writes something else: older files are made anew. */
const conversionVersion = 6;

const configurationSchema = z.object({
  alignment_heads: z.array(z.tuple([z.int(), z.int()])),
  suppress_ids: z.array(z.int()),
});

/** The files written for the base model. */
const neededMib = 230;

export type PreparedWhisper = { encoder: string; decoder: string; suppressed: number[]; alignmentHeads: number };

/** The ONNX files of a Whisper, made on the first call and found afterwards. */
export async function prepareWhisper(options: {
  weightsPath: string;
  configurationPath: string;
  derivedDirectory: string;
}): Promise<PreparedWhisper> {
  const configuration = await readConfiguration(options.configurationPath);
  const directory = join(options.derivedDirectory, `onnx-${conversionVersion}`);
  const paths = { encoder: join(directory, 'encoder.onnx'), decoder: join(directory, 'decoder.onnx') };
  const { suppress_ids: suppressed, alignment_heads: heads } = configuration;
  const found = { ...paths, suppressed, alignmentHeads: heads.length };
  if ((await stat(directory).catch(() => undefined)) !== undefined) return found;
  // Whole or not at all: several processes may do this at once, and any may be killed.
  const scratch = `${directory}.${process.pid}`;
  await mkdir(scratch, { recursive: true });
  try {
    await convertWhisper(
      options.weightsPath,
      { encoder: join(scratch, 'encoder.onnx'), decoder: join(scratch, 'decoder.onnx') },
      { encoder: 'float32', decoder: 'float32', suppressed, alignmentHeads: heads },
    );
    await rename(scratch, directory).catch(async (error: unknown) => {
      if ((await stat(directory).catch(() => undefined)) === undefined) throw error;
    });
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOSPC') {
      throw makeError('disk_full', { path: 'the store', neededMiB: neededMib, availableMiB: 'too little' });
    }
    throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return found;
}

async function readConfiguration(path: string): Promise<z.infer<typeof configurationSchema>> {
  try {
    return configurationSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw makeError(
      'model_file_invalid',
      { file: 'config.json', reason: 'not a Whisper configuration' },
      { cause: error },
    );
  }
}
