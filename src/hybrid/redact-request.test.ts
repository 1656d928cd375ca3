import { afterEach, describe, expect, it } from 'vitest';
import { askedText, say, sendDelta, sendEnd, startStream } from '../../test/support/fake-cloud.ts';
import type { ChatMessage } from '../core/chat.ts';
import { chat, collect, setUp, type Setup, type SetupOptions, targetOf, textOf } from './testing/setup.ts';

const policy = {
  preference: 'prefer_in_cloud',
  thresholds: { preference_margin: 10 },
  privacy: { identifiers: { phone: 'redact', email: 'redact' } },
};
const open: Setup[] = [];
async function newSetup(options: SetupOptions = {}): Promise<Setup> {
  const setup = await setUp({ policy, ...options });
  open.push(setup);
  return setup;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((setup) => setup.close()));
});

describe('redact', () => {
  it('sends placeholders and puts the originals back into the stream, however it is cut', async () => {
    const { service, cloud, receipts } = await newSetup();
    cloud.play = (request, response) => {
      const asked = askedText(request);
      startStream(response);
      for (const character of `Sent to ⟦PHONE_1⟧ and ⟦EMAIL_1⟧: ${asked}`) sendDelta(response, { content: character });
      sendEnd(response, 9);
    };
    const text = 'Please text 13976528143 and mail li.lei@sina.cn that I am late.';
    const events = await collect(service, chat([text]));
    expect(textOf(events)).toBe(`Sent to 13976528143 and li.lei@sina.cn: ${text}`);
    expect(cloud.received).not.toMatch(/13976528143|li\.lei/);
    expect(cloud.received).toContain('⟦PHONE_1⟧');
    expect(receipts[0]).toMatchObject({ target: 'cloud', privacy: 'redact', redactedValues: 2 });
    expect(JSON.stringify(receipts[0])).not.toMatch(/13976528143|li\.lei/);
  });

  it('covers history, tool results and tool arguments, in the answer too', async () => {
    const { service, cloud } = await newSetup();
    cloud.play = (_, response) => {
      startStream(response);
      const call = (fields: object) => sendDelta(response, { tool_calls: [{ index: 0, ...fields }] });
      call({ id: 'x', function: { name: 'dial', arguments: '{"to":"⟦PHO' } });
      call({ function: { arguments: 'NE_1⟧"}' } });
      sendEnd(response, 3, 'tool_calls');
    };
    const history: ChatMessage[] = [
      { role: 'system', content: [{ type: 'text', text: 'The user can be reached at 13976528143.' }] },
      { role: 'user', content: [{ type: 'text', text: 'Who called?' }] },
      { role: 'assistant', content: [], toolCalls: [{ id: 'a', name: 'calls', arguments: '{"from":"13976528143"}' }] },
      { role: 'tool', toolCallId: 'a', content: [{ type: 'text', text: 'missed: 138 0013 8000' }] },
    ];
    const events = await collect(service, chat(history));
    const args = events.flatMap((event) => (event.type === 'tool-call-delta' ? [event.arguments] : [])).join('');
    expect(JSON.parse(args)).toEqual({ to: '13976528143' });
    expect(cloud.bodies).toHaveLength(1);
    expect(cloud.received.replaceAll(/\D/g, '')).not.toContain('13976528143');
  });

  it('is not enough where something else must stay', async () => {
    const { service, cloud } = await newSetup();
    const both = 'Text 13976528143 that my resident ID is 110101199003074258.';
    expect(await targetOf(service, chat([both]))).toBe('device');
    const declared = chat(['Text 13976528143 that I am late.'], { route: { privacy: 'private' } });
    expect(await targetOf(service, declared)).toBe('device');
    expect(cloud.connections).toBe(0);
  });

  it('gives way where a placeholder cannot stand', async () => {
    const { service, cloud } = await newSetup();
    const schema = { type: 'object', description: 'call 13976528143' };
    const format = { type: 'json-schema' as const, name: 'x', schema, strict: false };
    expect(await targetOf(service, chat(['Fill it in.'], { responseFormat: format }))).toBe('device');
    expect(await targetOf(service, chat(['Go on.'], { stop: ['13976528143'] }))).toBe('device');
    expect(cloud.connections).toBe(0);
  });

  it('does not believe a redaction that a second look finds leaking', async () => {
    const { computeSignals } = await import('../signals/signals.ts');
    let looks = 0;
    const { service, cloud } = await newSetup({
      hybrid: {
        compute(request, options) {
          looks++;
          const signals = computeSignals(request, options);
          if (looks === 1)
            return { ...signals, privacy: { ...signals.privacy, findings: signals.privacy.findings.slice(1) } };
          return signals;
        },
      },
    });
    cloud.play = say('never');
    expect(await targetOf(service, chat(['Text 13976528143 and mail li.lei@sina.cn.']))).toBe('device');
    expect(cloud.connections).toBe(0);
  });
});
