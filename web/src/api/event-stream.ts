/** Server-sent events as the page needs them: the data of each event, in order (WHATWG HTML, 9.2.6). */

/** Yields the `data` of each whole event. What the connection cut off in the middle of an event is dropped. */
export async function* readEventData(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      // A carriage return at the very end may be the first half of a line's end.
      const text = rest + value;
      const lines = text.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield data.join('\n');
          data = [];
        } else if (line.startsWith('data:')) data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
