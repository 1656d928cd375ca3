/** Stands in for the process that trains: the parent's side of it is what is tested. Fails, dies or waits where the environment says so. */
import { writeFileSync } from 'node:fs';
import { env } from 'node:process';

const progress = (step) => ({
  epoch: 1,
  position: 0,
  step,
  losses: [],
  checks: [
    { epoch: 0, step: 0, loss: 2 },
    { epoch: 1, step, loss: 1 },
  ],
  best: { epoch: 1, step, loss: 1 },
  trainedMs: 1,
});

process.on('message', (job) => {
  if (env.FAKE_DIES_AT === job.kind) process.exit(1);
  const done = (result) => process.send({ type: 'done', result });
  switch (job.kind) {
    case 'encode':
      return done({
        longestTokens: 20,
        tokens: 100,
        learntTokens: 50,
        trainExamples: Number(env.FAKE_EXAMPLES ?? job.train.length),
        validationExamples: job.validation.length,
        cutLines: [],
        droppedLines: [],
        controlTextLines: [],
      });
    case 'widen':
      // What a native writer leaves behind on a full disk.
      writeFileSync(job.target, Buffer.alloc(env.FAKE_CUTS ? 100 : 2 ** 21));
      return done(undefined);
    case 'train':
      writeFileSync(job.checkpointPath, job.fingerprint);
      process.send({ type: 'event', event: { type: 'checkpoint', step: 3 } });
      if (env.FAKE_WAITS) return;
      writeFileSync(job.bestPath, 'best');
      return done({ kind: 'done', reason: 'epochs', progress: progress(3) });
    case 'pause':
      return done({ kind: 'paused', reason: 'paused', progress: progress(2) });
  }
});
process.on('disconnect', () => process.exit(0));
