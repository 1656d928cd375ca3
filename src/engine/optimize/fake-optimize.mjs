/** Stands in for the process that requantises: copies the source, gives figures by the candidate's name, dies or fails. */
import { copyFileSync, truncateSync } from 'node:fs';
import { env } from 'node:process';

const figures = { q8_0: [0.001, 1.0], 'iq4_nl-attn-down-q8_0': [0.02, 1.4], 'q4_0-attn-q8_0': [0.05, 1.6] };
const spread = (median) => ({ median, least: median, most: median });
const figuresOf = (path) => figures[/candidate-(.+)\.gguf$/.exec(path)?.[1]] ?? [1, 1];

process.on('message', (job) => {
  if (env.FAKE_DIES_AT === job.kind) process.exit(1);
  if (env.FAKE_FAILS_AT === job.kind) {
    return process.send({ type: 'failed', error: { code: 'engine_failed', message: 'The engine failed.' } });
  }
  const done = (result) => process.send({ type: 'done', result });
  switch (job.kind) {
    case 'reference':
      process.send({ type: 'progress', share: 0.5 });
      return done({ perplexity: 20, tokens: 10, ...(env.FAKE_MISMATCH ? { mismatch: env.FAKE_MISMATCH } : {}) });
    case 'quantise':
      copyFileSync(job.source, job.target);
      if (env.FAKE_CUTS) truncateSync(job.target, 1100);
      return done(undefined);
    case 'quality': {
      const isCandidate = job.candidate.includes('candidate-');
      const kl = isCandidate ? figuresOf(job.candidate)[0] : Number(env.FAKE_PUBLISHED_KL);
      return done({ kl, klError: kl / 10, sameTop: 0.95, perplexity: 21 });
    }
    case 'speed': {
      const [, times] = figuresOf(job.candidate);
      return done({ prefill: spread(times), decode: spread(times), eightStreams: spread(times) });
    }
  }
});
process.on('disconnect', () => process.exit(0));
