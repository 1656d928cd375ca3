/**
 * Decode in the page against bare wllama. On our side everything is as for a user: the question is typed, the worker's
 * service decides, its `Backend` answers, and the text is drawn while the next token is computed. Both sides are timed alike:
 * from the first to the last of a number of pieces of text, by the clock of the page that gets them.
 */
// oxlint-disable no-restricted-imports -- the page with the real store and a device that has nothing to say
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BrowserContext, chromium, type Page } from 'playwright';
import type { Persona } from '../../src/core/catalogue.ts';
import { personaFor } from '../../src/core/persona.ts';
import { ask, fetchModel, startModelServer } from '../../test/support/model-server.ts';
import { obtainWeights, type TestModel } from '../../test/support/obtain-weights.ts';
import { serveBarePage } from './bare-page.ts';
import { type Figure, pageFolder, patientMs } from './figure.ts';

export type EngineOptions = {
  launch: { executablePath: string; args: string[] };
  rounds: number;
  /** Pieces of an answer. */
  tokens: number;
  threads: number | undefined;
  model: TestModel;
};
/** What the page's server says of a model. */
type Weights = { id: string; displayName: string; contextTokens: number; persona?: Persona };
/** Set by the scripts in both pages. */
type Globals = {
  pieceTimes: number[];
  document: { querySelector(selector: string): unknown };
  load(options: object): Promise<void>;
  decode(params: object, pieces: number): Promise<number[]>;
};

const question = 'Write a long story about a brave fox, a river and three friends.';
/** The page's own: `pageContextTokens` in `web/src/in-page/engine/memory-need.ts`. */
const contextTokens = 4096;
/** For the step that runs when an answer is stopped. */
const settleMs = 1000;
/** Rare enough to take no time from the engine. */
const pollMs = 250;

