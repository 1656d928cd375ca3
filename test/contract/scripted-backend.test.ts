import { describe } from 'vitest';
import type { GenerationRequest } from '../../src/core/chat.ts';
import {
  answer,
  event,
  finish,
  lastText,
  type ScriptStep,
  ScriptedBackend,
  start,
  usage,
} from '../support/scripted-backend.ts';
import { runBackendContract } from './backend-contract.ts';

/** Answers like a model would: long questions slowly, and never more than `maxTokens` words. */
function* script(request: GenerationRequest): Generator<ScriptStep> {
  const question = lastText(request);
  const limit = request.maxTokens ?? 16;
  if (!question.startsWith('Count')) {
    yield* answer(`你好 🦜 ${question}`);
    return;
  }
  yield start();
  for (let number = 1; number <= limit; number += 1) {
    yield { step: 'wait', ms: 2 };
    yield event({ type: 'text-delta', text: `${number} ` });
  }
  yield usage(limit);
  yield finish('length');
}

describe('the scripted backend', () => {
  runBackendContract({ newBackend: () => new ScriptedBackend({ script }), model: 'scripted-1' });
});

describe('the scripted backend without embeddings', () => {
  runBackendContract({ newBackend: () => new ScriptedBackend({ script, embeddings: false }), model: 'scripted-1' });
});
