import { expect, it } from 'vitest';
import { appParts, postJson } from '../../../test/support/app-client.ts';
import { StandInModels } from '../../../test/support/page-stand-ins.ts';
import { ScriptedBackend } from '../../../test/support/scripted-backend.ts';
import { createApp } from '../app.ts';

const newPart = () => {
  const models = new StandInModels();
  const { hono } = createApp(appParts(new ScriptedBackend(), { admin: models, deviceModel: models }));
  return { models, post: (path: string, body: object) => postJson(hono, path, body) };
};

it('lets another model answer, and frees the disk of one that does not', async () => {
  const { models, post } = newPart();
  expect(await (await post('/v1/models/switch', { model: 'other-1' })).json()).toMatchObject({ model: 'other-1' });
  expect(await (await post('/v1/models/remove', { model: 'small-1' })).json()).toMatchObject({
    freed_bytes: 1_024_000,
  });
  expect([...models.installedIds]).toEqual(['other-1']);
});

it('never removes the model that answers', async () => {
  const { models, post } = newPart();
  const response = await post('/v1/models/remove', { model: 'small-1' });
  expect(response.status).toBe(409);
  expect(await response.json()).toMatchObject({ error: { code: 'conflict' } });
  expect(models.installedIds.has('small-1')).toBe(true);
});

it('takes names only: a path would let a client of the network open files', async () => {
  const { post } = newPart();
  for (const model of ['../../etc/passwd', '/etc/passwd', 'a.gguf/..', '', 3]) {
    for (const path of ['/v1/models/remove', '/v1/models/switch']) {
      expect((await post(path, { model })).status).toBe(400);
    }
  }
});

it('has no switch where nothing can be switched', async () => {
  const { hono } = createApp(appParts(new ScriptedBackend(), { admin: new StandInModels() }));
  expect((await postJson(hono, '/v1/models/switch', { model: 'other-1' })).status).toBe(405);
});
