import type { Hono } from 'hono';
import type { DeviceModelSwitch, ModelAdministration, PullEvent } from '../../core/model-store.ts';
import { makeError } from '../../core/errors.ts';
import { errorBody } from '../../protocol/error-body.ts';
import { parseWire } from '../../protocol/parse-wire.ts';
import { pullSchema, removeSchema, switchSchema } from '../../protocol/pull.ts';
import { dataFrame, doneFrame } from '../../protocol/sse.ts';
import { abortWithClient } from '../answer-request.ts';
import { admit, type Entry, type EntryContext, type EntryEnv, finishRequest } from '../entry.ts';
import { normalised } from '../error-response.ts';
import { readJson } from '../read-body.ts';
import { runAdmitted } from '../progress-stream.ts';
import { baseHeaders, json } from '../respond.ts';
import { sseBody } from '../sse-body.ts';

/** What fetches and shows models: there only when the server has a model store. */
export function addAdministrationRoutes(
  app: Hono<EntryEnv>,
  entry: Entry,
  admin: ModelAdministration,
  device?: DeviceModelSwitch,
): void {
  app.get('/v1/duanyun/catalogue', async (c) => {
    const installed = new Map((await admin.installed()).map((model) => [model.entry.id, model.sizeBytes]));
    const data = admin.catalogue().map((model) => {
      const state = { installed: installed.has(model.id), installedBytes: installed.get(model.id) ?? 0 };
      return Object.assign(state, model);
    });
    return json(c, { object: 'list', data });
  });

  app.post('/v1/models/pull', async (c) => {
    const { model } = parseWire(pullSchema, await readJson(c, entry.options));
    return pull(entry, c, admin, model);
  });

  app.post('/v1/models/remove', async (c) => {
    const { model } = parseWire(removeSchema, await readJson(c, entry.options));
    const current = device?.current();
    const named = admin.catalogue().find(({ id, aliases }) => id === model || aliases.includes(model));
    if (current !== undefined && (named?.id ?? model) === current) {
      throw makeError('conflict', { reason: `${current} is the model that answers: switch to another one first.` });
    }
    return json(c, { status: 'removed', freed_bytes: await admin.remove(model) });
  });

  if (device === undefined) return;
  app.post('/v1/models/switch', async (c) => {
    const { model } = parseWire(switchSchema, await readJson(c, entry.options));
    await runAdmitted(entry, c, (signal) => device.switchTo(model, signal));
    return json(c, { status: 'switched', model: device.current() ?? model });
  });
}

/** Progress as server-sent events: one `PullEvent` each, then `[DONE]`. What fails first is an HTTP status. */
async function pull(entry: Entry, c: EntryContext, admin: ModelAdministration, model: string): Promise<Response> {
  const controller = new AbortController();
  const leave = admit(entry, controller);
  const unlink = abortWithClient(c, controller);
  const release = (): void => {
    unlink();
    leave();
  };
  let events: AsyncIterator<PullEvent>;
  let first: IteratorResult<PullEvent> | undefined;
  try {
    events = admin.pull(model, { signal: controller.signal })[Symbol.asyncIterator]();
    first = await events.next();
  } catch (error) {
    release();
    throw normalised(error, c.get('requestId'), controller.signal);
  }
  c.set('streaming', true);
  const body = sseBody(
    {
      async next() {
        try {
          const result = first ?? (await events.next());
          first = undefined;
          if (result.done === true) return { frames: doneFrame, last: true };
          return { frames: dataFrame(JSON.stringify(result.value)), last: false };
        } catch (error) {
          const failure = normalised(error, c.get('requestId'), controller.signal);
          entry.log.warn({ requestId: c.get('requestId'), code: failure.code, detail: failure.detail }, 'pull failed');
          return { frames: dataFrame(JSON.stringify(errorBody(failure))), last: true };
        }
      },
      abandon() {
        controller.abort(makeError('client_closed', {}));
        release();
        finishRequest(entry, c, 499);
        c.env?.outgoing?.destroy();
        return c.env?.outgoing !== undefined;
      },
      finished() {
        release();
        finishRequest(entry, c, 200);
      },
    },
    { ...entry.options, keepAliveFirst: false },
  );
  return new Response(body, {
    headers: { ...baseHeaders(c), 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
  });
}
