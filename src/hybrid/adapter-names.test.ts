/** Models with an adapter: names of the device alone, whatever the cloud serves. */
import { afterEach, describe, expect, it } from 'vitest';
import { ScriptedBackend } from '../../test/support/scripted-backend.ts';
import { makeError } from '../core/errors.ts';
import { chat, collect, setUp, type Setup } from './testing/setup.ts';

let setup: Setup | undefined;
afterEach(() => setup?.close());

const device = () => new ScriptedBackend({ models: ['base', 'edge:clinic', 'edge:taken'] });

describe('the name of an adapter', () => {
  it.each(['edge:clinic', 'EDGE:clinic', 'clinic'])(
    '%s runs on the device, also where the cloud is preferred',
    async (model) => {
      const scripted = device();
      setup = await setUp({ hybrid: { device: scripted } });
      const events = await collect(setup.service, chat(['Hello'], { model }));
      expect(scripted.requests.map((request) => request.model)).toEqual(['edge:clinic']);
      expect(events[0]).toMatchObject({ type: 'response-start', receipt: { target: 'device' } });
      expect(setup.cloud.requests).toHaveLength(0);
    },
  );

  it('keeps its full name where a model of the cloud has the short one', async () => {
    const scripted = device();
    setup = await setUp({ hybrid: { device: scripted }, cloudModels: ['taken', 'edge:clinic'] });
    await collect(setup.service, chat(['Hello'], { model: 'edge:clinic' }));
    await collect(setup.service, chat(['Hello'], { model: 'edge:taken' }));
    expect(scripted.requests.map((request) => request.model)).toEqual(['edge:clinic', 'edge:taken']);
    await collect(setup.service, chat(['Hello'], { model: 'taken' }));
    expect(scripted.requests).toHaveLength(2);
  });

  it('stands in the list of models, with the short name where that is free', async () => {
    setup = await setUp({ hybrid: { device: device() }, cloudModels: ['taken'] });
    const listed = new Map(setup.service.models().map(({ id, aliases }) => [id, aliases]));
    expect(listed.get('edge:clinic')).toEqual(['clinic']);
    expect([...listed.keys()].filter((id) => id === 'taken')).toHaveLength(1);
  });

  it('is never answered by the model alone: unknown is 404, of another model is said', async () => {
    const scripted = device();
    const fault = makeError('adapter_mismatch', { adapter: 'foreign', model: 'base', reason: 'it was made for large' });
    setup = await setUp({
      hybrid: { device: scripted, adapterFault: (name) => (name === 'foreign' ? fault : undefined) },
    });
    const ask = (model: string) => collect(setup!.service, chat(['Hello'], { model }));
    await expect(ask('edge:nothing')).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(ask('edge:foreign')).rejects.toMatchObject({ code: 'adapter_mismatch' });
    expect(scripted.requests).toHaveLength(0);
  });
});
