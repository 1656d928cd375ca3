/** A model's own chat template (Jinja, from `tokenizer.chat_template`), turned into the prompt text for a conversation. */
import type { ChatMessage, ToolDefinition } from '../../../core/chat.ts';
import type { Clock } from '../../../core/clock.ts';
import { systemClock } from '../../../core/clock.ts';
import { makeError } from '../../../core/errors.ts';
import type { TemplateLimits } from './bounded-jinja.ts';
import { BoundedTemplate, TemplateRefusal, TemplateRunaway } from './bounded-jinja.ts';
import type { TemplateMessage, TemplateSupport } from './template-messages.ts';
import { toTemplateMessages, toTemplateTools } from './template-messages.ts';

export type ChatTemplateOptions = {
  bosToken?: string;
  eosToken?: string;
  /** For `strftime_now`. Default: the system's. */
  clock?: Clock;
  limits?: Partial<TemplateLimits>;
};

export type RenderInput = {
  messages: ChatMessage[];
  tools: readonly ToolDefinition[];
  /** Whether the prompt ends where the assistant begins to speak. */
  addGenerationPrompt: boolean;
  /** `undefined`: the template's default. */
  enableThinking?: boolean;
  /** System prompt where the client sent none; without it the template's own default stays. */
  persona?: string;
  /** Written in place of pictures and sounds, for runtimes that look for a mark in the text. Default: left to the template. */
  mediaMarker?: string;
};

/** For two short messages; a template that needs more is broken. */
const probeSteps = 100_000;

export class ChatTemplate {
  readonly supports: TemplateSupport;
  /** What the template writes where a picture stands, without blanks around it; `undefined` where it knows no pictures. */
  readonly pictureMark: string | undefined;
  readonly #template: BoundedTemplate;
  readonly #tokens: { bos_token: string; eos_token: string };

  /** Errors: `model_file_invalid` for a template that cannot be parsed, or does not come to an end. */
  constructor(templateText: string, options: ChatTemplateOptions = {}) {
    try {
      this.#template = new BoundedTemplate(templateText, options.clock ?? systemClock, options.limits);
    } catch (error) {
      throw unusable('its chat template cannot be parsed', error);
    }
    this.#tokens = { bos_token: options.bosToken ?? '', eos_token: options.eosToken ?? '' };
    this.supports = this.#probe(templateText);
    this.pictureMark = this.#probePicture();
  }

  /**
   * The prompt, special tokens included as text.
   * Errors: `invalid_request` when the template refuses the messages; `engine_failed` when it runs away.
   */
  render(input: RenderInput): string {
    const messages = withPersona(input.messages, input.persona);
    const marker = input.mediaMarker === undefined ? {} : { mediaMarker: input.mediaMarker };
    const mapped = toTemplateMessages(messages, { supports: this.supports, ...marker });
    const thinking = input.enableThinking === undefined ? {} : { enable_thinking: input.enableThinking };
    try {
      return this.#run(mapped, input.tools, { add_generation_prompt: input.addGenerationPrompt, ...thinking });
    } catch (error) {
      throw toRequestError(error);
    }
  }

  #run(
    messages: TemplateMessage[],
    tools: readonly ToolDefinition[],
    variables: Record<string, unknown>,
    mostSteps?: number,
  ): string {
    const templateTools = toTemplateTools(tools);
    const size = JSON.stringify([messages, templateTools]).length;
    return this.#template.render({ messages, tools: templateTools, ...this.#tokens, ...variables }, size, mostSteps);
  }

  #probePicture(): string | undefined {
    const content = [{ type: 'text', text: 'probe-before' }, { type: 'image' }, { type: 'text', text: 'probe-after' }];
    try {
      const text = this.#run([{ role: 'user', content }], [], { add_generation_prompt: true }, probeSteps);
      const mark = /probe-before([\s\S]*)probe-after/.exec(text)?.[1]?.trim() ?? '';
      // A list that was printed as it is has quotes.
      return mark === '' || /['"]/.test(mark) ? undefined : mark;
    } catch {
      return undefined;
    }
  }

  /** Finds out by trying, for templates say in many ways what they can do. */
  #probe(templateText: string): TemplateSupport {
    const attempt = (
      messages: TemplateMessage[],
      tools: ToolDefinition[] = [],
      variables: Record<string, unknown> = {},
    ): string => {
      try {
        return this.#run(messages, tools, { add_generation_prompt: true, ...variables }, probeSteps);
      } catch (error) {
        if (error instanceof TemplateRunaway) throw unusable('its chat template does not come to an end', error);
        return '';
      }
    };
    const user: TemplateMessage = { role: 'user', content: 'probe-user' };
    const withCall = (given: string | Record<string, string>): string => {
      const call = { id: 'call00000', type: 'function' as const, function: { name: 'probe_call', arguments: given } };
      return attempt([
        user,
        { role: 'assistant', content: '', tool_calls: [call] },
        { role: 'tool', content: 'probe-result', tool_call_id: call.id, name: 'probe_call' },
      ]);
    };
    const asObject = withCall({ probe_key: 'probe-value' });
    const asString = withCall('{"probe_key": "probe-value"}');
    // An object printed by a template that wanted a string shows up as something else than its JSON, or fails.
    const takesObject = asObject.includes('probe-value');
    const takesString = asString.includes('{"probe_key": "probe-value"}');
    const system = attempt([{ role: 'system', content: 'probe-system' }, user]);
    const parts = attempt([{ role: 'user', content: [{ type: 'text', text: 'probe-part' }] }]);
    const on = attempt([user], [], { enable_thinking: true });
    const off = attempt([user], [], { enable_thinking: false });
    return {
      tools: attempt([user], [{ name: 'probe_tool', strict: false }]).includes('probe_tool'),
      thinking: on !== off || templateText.includes('<think>'),
      systemRole: system.includes('probe-system'),
      contentText: attempt([user]).includes('probe-user'),
      contentParts: parts.includes('probe-part') && !/['"]text['"]/.test(parts),
      toolArguments: takesObject || !takesString ? 'object' : 'string',
    };
  }
}

/** What a template can take, without keeping it. Errors: `model_file_invalid`. */
export function templateSupports(templateText: string): TemplateSupport {
  return new ChatTemplate(templateText).supports;
}

function unusable(reason: string, error: unknown): Error {
  return makeError('model_file_invalid', { file: 'The model', reason }, { cause: error, detail: String(error) });
}

function withPersona(messages: ChatMessage[], persona: string | undefined): ChatMessage[] {
  if (persona === undefined || messages.some((message) => message.role === 'system')) return messages;
  return [{ role: 'system', content: [{ type: 'text', text: persona }] }, ...messages];
}

function toRequestError(error: unknown): Error {
  const options = { cause: error, detail: String(error), param: 'messages' };
  if (error instanceof TemplateRefusal) {
    return makeError('invalid_request', { reason: `The model's chat template says: ${error.message}` }, options);
  }
  if (error instanceof TemplateRunaway) {
    return makeError('engine_failed', { reason: "the model's chat template does not come to an end" }, options);
  }
  return makeError('invalid_request', { reason: "The model's chat template cannot render these messages." }, options);
}
