/** The one grammar, if any, that binds an answer: from tool choice and response format. */
import type { ResponseFormat, ToolChoice, ToolDefinition } from '../../../core/chat.ts';
import { makeError } from '../../../core/errors.ts';
import type { OutputFormats } from './format-detection.ts';
import { grammarFromSchema, jsonObjectGrammar } from './json-schema-grammar.ts';
import type { ReasoningPrefix } from './reasoning-prefix.ts';
import { lazyToolGrammar, toolCallGrammar } from './tool-grammar.ts';

export type AnswerGrammarInput = {
  responseFormat: ResponseFormat;
  tools: readonly ToolDefinition[];
  /** Default `auto`. */
  toolChoice?: ToolChoice;
  /** Default true. */
  parallel?: boolean;
  formats: OutputFormats;
  /** Default `none`. */
  reasoning?: ReasoningPrefix;
};

/** GBNF with start rule `root`; with `triggerPatterns` it binds only once one of them has appeared. */
export type AnswerGrammar = { text: string; triggerPatterns?: string[] };

/**
 * A forced tool call wins over the response format. A format binds the answer from its start, so that a model with tools on offer
 * then cannot call them; without one, `auto` binds strict tools once the model has begun a call.
 * Errors: `invalid_request`, `unsupported_schema`, `schema_too_complex`.
 */
export function answerGrammar(input: AnswerGrammarInput): AnswerGrammar | undefined {
  const { responseFormat, tools, toolChoice = { type: 'auto' }, parallel = true, formats } = input;
  const reasoning = input.reasoning ?? 'none';
  const toolOptions = { format: formats.toolFormat, parallel, reasoning };
  if (toolChoice.type === 'required' || toolChoice.type === 'named') {
    return { text: toolCallGrammar(tools, toolChoice, toolOptions) };
  }
  switch (responseFormat.type) {
    case 'json-object':
      return { text: jsonObjectGrammar({ reasoning }) };
    case 'json-schema': {
      const unsupportedKeywords = responseFormat.strict ? 'refuse' : 'ignore';
      try {
        return { text: grammarFromSchema(responseFormat.schema, { reasoning, unsupportedKeywords }) };
      } catch (error) {
        throw withParam(error, 'response_format.json_schema.schema');
      }
    }
    case 'text': {
      const binds = toolChoice.type === 'auto' && formats.toolFormat !== 'none' && tools.some((tool) => tool.strict);
      return binds ? lazyToolGrammar(tools, toolOptions) : undefined;
    }
  }
}

function withParam(error: unknown, param: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const reason = error.message.replace(/^[^:]*: /, '').replace(/\.$/, '');
  if (error.code === 'unsupported_schema') return makeError('unsupported_schema', { reason }, { param, cause: error });
  if (error.code === 'schema_too_complex') return makeError('schema_too_complex', { reason }, { param, cause: error });
  return error;
}
