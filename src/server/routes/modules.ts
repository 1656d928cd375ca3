import type { Hono } from 'hono';
import type { ModuleAdministration } from '../../core/modules.ts';
import { moduleBody, moduleListBody } from '../../protocol/module-list.ts';
import { abortWithClient } from '../answer-request.ts';
import { admit, type Entry, type EntryEnv } from '../entry.ts';
import { normalised } from '../error-response.ts';
import { json } from '../respond.ts';

/** Shows, loads and unloads the parts of the device engine. */
export function addModuleRoutes(app: Hono<EntryEnv>, entry: Entry, modules: ModuleAdministration): void {
  app.get('/v1/modules', (c) => json(c, moduleListBody(modules.list())));

  for (const action of ['load', 'unload'] as const) {
    app.post(`/v1/modules/:name/${action}`, async (c) => {
      const controller = new AbortController();
      const leave = admit(entry, controller);
      const unlink = abortWithClient(c, controller);
      try {
        return json(c, moduleBody(await modules[action](c.req.param('name'), controller.signal)));
      } catch (error) {
        throw normalised(error, c.get('requestId'), controller.signal);
      } finally {
        unlink();
        leave();
      }
    });
  }
}
