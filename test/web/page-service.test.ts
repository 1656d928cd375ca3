/** What of the page's questions goes to the server: with pictures and recordings too only what was judged and may leave. */
import { afterEach, expect, it, vi } from 'vitest';
import { PageService } from '../../web/src/in-page/page-service.ts';
import { ServerSide } from '../../web/src/in-page/server-side.ts';
import { EgressVerdicts } from '../../src/cloud/egress-verdicts.ts';
import { systemClock } from '../../src/core/clock.ts';
import { plainRequest } from '../../src/core/plain-request.ts';
import { answer, ScriptedBackend } from '../support/scripted-backend.ts';

const facts = { situation: undefined, isAway: false, key: undefined };
const picture = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AAAA' } };
const streamed = new Response('data: [DONE]\n\n', { headers: { 'content-type': 'text/event-stream' } });

function withPicture(text: string, preference?: 'only_on_device') {
  const messages = [{ role: 'user' as const, content: [{ type: 'text' as const, text }, picture] }];
  return { model: 'auto', messages, ...(preference === undefined ? {} : { preference }) };
}

function setUp() {
  const sent = vi.fn(async () => streamed.clone());
  vi.stubGlobal('fetch', sent);
  const device = new ScriptedBackend({ script: () => answer('here') });
  const service = new PageService(device, () => facts);
  const all = async (question: Parameters<PageService['answer']>[0]): Promise<void> => {
    for await (const _ of service.answer(question, new AbortController().signal));
  };
  return { sent, all };
}
afterEach(() => vi.unstubAllGlobals());

it('sends a picture with a harmless question, and neither with a private one or one that has to stay', async () => {
  const { sent, all } = setUp();
  await all(withPicture('What is the capital of France?'));
  expect(sent).toHaveBeenCalledTimes(1);
  await expect(all(withPicture('My phone number is 13812345678.'))).rejects.toMatchObject({
    code: 'unsupported_modality',
  });
  await expect(all(withPicture('What is this?', 'only_on_device'))).rejects.toMatchObject({
    code: 'unsupported_modality',
  });
  expect(sent).toHaveBeenCalledTimes(1);
});

it.each([
  ['nobody judged', undefined],
  ['a detector failed on', () => Promise.reject(new Error('broken'))],
])('sends nothing of a question that %s', async (_, detect) => {
  const { sent } = setUp();
  const verdicts = new EgressVerdicts({ clock: systemClock });
  const request = plainRequest('one', 'Hello');
  if (detect !== undefined) await verdicts.judge(request, detect);
  const side = new ServerSide(verdicts, () => facts);
  const events = side.askWith(request, withPicture('Hello'), new AbortController().signal);
  await expect(events.next()).rejects.toMatchObject({ code: 'egress_refused' });
  const answered = side.stream(request, { signal: new AbortController().signal })[Symbol.asyncIterator]();
  await expect(answered.next()).rejects.toMatchObject({ code: 'egress_refused' });
  expect(sent).not.toHaveBeenCalled();
});
