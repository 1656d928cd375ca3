/** The address a click may go to: the web and mail, nothing that runs (`javascript:`, `data:`, `blob:`). */
export function safeLink(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const parsed = new URL(url);
  return ['https:', 'http:', 'mailto:'].includes(parsed.protocol) ? parsed.href : undefined;
}
