import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../config/load-config.ts';
import type { ModelEntry } from '../../core/catalogue.ts';
import type { InstalledModel } from '../../core/model-store.ts';
import type { OptimizeOptions, OptimizeResult } from '../../engine/optimize/optimizer.ts';
import type { GgufHeader } from '../../models/gguf.ts';
import { TunedFiles } from '../../models/tuned-files.ts';
import type { Application, Store } from '../application.ts';
import type { CommandContext } from '../run-command.ts';
import { offerAfterPull, optimizeMinutes } from './offer.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'duanyun-offer-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

function modelOf(changed: Partial<ModelEntry> = {}, weights = 'model.gguf'): InstalledModel {
  const files = [{ role: 'weights', name: weights, sources: [] }];
  const entry = { id: 'some-model', displayName: 'Some model', parameters: 5e8, files, ...changed } as ModelEntry;
  // The store names files by their hash.
  return { entry, weightsPath: '/blobs/0a1b', sizeBytes: 1, source: 'sha256:abc' };
}

const nothingBetter: OptimizeResult = {
  sourceBytes: 1,
  sourcePerplexity: 10,
  candidates: [],
  klLimit: 0,
  tuned: undefined,
};

/** Pulls `model` as far as the offer is concerned; `answer` is what is typed on a terminal, `undefined`: there is none. */
async function offer(
  model: InstalledModel,
  { answer, flags = {} }: { answer?: string; flags?: { optimize?: boolean; json?: true } } = {},
) {
  let out = '';
  const input = Object.assign(new PassThrough(), { isTTY: answer !== undefined });
  if (answer !== undefined) input.end(answer);
  const optimize = vi.fn<(options: Omit<OptimizeOptions, 'environment'>) => Promise<OptimizeResult>>(() =>
    Promise.resolve(nothingBetter),
  );
  const header = { fileSizeBytes: 1e8, tensors: [] } as Partial<GgufHeader> as GgufHeader;
  const application = {
    optimize,
    readHeader: () => Promise.resolve(header),
    availableMemoryBytes: () => 1e9,
  } as Partial<Application> as Application;
  const write = (text: string) => {
    out += text;
  };
  const terminal = {
    out: write,
    note: write,
    outIsTerminal: answer !== undefined,
    noteIsTerminal: false,
    columns: () => 80,
    input,
  };
  const store = {
    tunedFiles: new TunedFiles(home, 'this device'),
    installed: () => Promise.resolve([model]),
  } as Partial<Store> as Store;
  const context: CommandContext = { application, terminal, exitCode: 0 };
  await offerAfterPull(store, model.entry.id, flags, loadConfig({ threads: '2' }, { DUANYUN_HOME: home }), context);
  return { out, optimize };
}

describe('the offer after a pull', () => {
  it('asks on a terminal, with the time and the disk it takes, and does it on yes', async () => {
    const { out, optimize } = await offer(modelOf(), { answer: 'y\n' });
    expect(out).toMatch(/About 13 minutes .* 572\.2 MiB of disk .*\[y\/N\]/);
    expect(optimize).toHaveBeenCalledWith(
      expect.objectContaining({ goal: 'balanced', sourcePath: '/blobs/0a1b' }),
      expect.anything(),
    );
  });

  it.each(['\n', 'n\n', ''])('does nothing on %j and says the command', async (answer) => {
    const { out, optimize } = await offer(modelOf(), { answer });
    expect(optimize).not.toHaveBeenCalled();
    expect(out).toContain('Later: duanyun optimize some-model');
  });

  it('says the command in one line where nobody can answer, or is not to be asked', async () => {
    for (const options of [{}, { flags: { optimize: false }, answer: 'y\n' }]) {
      const { out, optimize } = await offer(modelOf(), options);
      expect(out.trim().split('\n')).toHaveLength(1);
      expect(out).toContain('`duanyun optimize some-model`');
      expect(optimize).not.toHaveBeenCalled();
    }
  });

  it('does it without asking where the flag says so', async () => {
    expect((await offer(modelOf(), { flags: { optimize: true } })).optimize).toHaveBeenCalledOnce();
  });

  it('says nothing of a model that was tried, or is no language model', async () => {
    expect((await offer(modelOf({ kind: 'speech' }, 'model.bin'), { answer: 'y\n' })).out).toBe('');
    await new TunedFiles(home, 'this device').noteTried('some-model', 'sha256:abc');
    expect((await offer(modelOf(), { answer: 'y\n' })).out).toBe('');
    expect((await offer({ ...modelOf(), source: 'sha256:new' })).out).not.toBe('');
  });
});

describe('optimizeMinutes', () => {
  it('follows the size of the model and the threads', () => {
    expect(optimizeMinutes(modelOf({ parameters: 1.5e9 }), 4)).toBe(19);
    expect(optimizeMinutes(modelOf({ parameters: 1e6 }), 8)).toBe(1);
  });
});
