/**
 * `npm run bench:web`: the page in headless Chromium, on the real server. What it measures is in `help`. Needs a Chromium;
 * ends with exit code 1 without one.
 */
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { chromiumFlags, findChromium, noChromium } from '../../test/support/find-chromium.ts';
import { chatParts, measureChat } from './chat.ts';
import { measureEngine } from './engine.ts';
import { type Figure, line } from './figure.ts';
import { measureFirstVisit } from './first-visit.ts';

const help = `npm run bench:web -- [--only PART,…] [--rounds 5] [--model smollm2-135m] [--tokens 96] [--threads N] [--json]

Measures the page in headless Chromium and prints medians. Parts (default: all):

  load        from the address to a chat that can be used, empty cache
  streaming   longest task of the page while 200 pieces a second stream into a conversation of 20,000 tokens
  marking     the privacy signals for a draft of 2,000 characters, as the page measures it
  engine      decode in the page (its worker, its service, the text on the screen) against bare wllama: same weights,
              threads, prompt and number of tokens, in turns
  weight      bytes over the wire at a first visit: the page with its offline copy, and what an engine adds

  --rounds    how often each is measured; weight once
  --model     weights of the part engine: smollm2-135m, qwen2.5-coder-0.5b
  --tokens    pieces of an answer that are timed in the part engine
  --threads   of the engine; default what the page takes by itself
  --json      the figures as JSON
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    model: { type: 'string', default: 'smollm2-135m' },
    tokens: { type: 'string', default: '96' },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
const parts = [...(Object.keys(chatParts) as (keyof typeof chatParts)[]), 'engine', 'weight'] as const;
type Part = (typeof parts)[number];
const wanted = (values.only ?? parts.join(',')).split(',');
const unknown = wanted.filter((each) => !parts.includes(each as Part));
if (unknown.length > 0) fail(`There is no part ${unknown.join(', ')}. There are: ${parts.join(', ')}.`);
const rounds = count('rounds');
const tokens = count('tokens');
const threads = values.threads === undefined ? undefined : count('threads');
const { model } = values;
if (model !== 'smollm2-135m' && model !== 'qwen2.5-coder-0.5b')
  fail(`--model ${model} is none that a page is measured with.`);
const executablePath = findChromium() ?? fail(noChromium);

const figures: Figure[] = [];
const inChat = parts.filter((each) => each !== 'engine' && each !== 'weight').filter((each) => wanted.includes(each));
const launch = { executablePath, args: [...chromiumFlags] };
if (inChat.length > 0) {
  const browser = await chromium.launch(launch);
  try {
    figures.push(...(await measureChat(browser, inChat, rounds)));
  } finally {
    await browser.close();
  }
}
if (wanted.includes('engine')) figures.push(...(await measureEngine({ launch, rounds, tokens, threads, model })));
if (wanted.includes('weight')) figures.push(...(await measureFirstVisit(launch)));
if (values.json) console.log(JSON.stringify(figures, undefined, 2));
else for (const figure of figures) console.log(line(figure));

function count(name: 'rounds' | 'tokens' | 'threads'): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1) fail(`--${name} is a number from 1 on, not ${values[name]}.`);
  return value;
}

function fail(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
