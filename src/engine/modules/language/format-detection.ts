/** How a model without catalogue entry writes tool calls and reasoning, told from its chat template and architecture. */
import type { ModelEntry } from '../../../core/catalogue.ts';

export type OutputFormats = Pick<ModelEntry['quirks'], 'toolFormat' | 'reasoningFormat'>;

/**
 * `architecture` is `general.architecture` of the GGUF. GLM's vision models answer in `<answer>` and box marks though their
 * template does not say so: they are known by the image marks in it.
 */
export function detectFormats(template: string, architecture = ''): OutputFormats {
  const isGlm = architecture.startsWith('glm') || template.includes('[gMASK]');
  const isGlmVision = isGlm && /<\|begin_of_image\|>|<answer>|begin_of_box/.test(template);
  let toolFormat: OutputFormats['toolFormat'] = 'none';
  if (template.includes('<tool_call>')) toolFormat = template.includes('<arg_key>') ? 'glm' : 'hermes';
  let reasoningFormat: OutputFormats['reasoningFormat'] = 'none';
  if (isGlmVision || template.includes('<answer>')) reasoningFormat = 'glm';
  else if (template.includes('<think>') || template.includes('</think>')) reasoningFormat = 'think';
  return { toolFormat, reasoningFormat };
}

/** Whether the rendered prompt ends inside a `<think>` block, so that the model's first words are already reasoning. */
export function promptOpensReasoning(prompt: string): boolean {
  return /<think>\s*$/.test(prompt.slice(-200));
}
