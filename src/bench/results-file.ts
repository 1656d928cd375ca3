/** `requests.jsonl`: written line by line, so that whatever ends the run, what was measured is there. */
import { createReadStream, openSync, closeSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { makeError } from '../core/errors.ts';
import {
  lineSchema,
  type EndRecord,
  type NoteRecord,
  type RequestRecord,
  type ResultLine,
  type RunRecord,
  type SampleRecord,
} from './record.ts';

export type Results = {
  run: RunRecord;
  requests: RequestRecord[];
  samples: SampleRecord[];
  notes: NoteRecord[];
  /** Absent where the file was cut before its end. */
  end?: EndRecord;
  /** Lines that could not be read; a file cut in half ends in one. */
  damagedLines: number;
};

export class ResultsFile {
  readonly #descriptor: number;
  readonly results: Results;

  /** Overwrites. */
  constructor(path: string, run: RunRecord) {
    this.#descriptor = openSync(path, 'w');
    this.results = { run, requests: [], samples: [], notes: [], damagedLines: 0 };
    this.#append(run);
  }

  write(line: Exclude<ResultLine, RunRecord>): void {
    keep(this.results, line);
    this.#append(line);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #append(line: ResultLine): void {
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`);
  }
}

/** Throws `invalid_request` for a file that does not begin with a run's description. */
export async function readResults(path: string): Promise<Results> {
  let results: Results | undefined;
  let damagedLines = 0;
  try {
    for await (const text of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })) {
      if (text.trim() === '') continue;
      const line = parseLine(text);
      if (line === undefined) damagedLines += 1;
      else if (line.type === 'run') results ??= { run: line, requests: [], samples: [], notes: [], damagedLines: 0 };
      else if (results !== undefined) keep(results, line);
    }
  } catch (error) {
    throw makeError('invalid_request', { reason: `${path} cannot be read` }, { cause: error });
  }
  if (results === undefined) throw makeError('invalid_request', { reason: `${path} is no result of duanyun bench` });
  return { ...results, damagedLines };
}

function parseLine(text: string): ResultLine | undefined {
  try {
    const parsed = lineSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function keep(results: Results, line: Exclude<ResultLine, RunRecord>): void {
  switch (line.type) {
    case 'request':
      results.requests.push(line);
      break;
    case 'sample':
      results.samples.push(line);
      break;
    case 'note':
      results.notes.push(line);
      break;
    case 'end':
      results.end = line;
      break;
  }
}