export async function measureEngine({ launch, rounds, tokens, threads, model }: EngineOptions): Promise<Figure[]> {
  const weights = await obtainWeights(model);
  if ('missing' in weights) throw new Error(weights.missing);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-bench-'));
  const server = await startModelServer({ policy: {} }, pageFolder);
  const bare = await serveBarePage(weights.model.weightsPath);
  let context: BrowserContext | undefined;
  try {
    context = await chromium.launchPersistentContext(folder, { ...launch, locale: 'en-US', serviceWorkers: 'block' });
    context.setDefaultTimeout(patientMs);
    if (threads !== undefined) await context.addInitScript(pretendCores, threads);
    const ours = await openOurs(context, server.web.server.url, model);
    say('the page has its model');
    const used = await threadsOf(ours, threads);
    const theirs = await context.newPage();
    await theirs.goto(bare.url);
    await theirs.waitForFunction('globalThis.isLoaded === true');
    await theirs.evaluate((options) => (globalThis as unknown as Globals).load(options), {
      n_ctx: contextTokens,
      n_threads: used,
      n_gpu_layers: 0,
    });
    const facts = await factsOf(ours, model);
    const persona = personaFor(facts, question);
    const system = persona === undefined ? [] : [{ role: 'system', content: persona }];
    const messages = [...system, { role: 'user', content: question }];
    const pageSpeeds: number[] = [];
    const bareSpeeds: number[] = [];
    say('both are loaded');
    const measureBare = async (): Promise<void> => {
      await theirs.bringToFront();
      const params = { messages, max_tokens: tokens, temperature: 0.7 };
      const times = await theirs.evaluate(([each, pieces]) => (globalThis as unknown as Globals).decode(each, pieces), [
        params,
        tokens,
      ] as const);
      bareSpeeds.push(speedOf(times, tokens));
      await sleep(settleMs);
    };
    const measureOurs = async (): Promise<void> => {
      await ours.bringToFront();
      pageSpeeds.push(speedOf(await answerOnce(ours, tokens), tokens));
      await sleep(settleMs);
    };
    // The first answers read the prompt and warm both up; from then on the one that went first goes second.
    for (let round = -1; round < rounds; round++) {
      const [first, second] = round % 2 === 0 ? [measureOurs, measureBare] : [measureBare, measureOurs];
      await first();
      await second();
      const said = `page ${pageSpeeds.at(-1)?.toFixed(1)}, bare ${bareSpeeds.at(-1)?.toFixed(1)} tokens/s`;
      say(round < 0 ? `warmed up: ${said}` : `${round + 1} of ${rounds}: ${said}`);
    }
    const [pageAfter, bareAfter] = [pageSpeeds.slice(1), bareSpeeds.slice(1)];
    const setting = `${facts.displayName}, ${used} thread${used === 1 ? '' : 's'}`;
    return [
      { name: `decode in the page (${setting})`, unit: 'tokens/s', values: pageAfter },
      { name: 'decode of bare wllama', unit: 'tokens/s', values: bareAfter },
      {
        name: 'the page against bare wllama',
        unit: '',
        values: pageAfter.map((each, n) => each / (bareAfter[n] ?? 0)),
      },
    ];
  } finally {
    await context?.close();
    await server.close();
    await bare.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openOurs(context: BrowserContext, url: string, model: string): Promise<Page> {
  const page = await context.newPage();
  // Each piece is timed when the page gets it from its worker, before it is drawn.
  await page.addInitScript(() => {
    const globals = globalThis as unknown as { Worker: typeof EventTarget; pieceTimes: number[] };
    globals.pieceTimes = [];
    const Own = globals.Worker as unknown as new (...all: unknown[]) => EventTarget;
    globals.Worker = class extends Own {
      constructor(...all: unknown[]) {
        super(...all);
        this.addEventListener('message', (message) => {
          const { data } = message as unknown as { data: { type?: string; event?: { type?: string } } };
          if (data.type === 'event' && data.event?.type === 'text') globals.pieceTimes.push(performance.now());
        });
      }
    };
  });
  await page.goto(url);
  say('fetching the model into the page');
  await fetchModel(page, (await factsOf(page, model)).displayName);
  await page.getByRole('combobox', { name: 'Model' }).selectOption(`page:${model}`);
  return page;
}

/** One question in a conversation of its own; the times of its pieces. */
async function answerOnce(page: Page, pieces: number): Promise<number[]> {
  await page.getByRole('button', { name: 'New chat' }).last().click();
  await page.evaluate(() => {
    (globalThis as unknown as Globals).pieceTimes.length = 0;
  });
  await ask(page, question);
  await page.locator('.answer[aria-busy=true]').waitFor();
  // Asked again and again from here: waiting inside the page takes an `eval`, which its policy forbids.
  const isEnough = (wanted: number): boolean => {
    const { pieceTimes, document } = globalThis as unknown as Globals;
    return pieceTimes.length >= wanted || document.querySelector('.answer[aria-busy=true]') === null;
  };
  while (!(await page.evaluate(isEnough, pieces))) await sleep(pollMs);
  const stop = page.getByRole('button', { name: 'Stop' });
  if (await stop.isVisible()) await stop.click();
  await page.locator('.answer[aria-busy=false]').waitFor();
  return page.evaluate(() => (globalThis as unknown as Globals).pieceTimes);
}

async function factsOf(page: Page, model: string): Promise<Weights> {
  const { data } = await page.evaluate(
    async () => (await (await fetch('/v1/duanyun/weights')).json()) as { data: Weights[] },
  );
  const found = data.find(({ id }) => id === model);
  if (found === undefined) throw new Error(`the server offers no ${model} to its page`);
  return found;
}

/** As in `web/src/in-page/in-page.ts`. */
async function threadsOf(page: Page, wanted: number | undefined): Promise<number> {
  if (wanted !== undefined) return wanted;
  const cores = await page.evaluate(
    () => (globalThis as unknown as { navigator: { hardwareConcurrency: number } }).navigator.hardwareConcurrency,
  );
  return Math.max(1, Math.floor(Math.min(8, cores <= 4 ? cores : cores / 2)));
}

/** Up to four cores the page takes as many threads as there are. */
function pretendCores(threads: number): void {
  const cores = threads <= 4 ? threads : threads * 2;
  Object.defineProperty((globalThis as unknown as { navigator: object }).navigator, 'hardwareConcurrency', {
    get: () => cores,
  });
}

/** Takes minutes, so it says where it is. */
function say(text: string): void {
  process.stderr.write(`engine: ${text}\n`);
}

function speedOf(times: readonly number[], wanted: number): number {
  const timed = times.slice(0, wanted);
  const [first = 0, last = 0] = [timed[0], timed.at(-1)];
  if (timed.length < wanted / 2)
    throw new Error(`an answer ended after ${timed.length} pieces; ask for fewer (--tokens)`);
  return ((timed.length - 1) / (last - first)) * 1000;
}
