import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { answer } from '../../test/support/scripted-backend.ts';
import type { ChatMessage } from '../core/chat.ts';
import { silentLog } from '../core/log.ts';
import { ConversationTaint } from './conversation-taint.ts';
import { openTaint } from './taint-file.ts';
import {
  assistant,
  chat,
  collect,
  setUp,
  type Setup,
  type SetupOptions,
  targetOf,
  textOf,
  user,
} from './testing/setup.ts';

const open: Setup[] = [];
async function newSetup(options: SetupOptions = {}): Promise<Setup> {
  const setup = await setUp(options);
  open.push(setup);
  return setup;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((setup) => setup.close()));
});

const privateTurn = '我叫王建国，身份证号110101199003074258，帮我填表';

/** One more turn of a stateless client: sends everything, keeps the answer. */
async function turn({ service }: Setup, history: ChatMessage[], text: string): Promise<string> {
  history.push(user(text));
  const events = await collect(service, chat([...history]));
  history.push(assistant(textOf(events)));
  const [start] = events;
  return start?.type === 'response-start' ? (start.receipt?.target ?? '') : '';
}

describe('a conversation that was private once', () => {
  it('stays on the device for the rest of a hundred turns with one private turn in the middle', async () => {
    const setup = await newSetup();
    setup.device.script = (request) => answer(`Answer number ${request.id} with some words in it, to be told apart.`);
    const history: ChatMessage[] = [];
    const targets: string[] = [];
    for (let number = 1; number <= 100; number++) {
      const text = number === 50 ? privateTurn : `Question number ${number}: what do you think of it?`;
      targets.push(await turn(setup, history, text));
    }
    expect(new Set(targets.slice(0, 49))).toEqual(new Set(['cloud']));
    expect(new Set(targets.slice(49))).toEqual(new Set(['device']));
    expect(setup.cloud.received).not.toMatch(/110101199003074258|王建国/);
    expect(setup.cloud.bodies).toHaveLength(49);
  });

  it('is recognised when the client drops the private turn itself', async () => {
    const setup = await newSetup();
    setup.device.script = () => answer('Dear office, I hereby ask for the form to be corrected at once.');
    const history: ChatMessage[] = [];
    expect(await turn(setup, history, privateTurn)).toBe('device');
    expect(await turn(setup, history, 'make it shorter')).toBe('device');
    const window = [...history.slice(1), user('now in English')];
    expect(await targetOf(setup.service, chat(window))).toBe('device');
    expect(setup.cloud.connections).toBe(0);
  });

  it('is recognised where its answer is quoted, as title generators do', async () => {
    const setup = await newSetup();
    const letter = '尊敬的办事处：本人因搬家需要更正登记信息，请尽快办理并回复。';
    setup.device.script = () => answer(`好的。${letter}`);
    await turn(setup, [], privateTurn);
    const title = chat([`Write a title of five words for this chat:\nASSISTANT: 好的。${letter} 此致敬礼。`]);
    expect(await targetOf(setup.service, title)).toBe('device');
    expect(setup.cloud.connections).toBe(0);
  });

  it('is recognised when only a tool result is private', async () => {
    const setup = await newSetup();
    const call: ChatMessage = {
      role: 'assistant',
      content: [],
      toolCalls: [{ id: 'c1', name: 'lookup', arguments: '{"q":"customer 7"}' }],
    };
    const result: ChatMessage = {
      role: 'tool',
      toolCallId: 'c1',
      content: [{ type: 'text', text: '{"name":"王建国","id":"110101199003074258","phone":"13800138000"}' }],
    };
    const request = chat(['Who is customer 7?', call, result]);
    expect(await targetOf(setup.service, request)).toBe('device');
    expect(setup.cloud.connections).toBe(0);
  });

  it('is recognised when only the client said that it is private', async () => {
    const setup = await newSetup();
    const secret = 'Project Heron will be announced together with the partner next spring.';
    await collect(setup.service, chat([secret], { route: { privacy: 'private' } }));
    expect(await targetOf(setup.service, chat([secret]))).toBe('device');
    expect(await targetOf(setup.service, chat([`Translate: "${secret}"`]))).toBe('device');
    expect(setup.cloud.connections).toBe(0);
  });

  it('leaves other conversations alone, also those that begin with the same words', async () => {
    const setup = await newSetup();
    const history: ChatMessage[] = [];
    await turn(setup, history, 'hello');
    expect(await turn(setup, history, privateTurn)).toBe('device');
    expect(await turn(setup, history, 'continue')).toBe('device');
    expect(await targetOf(setup.service, chat(['hello']))).toBe('cloud');
    expect(await targetOf(setup.service, chat(['continue']))).toBe('cloud');
    expect(await targetOf(setup.service, chat(['Explain how a bicycle keeps its balance.']))).toBe('cloud');
    // The client goes back to before the private turn.
    expect(await targetOf(setup.service, chat([...history.slice(0, 2), user('something else then')]))).toBe('cloud');
  });
});

describe('the memory of private conversations', () => {
  const messages = [user('I would like to talk about something that only I know.'), assistant('Of course, go on.')];

  it('is bounded, and drops what was not seen for longest', () => {
    const taint = new ConversationTaint({ capacity: 100 });
    taint.remember(messages, 0);
    for (let number = 0; number < 200; number++) {
      taint.remember([user(`something quite different, number ${number}`), assistant('yes')], 0);
    }
    expect(taint.size).toBeLessThanOrEqual(100);
    expect(taint.find(messages)).toBe(-1);
  });

  it('survives a restart through its file, which holds no text and is for the owner only', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-taint-'));
    const file = path.join(folder, 'state', 'private-conversations');
    openTaint(file, silentLog).remember(messages, 0);
    const content = readFileSync(file, 'utf8');
    expect(content).not.toMatch(/only I know|Of course/);
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(openTaint(file, silentLog).find([...messages, user('more')])).toBe(0);
    expect(openTaint(path.join(folder, 'other'), silentLog).find(messages)).toBe(-1);
    rmSync(folder, { recursive: true });
  });

  it('is not hurt by how clients join and trim texts', () => {
    const taint = new ConversationTaint();
    taint.remember([...messages, assistant('Line one of it.\n\nLine two of the answer.')], 0);
    const other: ChatMessage = {
      role: 'assistant',
      content: [{ type: 'text', text: ' Line one of it. Line two of the answer.\n' }],
      toolCalls: [],
      reasoning: 'dropped by most clients',
    };
    expect(taint.find([other, user('and?')])).toBe(0);
  });
});
