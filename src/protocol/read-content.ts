/** What was read before the answer, as the answer carries it: `"duanyun": {"pictures": […], "recordings": […]}`. */
import type { ReadContent } from '../core/events.ts';

export function readContentBody(read: ReadContent | undefined): { duanyun?: object } {
  if (read === undefined) return {};
  const pictures = read.pictures.map(({ message, part, text, model, given }) => ({
    message,
    part,
    text,
    model,
    given,
  }));
  const recordings = read.recordings.map(({ message, part, text, model, language, durationSeconds, given }) => ({
    message,
    part,
    text,
    model,
    language,
    duration: durationSeconds,
    given,
  }));
  return {
    duanyun: {
      ...(pictures.length === 0 ? {} : { pictures }),
      ...(recordings.length === 0 ? {} : { recordings }),
    },
  };
}
