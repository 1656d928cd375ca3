/**
 * Keeps what somebody wrote from being read as control tokens: the engine in the page reads `<|im_end|>` in a message as
 * the end of the turn. A zero-width space after the bracket makes plain text of it.
 */
const controlText =
  /<(?=\/?(?:\|[^<>|\s]{1,40}\|>|(?:s|bos|eos|unk|pad|think|tool_call|tool_response|start_of_turn|end_of_turn)>))/g;

export function withoutControlText(text: string): string {
  return text.replace(controlText, '<\u{200B}');
}
