/** Grammars that make a model call a tool, in the model's own notation, with arguments that fit the tool's schema. */
import type { JsonSchema, ToolDefinition } from '../../../core/chat.ts';
import { makeError } from '../../../core/errors.ts';
import type { GrammarLimits } from './gbnf.ts';
import { alternatives, GrammarBuilder, literal, unsupportedSchema } from './gbnf.ts';
import { isStringParameter } from './glm-call-reader.ts';
import { addSchema } from './json-schema-grammar.ts';
import type { ReasoningPrefix } from './reasoning-prefix.ts';
import { withReasoning } from './reasoning-prefix.ts';
import { isObject } from './schema-merge.ts';
import { oneOfTexts } from './string-grammar.ts';

export type ToolGrammarOptions = {
  /** `none` writes Hermes calls: most models know them. */
  format: 'hermes' | 'glm' | 'none';
  /** Whether several calls may follow each other (at most 8). */
  parallel: boolean;
  reasoning?: ReasoningPrefix;
  limits?: Partial<GrammarLimits>;
};

/** For `llama_sampler_init_grammar_lazy_patterns`: the grammar binds from the first group of the first pattern that matches. */
export type LazyGrammar = { text: string; triggerPatterns: string[] };

const mostCalls = 8;

/**
 * The answer is one call (or several) of the tools in `choice`: any of them, or the named one. A tool that is not `strict`
 * gets its schema as far as a grammar can hold it.
 * Errors: `invalid_request` for a name that is not there; `unsupported_schema`, `schema_too_complex`.
 */
export function toolCallGrammar(
  tools: readonly ToolDefinition[],
  choice: { type: 'required' } | { type: 'named'; name: string },
  options: ToolGrammarOptions,
): string {
  const allowed = choice.type === 'named' ? tools.filter((tool) => tool.name === choice.name) : tools;
  if (allowed.length === 0) {
    const reason =
      choice.type === 'named'
        ? `tool_choice names ${choice.name}, which is not among the tools.`
        : 'tool_choice is required and there are no tools.';
    throw makeError('invalid_request', { reason }, { param: 'tool_choice' });
  }
  const grammar = new GrammarBuilder(options.limits);
  // One named tool is one call, as the OpenAI API has it.
  const several = options.parallel && choice.type !== 'named';
  const calls = grammar.rule('calls', callSequence(grammar, allowed, options.format, several));
  grammar.define('root', withReasoning(grammar, options.reasoning ?? 'none', calls));
  return grammar.toString();
}

/**
 * For `tool_choice: auto`: nothing is forced until the model writes `<tool_call>` of its own accord; from there on its call must
 * fit. The search runs over the whole answer at every token, so the pattern is as short as can be.
 */
export function lazyToolGrammar(tools: readonly ToolDefinition[], options: ToolGrammarOptions): LazyGrammar {
  const grammar = new GrammarBuilder(options.limits);
  grammar.define('root', `${callSequence(grammar, tools, options.format, options.parallel)} "\\n"?`);
  return { text: grammar.toString(), triggerPatterns: ['(<tool_call>)'] };
}

function callSequence(
  grammar: GrammarBuilder,
  tools: readonly ToolDefinition[],
  format: ToolGrammarOptions['format'],
  several: boolean,
): string {
  const bodies = tools.map((tool) => (format === 'glm' ? glmCall(grammar, tool) : hermesCall(grammar, tool)));
  const body = grammar.rule('body', alternatives(bodies));
  const call = grammar.rule(
    'call',
    format === 'glm' ? `"<tool_call>" ${body} "</tool_call>"` : `"<tool_call>\\n" ${body} "\\n</tool_call>"`,
  );
  if (!several) return call;
  return `${call} ${grammar.repeat(grammar.rule('next-call', `"\\n" ${call}`), 0, mostCalls - 1)}`;
}

function hermesCall(grammar: GrammarBuilder, tool: ToolDefinition): string {
  const value = addSchema(grammar, argumentsSchema(tool), tool.strict ? 'refuse' : 'ignore');
  return `${literal(`{"name": ${JSON.stringify(tool.name)}, "arguments": `)} ${value} "}"`;
}

/** Without a schema: no arguments are better than invented ones only where the schema says so, so any object is allowed. */
function argumentsSchema(tool: ToolDefinition): JsonSchema {
  const { parameters } = tool;
  if (parameters === undefined || parameters === true) return { type: 'object' };
  if (!isObject(parameters)) throw unsupportedSchema(`the parameters of ${tool.name} are not an object`);
  return 'type' in parameters || '$ref' in parameters ? parameters : { ...parameters, type: 'object' };
}

/** Keys in the order of the schema, optional ones left out at will; strings bare, everything else as JSON. */
function glmCall(grammar: GrammarBuilder, tool: ToolDefinition): string {
  const schema = argumentsSchema(tool);
  const start = `${literal(tool.name)} "\\n"`;
  if (!isObject(schema)) return start;
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  const parts = Object.keys(properties).map((key) => {
    const value = isStringParameter(schema, key)
      ? bareString(grammar, properties[key])
      : addSchema(grammar, withDefinitions(schema, properties[key]), tool.strict ? 'refuse' : 'ignore');
    const argument = grammar.rule(
      `${key}-arg`,
      `${literal(`<arg_key>${key}</arg_key>\n<arg_value>`)} ${value} "</arg_value>\\n"`,
    );
    return required.has(key) ? argument : `${argument}?`;
  });
  return [start, ...parts].join(' ');
}

/** A property on its own must still find what it refers to. */
function withDefinitions(schema: JsonSchema, property: unknown): JsonSchema {
  if (!isObject(schema) || !isObject(property as JsonSchema)) return property !== false;
  const { $defs, definitions } = schema;
  return {
    ...(property as Record<string, never>),
    ...($defs === undefined ? {} : { $defs }),
    ...(definitions === undefined ? {} : { definitions }),
  };
}

/** A string as it is between the tags: one of its values, or any text without `</`. Lengths and patterns are not enforced. */
function bareString(grammar: GrammarBuilder, property: unknown): string {
  const schema = isObject(property as JsonSchema) ? (property as Record<string, unknown>) : {};
  const listed: unknown[] = Array.isArray(schema['enum']) ? schema['enum'] : [schema['const']];
  const values = listed.filter((value) => typeof value === 'string');
  if (values.length > 0) return oneOfTexts(grammar, values);
  const character = grammar.rule('bare', '[^<] | "<"+ [^</]');
  return `${character}*`;
}
