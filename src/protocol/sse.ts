/** One server-sent event. JSON text holds no line break, so one `data:` line is always enough. */
export function dataFrame(json: string): string {
  return `data: ${json}\n\n`;
}

/** The Responses API names its events. */
export function namedFrame(name: string, json: string): string {
  return `event: ${name}\ndata: ${json}\n\n`;
}

export const doneFrame = 'data: [DONE]\n\n';
/** A comment, which every client skips: it keeps proxies from closing a silent connection. */
export const keepAliveFrame = commentFrame('keep-alive');

/** A comment, which clients do not show; it keeps a connection alive. */
export function commentFrame(text: string): string {
  return `: ${text.replaceAll(/[\r\n]+/g, ' ')}\n\n`;
}
