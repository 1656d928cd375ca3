import { expect, it, vi } from 'vitest';
import { ScriptedBackend } from '../../../test/support/scripted-backend.ts';
import { makeError } from '../../core/errors.ts';
import { silentLog } from '../../core/log.ts';
import { LateBackend } from '../../hybrid/late-backend.ts';
import type { BroughtUp } from './bring-up.ts';
import { DeviceModel } from './device-model.ts';

const plan = vi.hoisted(() => ({ tooLarge: '' }));
vi.mock('./plan-engine.ts', () => ({
  planEngine: ({ model }: { model: { entry: { id: string } } }) => {
    if (model.entry.id === plan.tooLarge) throw makeError('model_too_large', { model: model.entry.id } as never);
    return { engine: {}, neededBytes: 1, notes: [] };
  },
}));

type Parts = ConstructorParameters<typeof DeviceModel>[0];

/** A device whose engines say which model they run; `broken` ones do not start. */
async function newDevice({ broken = '' }: { broken?: string } = {}) {
  plan.tooLarge = '';
  const device = new LateBackend('device');
  const events: string[] = [];
  const registered = new Set<string>();
  const entryOf = (id: string) => ({
    id,
    aliases: [],
    modalities: ['text'],
    files: [{ role: 'weights', name: `${id}.gguf` }],
  });
  const parts = {
    application: {
      readHeader: () => Promise.resolve({}),
      availableMemoryBytes: () => 1,
      createEngine: (options: object) => {
        const id = current;
        const backend = new ScriptedBackend({ id: 'device', models: [id] });
        return Object.assign(backend, {
          options,
          pid: 7,
          managedModules: () => [{ name: 'language' }, { name: 'vision' }],
          start: () => {
            events.push(`start ${id}`);
            return id === broken
              ? Promise.reject(makeError('model_file_invalid', { file: id, reason: 'x' }))
              : Promise.resolve();
          },
          dispose: () => {
            events.push(`dispose ${id}`);
            return Promise.resolve();
          },
        });
      },
    },
    store: {
      resolve: (id: string) =>
        id === 'missing'
          ? Promise.reject(makeError('model_not_found', { model: id, available: '' }))
          : Promise.resolve({ entry: entryOf(id), weightsPath: '', sizeBytes: 1, source: id }),
      catalogue: () => [],
    },
    config: { model: 'first', projector: '', memoryBudget: 'auto' },
    log: silentLog,
    signal: new AbortController().signal,
    modules: {
      register: ({ name }: { name: string }) => {
        if (registered.has(name)) throw new Error(`${name} twice`);
        registered.add(name);
      },
      unregister: (name: string) => {
        events.push(`unregister ${name}`);
        registered.delete(name);
        return Promise.resolve();
      },
    },
    device,
    hooks: {
      onPull: () => {},
      onStatistics: () => {},
      onModel: ({ entry }: { entry: { id: string } }) => {
        current = entry.id;
      },
    },
  };
  let current = 'first';
  const model = new DeviceModel(parts as unknown as Parts);
  const started: BroughtUp = await model.start();
  return { model, device, events, started };
}
const unending = new AbortController().signal;
const answering = (device: LateBackend): string[] => device.capabilities().map(({ id }) => id);

it('lets go of one model before the other takes its memory', async () => {
  const { model, device, events } = await newDevice();
  await model.switchTo('second', unending);
  expect(events).toEqual(['start first', 'unregister vision', 'unregister language', 'dispose first', 'start second']);
  expect(model.current()).toBe('second');
  expect(answering(device)).toEqual(['second']);
});

it('comes back to the one before where the other cannot start', async () => {
  const { model, device, events } = await newDevice({ broken: 'second' });
  await expect(model.switchTo('second', unending)).rejects.toMatchObject({ code: 'model_file_invalid' });
  expect(model.current()).toBe('first');
  expect(answering(device)).toEqual(['first']);
  expect(events.at(-1)).toBe('start first');
  expect(events).toContain('dispose second');
});

it('touches nothing for one that is missing or does not fit', async () => {
  const { model, device, events } = await newDevice();
  plan.tooLarge = 'huge';
  await expect(model.switchTo('huge', unending)).rejects.toMatchObject({ code: 'model_too_large' });
  await expect(model.switchTo('missing', unending)).rejects.toMatchObject({ code: 'model_not_found' });
  expect(events).toEqual(['start first']);
  expect(answering(device)).toEqual(['first']);
});

it('does one change at a time', async () => {
  const { model } = await newDevice();
  const first = model.switchTo('second', unending);
  await expect(model.switchTo('third', unending)).rejects.toMatchObject({ code: 'conflict' });
  await first;
  expect(model.current()).toBe('second');
});
