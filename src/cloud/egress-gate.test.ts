import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HandClock } from '../../test/support/app-client.ts';
import { FakeCloud } from '../../test/support/fake-cloud.ts';
import { systemClock } from '../core/clock.ts';
import { EgressGate } from './egress-gate.ts';
import type { EgressDetector } from './egress-verdicts.ts';

const { signal } = new AbortController();
const render = (subject: { text: string }) => ({ path: '/chat/completions', body: { prompt: subject.text } });
const open: EgressDetector = () => ({ private: false, reasons: [] });

describe('the egress gate', () => {
  const cloud = new FakeCloud();
  beforeAll(async () => void (await cloud.start()));
  afterAll(() => cloud.stop());

  async function trySend(gate: EgressGate, subject: { text: string }): Promise<unknown> {
    const transport = gate.connect({ url: cloud.url });
    const before = cloud.bodies.length;
    try {
      const response = await transport.send(subject, render, signal);
      response.discard();
      return cloud.bodies.length - before;
    } catch (error) {
      expect(cloud.bodies).toHaveLength(before);
      return (error as { code?: string }).code;
    } finally {
      await transport.dispose();
    }
  }

  const slow = async (): Promise<{ private: boolean; reasons: string[] }> => new Promise(() => {});
  it.each<[string, EgressDetector | undefined]>([
    ['says private', () => ({ private: true, reasons: ['phone'] })],
    [
      'throws',
      () => {
        throw new Error('crash');
      },
    ],
    ['rejects', () => Promise.reject(new Error('crash'))],
    ['never answers', slow],
    ['is missing', undefined],
    ['gives nothing', (() => undefined) as unknown as EgressDetector],
    ['gives a truthy word', (() => ({ private: 'no', reasons: [] })) as unknown as EgressDetector],
    ['gives half a judgement', (() => ({ private: false })) as unknown as EgressDetector],
  ])('lets nothing out when the detector %s', async (_, detect) => {
    const gate = new EgressGate({ clock: systemClock, budgetMs: 30 });
    const subject = { text: 'x' };
    expect((await gate.judge(subject, detect)).private).toBe(true);
    expect(await trySend(gate, subject)).toBe('egress_refused');
    expect(gate.bytesSent(subject)).toBe(0);
  });

  it('does not believe a judgement that took longer than its budget', async () => {
    const clock = new HandClock();
    const gate = new EgressGate({ clock, budgetMs: 30 });
    const subject = { text: 'x' };
    const verdict = await gate.judge(subject, () => {
      clock.nowMs += 31;
      return { private: false, reasons: [] };
    });
    expect(verdict).toMatchObject({ private: true, failure: 'detector-timeout' });
    expect(await trySend(gate, subject)).toBe('egress_refused');
  });

  it('lets nothing out that was not judged, also not a copy of what was', async () => {
    const gate = new EgressGate({ clock: systemClock });
    const judged = { text: 'x' };
    await gate.judge(judged, open);
    expect(await trySend(gate, { ...judged })).toBe('egress_refused');
    expect(await trySend(gate, judged)).toBe(1);
  });

  it('never opens again what was private once', async () => {
    const gate = new EgressGate({ clock: systemClock });
    const twice = { text: 'x' };
    await gate.judge(twice, () => ({ private: true, reasons: ['phone'] }));
    expect(await gate.judge(twice, open)).toMatchObject({ private: true, reasons: ['phone'] });
    expect(await trySend(gate, twice)).toBe('egress_refused');
    const sealed = { text: 'y' };
    await gate.judge(sealed, open);
    gate.seal(sealed, 'declared');
    await gate.judge(sealed, open);
    expect(await trySend(gate, sealed)).toBe('egress_refused');
  });

  it('counts the bytes that left, and none where no connection stood', async () => {
    const gate = new EgressGate({ clock: systemClock });
    const subject = { text: '你好' };
    await gate.judge(subject, open);
    await trySend(gate, subject);
    expect(gate.bytesSent(subject)).toBe(Buffer.byteLength('{"prompt":"你好"}'));
    const lost = { text: 'z' };
    await gate.judge(lost, open);
    const transport = gate.connect({ url: 'http://127.0.0.1:9' });
    await expect(transport.send(lost, render, signal)).rejects.toMatchObject({ kind: 'connect' });
    expect(gate.bytesSent(lost)).toBe(0);
    await transport.dispose();
  });
});

/** What can open a connection. Types and servers that only listen are no danger. */
const clients =
  /\bfrom '(?:undici|node:https?|node:http2|node:net|node:tls|node:dgram|https?|net|tls|axios|got|ws|openai|ai|pg|@redis\/client)'|\bimport\('(?:undici|node:https?|pg|@redis\/client)|(?:^|[^.\w])fetch\(|globalThis\.fetch|\bnew (?:WebSocket|EventSource|XMLHttpRequest)\b/;
const allowed = [
  { path: /^models\//, why: 'fetches weights; sees no request' },
  { path: /^cloud\/egress-gate\.ts$/, why: 'the gate' },
  { path: /^gateway\/state\/postgres-store\.ts$/, why: 'keys and amounts to the own database' },
  { path: /^gateway\/limits\/redis-counters\.ts$/, why: 'counts to the own Redis' },
  { path: /^cloud\/(?:picture-fetcher|public-address)\.ts$/, why: 'sends an address and no content' },
  { path: /^cli\//, why: "the command's own client of the local server" },
  {
    path: /^client\//,
    why: 'the library for programs that call this one; the next test holds that this one does without',
  },
  { path: /^bench\//, why: 'the load client: sends its own workload to a server that is named' },
];

describe('no other file of the program', () => {
  it('imports something that can open a connection', () => {
    const root = new URL('../', import.meta.url);
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .map((file) => file.replaceAll('\\', '/'))
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !/(^|\/)testing\//.test(file));
    expect(files).toContain('cloud/egress-gate.ts');
    const offenders = files.filter((file) => {
      if (allowed.some(({ path }) => path.test(file))) return false;
      let code = readFileSync(new URL(file, root), 'utf8').replaceAll(/import type [^;]*;/g, '');
      // The server listens; it needs no client for that.
      if (file.startsWith('server/')) code = code.replaceAll(/from 'node:(?:http|net)'/g, '');
      if (file === 'server/dictation/socket.ts') {
        code = code.replaceAll(/import \{ WebSocketServer, type RawData, type WebSocket \} from 'ws'/g, '');
      }
      if (file === 'server/tls.ts') code = code.replaceAll(/import \{ create(?:Server|SecureContext)\b.*/g, '');
      return clients.test(code);
    });
    expect(offenders).toEqual([]);
  });

  it('imports the client library', () => {
    const root = new URL('../', import.meta.url);
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .map((file) => file.replaceAll('\\', '/'))
      // `src/bench` has a folder of that name; it may open connections anyway.
      .filter((file) => file.endsWith('.ts') && !/^(client|bench)\//.test(file) && !file.endsWith('.test.ts'));
    const importers = files.filter((file) =>
      /from '(?!.*\/bench\/)[^']*\/client\/[^']*'/.test(readFileSync(new URL(file, root), 'utf8')),
    );
    expect(importers).toEqual([]);
  });

  it('gets hold of the HTTP client of the gate', () => {
    const code = readFileSync(new URL('egress-gate.ts', import.meta.url), 'utf8');
    const exported = [...code.matchAll(/^export (?:class|type|function|const) (\w+)/gm)].map((match) => match[1]);
    expect(exported).toEqual(['EgressTarget', 'EgressResponse', 'EgressTransport', 'EgressGate']);
  });
});
